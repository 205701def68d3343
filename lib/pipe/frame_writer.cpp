// SPDX-License-Identifier: MIT
#include <remora/detail/pipe/frame_writer.hpp>

#include <remora/error.hpp>

#include <cstring>

namespace remora::detail {
namespace {

constexpr std::size_t worth_moving = 64u << 10;

bool is_named(const std::byte* header) noexcept {
    return (header[5] & std::byte{frame_header::named}) != std::byte{};
}

frame_kind kind_of(const std::byte* header) noexcept {
    return static_cast<frame_kind>(header[4]);
}

}  // namespace

frame_writer::position frame_writer::begin_frame(frame_kind kind, std::uint64_t id,
                                                 std::uint64_t tag, std::string_view type_name,
                                                 std::uint8_t flags) {
    const position p{base_ + out_.size()};
    frame_header header{.length = 0, .kind = kind, .flags = flags, .id = id, .tag = tag};
    const bool named = tag != last_tag_ && !type_name.empty() && !names_sent_.contains(tag);
    if (named) header.flags |= frame_header::named;
    header.store(out_.extend(frame_header::size));
    if (named) put_name(p, tag, type_name);
    last_tag_ = tag;
    return p;
}

void frame_writer::put_name(position p, std::uint64_t tag, std::string_view type_name) try {
    if (names_ever_sent_.size() + 1 >= most_names && !names_ever_sent_.contains(tag))
        throw_error(errc::overloaded,
                    "too many types: their names are more than the other end takes");
    const auto length = static_cast<std::uint8_t>(type_name.size());
    out_.append(&length, 1);
    out_.append(type_name.data(), length);
    names_ever_sent_.insert(tag);
    names_sent_.insert(tag);
} catch (...) {
    out_.truncate(p.begin - base_);
    throw;
}

void frame_writer::end_frame(position& p) {
    p.end = base_ + out_.size();
    std::byte* const header = out_.data() + (p.begin - base_);
    const std::size_t length = p.end - p.begin - frame_header::size;
    const std::size_t value =
        is_named(header) ? length - 1 - std::to_integer<std::size_t>(header[frame_header::size])
                         : length;
    if (value > limit_) [[unlikely]] {
        throw_error(errc::message_too_large, "a message of " + std::to_string(value) +
                                                 " bytes, the limit is " + std::to_string(limit_));
    }
    const auto on_the_wire = static_cast<std::uint32_t>(length);
    std::memcpy(header, &on_the_wire, sizeof on_the_wire);
    p.size = p.end - p.begin;
    const frame_kind kind = kind_of(header);
    if (cuts_ && may_move(header, length)) [[unlikely]]
        move_if_large(p, frame_header::load(header));
    counts_.add(kind);
}

// False if move_if_large() would do nothing: a quick look.
bool frame_writer::may_move(const std::byte* header, std::size_t length) const noexcept {
    return length > large_frames::piece || !large_.empty() ||
           kind_of(header) == frame_kind::time_left;
}

// Moves the frame to large_frames if it is large, or has to follow one there: a frame of the same
// call, or the close frame.
void frame_writer::move_if_large(position& p, const frame_header& header) {
    if (header.kind == frame_kind::time_left) {
        time_left_ = p;
        timed_call_ = header.id;
    }
    // Where the limit is lower, a piece would be beyond it.
    const bool large = header.length > large_frames::piece && limit_ >= large_frames::piece &&
                       large_frames::cuts(header.kind);
    const bool behind = !large_.empty() && header.kind != frame_kind::message &&
                        (header.kind == frame_kind::close || large_.holds(header));
    if (!large && !behind) return;
    // How long the caller waits goes with its request.
    const bool with_time =
        header.kind == frame_kind::request && timed_call_ == header.id && time_left_.end == p.begin;
    const std::uint64_t begin = with_time ? time_left_.begin : p.begin;
    forget_name(p);  // frames of that type may arrive before
    large_.take(header, out_, p.end - begin);
    p = {begin, begin + 1, p.size};
}

void frame_writer::put_next_piece() {
    if (written() < end_of_piece_) return;
    large_.put_next(out_);
    end_of_piece_ = base_ + out_.size();
}

void frame_writer::drop_frame(position p) noexcept {
    forget_name(p);
    out_.truncate(p.begin - base_);
}

bool frame_writer::withdraw(position p) noexcept {
    if (p.begin < written()) return false;
    forget_name(p);
    uncount(p);
    const std::size_t size = p.end - p.begin;
    std::byte* const at = out_.data() + (p.begin - base_);
    std::memmove(at, at + size, out_.size() - (p.end - base_));
    out_.truncate(out_.size() - size);
    if (end_of_piece_ > p.begin) end_of_piece_ -= size;
    return true;
}

// The peer will not see this frame: if it carried the name of its type, the next one has to.
void frame_writer::forget_name(position p) noexcept {
    const std::byte* const header = out_.data() + (p.begin - base_);
    if (!is_named(header)) return;
    std::uint64_t tag;
    std::memcpy(&tag, header + 16, sizeof tag);
    names_sent_.erase(tag);
    last_tag_ = 0;
}

// There may be several frames between the two ends.
void frame_writer::uncount(position p) noexcept {
    while (p.begin < p.end) {
        const std::byte* const header = out_.data() + (p.begin - base_);
        counts_.remove(kind_of(header));
        p.begin += frame_header::size + frame_header::load(header).length;
    }
}

void frame_writer::make_room() noexcept {
    if (sent_ <= worth_moving || sent_ <= out_.size() / 2) return;
    out_.erase_front(sent_);
    base_ += sent_;
    sent_ = 0;
}

void frame_writer::drop_all() noexcept {
    dropped_ += out_.size() - sent_;
    base_ += out_.size();
    sent_ = 0;
    out_.clear();
    large_.clear();
}

}  // namespace remora::detail
