// SPDX-License-Identifier: MIT
#include "pipe/pipe_trace.hpp"

#include "pipe/frame_words.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace remora::detail {
namespace {

// Frames that leave together are written to the file together, up to this many bytes.
constexpr std::size_t most_records = 16u << 10;

}  // namespace

pipe_trace::pipe_trace(std::shared_ptr<trace_file> file, const std::string& service,
                       std::string track)
    : file_(std::move(file)), track_(std::move(track)) {
    append_json(service_, service);
    lanes_.push_back({.track = file_->add_track(track_)});
}

pipe_trace::~pipe_trace() {
    end_spans();
}

void pipe_trace::sent(std::span<const std::byte> bytes, std::size_t count, std::uint64_t begin,
                      trace_time when) noexcept {
    while (next_sent_ < begin + count) {
        put_sent(bytes.data() + (next_sent_ - begin), when);
        if (records_.size() >= most_records) flush();
    }
    flush();
}

void pipe_trace::put_sent(const std::byte* at, trace_time when) noexcept try {
    const frame_header header = frame_header::load(at);
    const std::size_t size = frame_header::size + header.length;
    next_sent_ += size;
    note_name(header, at + frame_header::size);
    const std::span payload(at + frame_header::size, header.length);
    put({way::sent, header, without_name(header, payload), name_of(header.tag), size, when});
} catch (const std::bad_alloc&) {
}

void pipe_trace::received(const frame& f, std::string_view type, std::size_t size,
                          std::uint64_t end) noexcept try {
    if (end <= next_received_) return;
    next_received_ = end;
    put({way::received, f.header, f.payload, type, size, std::chrono::steady_clock::now()});
    flush();
} catch (const std::bad_alloc&) {
}

void pipe_trace::opened(way which, std::uint64_t connection) noexcept try {
    const frame_header header{.kind = frame_kind::open, .id = connection};
    put({which, header, {}, {}, frame_header::size, std::chrono::steady_clock::now()});
    flush();
} catch (const std::bad_alloc&) {
}

// The name of a frame in pieces stands at the beginning of the first.
void pipe_trace::note_name(const frame_header& header, const std::byte* payload) {
    const auto* const text = reinterpret_cast<const char*>(payload);
    if (header.kind == frame_kind::piece && first_piece_.empty())
        first_piece_.assign(text, std::min<std::size_t>(header.length, 1 + max_type_name));
    std::string_view named(text, header.length);
    std::string joined;
    if (has(header, frame_header::joined)) named = joined = std::exchange(first_piece_, {});
    if (!has(header, frame_header::named) || named.empty()) return;
    const auto length = static_cast<unsigned char>(named.front());
    names_sent_.try_emplace(header.tag, named.substr(1, length));
}

std::string_view pipe_trace::name_of(std::uint64_t tag) const {
    const auto found = names_sent_.find(tag);
    return found == names_sent_.end() ? std::string_view() : found->second;
}

void pipe_trace::put(const traced_frame& f) {
    const std::size_t before = records_.size();
    try {
        if (f.header.kind == frame_kind::request) return put_request(f);
        lane* const span = span_of(f);
        if (is_answer(f.header)) {
            if (span != nullptr) return end_span(*span, f.when, &f);
            given_up_.erase(call_of(f));
        }
        put_event('i', span, f);
        if (f.header.kind == frame_kind::cancel && span != nullptr) put_cancelled(f);
    } catch (const std::bad_alloc&) {
        records_.resize(before);
        throw;
    }
}

// Of no span: on the first track.
void pipe_trace::put_event(char phase, const lane* on, const traced_frame& f) {
    const std::string name = f.type.empty() ? word_of(f.header.kind) : std::string(f.type);
    const int track = on != nullptr ? on->track : lanes_.front().track;
    file_->begin_record(records_, {phase, track, f.when, name});
    records_ += phase == 'i' ? ",\"s\":\"t\",\"args\":" : ",\"args\":";
    put_arguments(f);
    records_ += '}';
}

void pipe_trace::put_arguments(const traced_frame& f) {
    records_ += "{\"frame\":\"" + word_of(f.header.kind);
    records_ += f.which == way::sent ? "\",\"way\":\"sent\"" : "\",\"way\":\"received\"";
    records_ += ",\"service\":" + service_;
    if (!f.type.empty()) {
        records_ += ",\"type\":";
        append_json(records_, f.type);
    }
    records_ += ",\"size\":" + std::to_string(f.size);
    if (f.header.id != 0) {
        records_ += is_of_a_call(f.header) ? ",\"call\":" : ",\"connection\":";
        records_ += std::to_string(f.header.id);
    }
    if (f.header.kind == frame_kind::failure) put_failure(records_, f.payload);
    records_ += '}';
}

void pipe_trace::flush() noexcept {
    file_->append(records_);
    records_.clear();
}

}  // namespace remora::detail
