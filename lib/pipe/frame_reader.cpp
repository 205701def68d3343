// SPDX-License-Identifier: MIT
#include <remora/detail/pipe/frame_reader.hpp>

#include <remora/archive.hpp>
#include <remora/error.hpp>

#include "wire/close_reason.hpp"

#include <utility>

namespace remora::detail {
namespace {

bool belong_together(const frame_header& one, const frame_header& other) noexcept {
    return one.id == other.id &&
           (one.flags & frame_header::of_sender) == (other.flags & frame_header::of_sender);
}

bool has_value(frame_kind kind) noexcept {
    return kind == frame_kind::message || kind == frame_kind::request ||
           kind == frame_kind::reply || kind == frame_kind::item;
}

bool is_for_calls(frame_kind kind) noexcept {
    return (kind >= frame_kind::request && kind < frame_kind::window) ||
           kind == frame_kind::time_left;
}

}  // namespace

frame_reader::found frame_reader::read(std::span<const std::byte> input, bool takes_calls,
                                       std::size_t& consumed) {
    if (!parse_frame(input, limits_.message, wanted_, head_)) return found::nothing;
    const frame_header& header = head_.header;
    head_size_ = head_.size();
    if (takes(header.kind, takes_calls)) [[likely]] {
        if ((header.flags & frame_header::joined) != 0) [[unlikely]]
            head_ = join(head_);
        if ((header.flags & frame_header::lends) != 0) [[unlikely]]
            split_loans();
        if (!head_.type_name.empty()) note_name(head_);
        has_head_ = true;
        return found::head;
    }
    consumed = head_size_;
    if ((header.flags & frame_header::lends) != 0) [[unlikely]]
        split_loans();
    bytes_ += consumed;
    if (header.kind == frame_kind::piece && joins_ && takes_calls) return keep_piece(head_);
    return on_own_frame(head_);
}

// A frame for the reader itself, or one that is passed over.
frame_reader::found frame_reader::on_own_frame(const frame& f) {
    const frame_kind kind = f.header.kind;
    if (kind == frame_kind::close) return note_close(f);
    if (kind != frame_kind::window || kinds_ != frame_kinds::messages) return pass_over(f);
    window_ = decode<std::uint64_t>(f.payload, limits_.decode);
    return found::window;
}

bool frame_reader::takes(frame_kind kind, bool takes_calls) const noexcept {
    if (kinds_ == frame_kinds::messages)
        return kind == frame_kind::message || (takes_calls && is_for_calls(kind));
    return kind >= frame_kind::hello && kind <= frame_kind::listed;
}

frame_reader::found frame_reader::pass_over(const frame& f) const {
    if ((f.header.flags & frame_header::may_skip) != 0) return found::skipped;
    const bool call = f.header.kind >= frame_kind::request;
    throw_error(
        errc::protocol_error,
        "a frame of kind " + std::to_string(static_cast<int>(f.header.kind)) +
            (call ? " has no place here: no service is attached to take calls, messages are "
                    "received by hand"
                  : " has no place here"));
}

void frame_reader::note_name(const frame& f) {
    if (fnv1a(f.type_name) != f.header.tag)
        throw_error(errc::protocol_error,
                    "the tag of type " + quote(f.type_name) + " is not its own");
    if (names_seen_.size() >= most_names)
        throw_error(errc::protocol_error, "too many names of types");
    names_seen_.try_emplace(f.header.tag, f.type_name);
}

frame_reader::found frame_reader::note_close(const frame& f) {
    wire::close_reason reason;
    if (!f.payload.empty()) decode(f.payload, reason, limits_.decode);
    end(reason.to_code(), reason.text.empty() ? "" : quote(reason.text, 1024));
    return found::close;
}

// One frame comes in pieces at a time.
frame_reader::found frame_reader::keep_piece(const frame& f) {
    if (pieces_.empty()) of_pieces_ = f.header;
    if (!belong_together(of_pieces_, f.header) || f.payload.empty())
        throw_error(errc::protocol_error, "a piece of one frame within those of another");
    if (pieces_.size() + f.payload.size() > limits_.message + 1 + max_type_name)
        throw_error(errc::message_too_large, "pieces of more than " +
                                                 std::to_string(limits_.message) +
                                                 " bytes, which is the limit");
    pieces_.append(f.payload.data(), f.payload.size());
    return found::piece;
}

frame frame_reader::join(const frame& last) {
    if (pieces_.empty() || !belong_together(of_pieces_, last.header))
        throw_error(errc::protocol_error, "the last piece of a frame without the others");
    pieces_.append(last.payload.data(), last.payload.size());
    return join_frame(last, pieces_.bytes(), limits_.message);
}

void frame_reader::split_loans() {
    if (!takes_loans_ || !has_value(head_.header.kind))
        throw_error(errc::protocol_error, "a frame that lends, where nothing can be lent");
    detail::split_loans(head_);
}

std::size_t frame_reader::pop() noexcept {
    if (!std::exchange(has_head_, false)) return 0;
    bytes_ += head_size_;
    counts_.add(head_.header.kind);
    if ((head_.header.flags & frame_header::joined) != 0) [[unlikely]] {
        if (pieces_.capacity() > keep_capacity) pieces_ = byte_buffer();
        pieces_.clear();
    }
    return head_size_;
}

std::string_view frame_reader::last_type() const noexcept {
    return head_.type_name.empty() ? type_name(head_.header.tag) : head_.type_name;
}

std::string_view frame_reader::type_name(std::uint64_t tag) const noexcept {
    if (last_name_ == nullptr || last_name_->first != tag) {
        const auto seen = names_seen_.find(tag);
        if (seen == names_seen_.end()) return {};
        last_name_ = &*seen;
    }
    return last_name_->second;
}

std::string frame_reader::type_text(std::uint64_t tag) const {
    if (const auto name = type_name(tag); !name.empty()) return quote(name);
    return "an unnamed type (tag " + std::to_string(tag) + ")";
}

bool frame_reader::sees_close(std::span<const std::byte> input) try {
    while (const auto f = parse_frame(input, limits_.message, wanted_)) {
        if (f->header.kind == frame_kind::close) return true;
        input = input.subspan(f->size());
    }
    return false;
} catch (const error&) {  // the receiver will meet it
    return false;
}

void frame_reader::end(std::error_code why, std::string text) {
    end_code_ = why;
    end_text_ = std::move(text);
}

}  // namespace remora::detail
