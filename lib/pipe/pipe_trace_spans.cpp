// SPDX-License-Identifier: MIT
// The spans of calls: where they begin, how they end, and on which track.
#include "pipe/frame_words.hpp"
#include "pipe/pipe_trace.hpp"

#include <algorithm>
#include <iterator>
#include <new>

namespace remora::detail {
namespace {

// Beyond so many at once calls have no span, and stand on the first track.
constexpr std::size_t most_lanes = 1024;

constexpr end_word cancelled{"cancelled", "grey"};
constexpr end_word timed_out_here{"timed out", "bad"};
constexpr end_word not_answered{"gone", "terrible"};

}  // namespace

// It may leave when its caller has gone on already.
void pipe_trace::put_request(const traced_frame& f) {
    lane* const span = begin_span(f);
    put_event(span != nullptr ? 'B' : 'i', span, f);
    if (span != nullptr && given_up_.contains(span->with)) end_span(*span, f.when, nullptr);
}

// By this end: given_up() comes with it.
void pipe_trace::put_cancelled(const traced_frame& f) {
    const call which = call_of(f);
    if (!which.of_this_end) given_up_.try_emplace(which, &cancelled);
}

void pipe_trace::timed_out(std::uint64_t id) noexcept try {
    given_up_.try_emplace({id, true}, &timed_out_here);
} catch (const std::bad_alloc&) {
}

void pipe_trace::given_up(std::uint64_t id) noexcept try {
    const call which{id, true};
    given_up_.try_emplace(which, &cancelled);
    lane* const span = span_of(which);
    if (span == nullptr) return;
    end_span(*span, std::chrono::steady_clock::now(), nullptr);
    flush();
} catch (const std::bad_alloc&) {
    records_.clear();  // there was none before
}

void pipe_trace::end_spans() noexcept try {
    const auto now = std::chrono::steady_clock::now();
    for (lane& each : lanes_)
        if (each.busy) end_span(each, now, nullptr);
    flush();
} catch (const std::bad_alloc&) {
}

// Without an answer, if none has come.
void pipe_trace::end_span(lane& on, trace_time when, const traced_frame* answer) {
    const end_word how = end_of(on.with, answer);
    file_->begin_record(records_, {'E', on.track, when, {}});
    if (how.color != nullptr) records_ += std::string(",\"cname\":\"") + how.color + '"';
    records_ += std::string(",\"args\":{\"end\":\"") + how.word + "\",\"answer\":";
    if (answer != nullptr) {
        put_arguments(*answer);
    } else {
        records_ += "null";
    }
    records_ += "}}";
    given_up_.erase(on.with);
    on.busy = false;
}

end_word pipe_trace::end_of(const call& which, const traced_frame* answer) const noexcept {
    const auto found = given_up_.find(which);
    if (found != given_up_.end()) return *found->second;
    return answer != nullptr ? end_word_of(answer->header, answer->payload) : not_answered;
}

pipe_trace::call pipe_trace::call_of(const traced_frame& f) noexcept {
    return {f.header.id, (f.which == way::sent) == is_call_of_sender(f.header)};
}

// Null if the frame belongs to no call that has one.
pipe_trace::lane* pipe_trace::span_of(const traced_frame& f) noexcept {
    return is_of_a_call(f.header) ? span_of(call_of(f)) : nullptr;
}

pipe_trace::lane* pipe_trace::span_of(const call& which) noexcept {
    const auto found =
        std::ranges::find_if(lanes_, [&which](const lane& l) { return l.busy && l.with == which; });
    return found == lanes_.end() ? nullptr : &*found;
}

// Null if there are too many.
pipe_trace::lane* pipe_trace::begin_span(const traced_frame& f) {
    auto next = std::ranges::find(lanes_, false, &lane::busy);
    if (next == lanes_.end()) {
        if (lanes_.size() == most_lanes) return nullptr;
        const std::string name = track_ + " (" + std::to_string(lanes_.size() + 1) + ")";
        lanes_.push_back({.track = file_->add_track(name)});
        next = std::prev(lanes_.end());
    }
    next->busy = true;
    next->with = call_of(f);
    return &*next;
}

}  // namespace remora::detail
