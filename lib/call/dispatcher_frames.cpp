// SPDX-License-Identifier: MIT
// What a dispatcher does with each frame that arrives.
#include "call/possible_upload.hpp"

#include <remora/detail/call/dispatcher.hpp>
#include <remora/detail/call/service_table.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace remora::detail {
namespace {

// Of how many types it is told that their messages are dropped.
constexpr std::size_t most_told = 16;

[[noreturn]] void refuse(std::uint64_t id, served_table::verdict why) {
    throw_error(errc::protocol_error, (why == served_table::verdict::repeated
                                           ? "the number of a call is used again: "
                                           : "more unanswered calls than allowed, from ") +
                                          std::to_string(id));
}

}  // namespace

// Throws what is wrong with the number of a request.
void dispatcher::admit(const frame& f) {
    using verdict = served_table::verdict;
    const auto id = f.header.id;
    const bool in_pieces = (f.header.flags & frame_header::joined) != 0;
    if (in_pieces && find(id) != nullptr) refuse(id, verdict::repeated);
    auto found = served_.admit(id, in_pieces);
    if (found == verdict::admitted) [[likely]]
        return;
    if (found == verdict::too_many) {
        served_.written(end_.written());  // answers may have left by themselves since
        found = served_.admit(id, in_pieces);
    }
    if (found != verdict::admitted) refuse(id, found);
}

void dispatcher::on_request(const frame& f) {
    admit(f);
    until_ = times_left_.extract(f.header.id);
    const request_handler* const found =
        services_ ? services_->find_for_request(f.header.tag) : nullptr;
    if (found != nullptr) return found->serve(end_.shared_from_this(), services_, f);
    const auto id = f.header.id;
    const std::string text =
        services_ ? services_->why_unknown(end_.type_text(f.header.tag)) : "no service is attached";
    end_.pop_frame();
    answer_failure(id, std::make_exception_ptr(error(errc::unknown_request, text)));
}

void dispatcher::on_message(const frame& f) {
    const request_handler* const found =
        services_ ? services_->find_for_message(f.header.tag) : nullptr;
    if (found != nullptr && !messages_full())
        return found->serve(end_.shared_from_this(), services_, f);
    ++dropped_;
    if (found == nullptr) tell_dropped(f.header.tag);
    end_.pop_frame();
}

void dispatcher::tell_dropped(std::uint64_t tag) noexcept try {
    const bool is_told = std::ranges::find(told_, tag) != told_.end();
    if (is_told || told_.size() == most_told || !end_.on_dropped) return;
    told_.push_back(tag);
    end_.on_dropped(why_dropped(tag));
} catch (const std::exception&) {  // it is counted
}

std::string dispatcher::why_dropped(std::uint64_t tag) const {
    const std::string what = end_.type_text(tag);
    if (!services_) return what + " has come as a message; no service is attached here to take it";
    if (services_->find(tag) != nullptr)
        return what + " was sent by send(); its handler here is for calls: use call()";
    return what + " was sent by send(); no handler here takes it: add one that returns nothing";
}

void dispatcher::on_time_left(const frame& f) {
    constexpr std::uint64_t most = std::chrono::nanoseconds::max().count();
    const auto time_left = std::min(decode<std::uint64_t>(f.payload), most);
    times_left_.note(f.header.id, deadline_of(std::chrono::nanoseconds(time_left)));
    end_.pop_frame();
}

void dispatcher::on_cancel(const frame& f) {
    const auto found = call_workers_.find(f.header.id);
    end_.pop_frame();
    if (found == call_workers_.end()) return;  // it was answered in the meantime
    const auto mine = found->second;
    mine->is_cancelled = true;
    cancel(*mine);
}

void dispatcher::on_item(const frame& f) {
    const worker* const found = find(f.header.id);
    auto upload = found == nullptr ? nullptr : found->streams.upload.lock();
    possible_upload* const possible = found == nullptr ? nullptr : found->streams.possible;
    const bool begins = !upload && possible != nullptr && !possible->has_begun;
    if (begins) {
        begin_upload(*possible);
        upload = possible->incoming;
    }
    if (!upload) return end_.pop_frame();  // its handler has answered, or does not care
    upload->on_frame(end_, f);
    end_.pop_frame();
    if (begins && possible->on_begin) return std::exchange(possible->on_begin, nullptr)();
    upload->wake();
}

void dispatcher::on_credit(const frame& f) {
    const worker* const found = find(f.header.id);
    const auto stream = found == nullptr ? nullptr : found->streams.items;
    if (stream) stream->on_credit(f);
    end_.pop_frame();
    if (stream) stream->credit_event.resume();
}

}  // namespace remora::detail
