// SPDX-License-Identifier: MIT
#include <remora/detail/pipe/large_frames.hpp>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace remora::detail {

bool large_frames::holds(const frame_header& header) const noexcept {
    return std::ranges::any_of(calls_, [&](const call& each) {
        return each.id == header.id && each.of_sender == side(header);
    });
}

void large_frames::take(const frame_header& header, byte_buffer& from, std::size_t count) {
    const auto found = std::ranges::find_if(calls_, [&](const call& each) {
        return each.id == header.id && each.of_sender == side(header);
    });
    const bool is_new = found == calls_.end();
    call& behind =
        is_new ? calls_.emplace_back(call{header.id, side(header), byte_buffer()}) : *found;
    const std::size_t rest = from.size() - count;
    if (rest == 0 && behind.frames.empty()) {
        behind.frames.swap(from);  // it may be megabytes
    } else {
        try {
            behind.frames.append(from.data() + rest, count);
        } catch (...) {
            if (is_new) calls_.pop_back();
            throw;
        }
        from.truncate(rest);
    }
    size_ += count;
    closes_ = closes_ || header.kind == frame_kind::close;
}

void large_frames::put_next(byte_buffer& to) {
    call& first = calls_.front();
    const frame_header whole = frame_header::load(first.frames.data() + first.done);
    const std::size_t frame = frame_header::size + whole.length;
    if (whole.length - first.in_pieces > piece) return put_piece(first, whole, to);
    frame_header last = whole;
    last.length = static_cast<std::uint32_t>(whole.length - first.in_pieces);
    if (first.in_pieces != 0) last.flags |= frame_header::joined;
    std::byte* const at = to.extend(frame_header::size + last.length);
    last.store(at);
    std::memcpy(at + frame_header::size,
                first.frames.data() + first.done + frame_header::size + first.in_pieces,
                last.length);
    size_ -= frame - first.in_pieces;
    first.done += frame;
    first.in_pieces = 0;
    end_frame(whole.kind == frame_kind::time_left);
}

// The first call has sent a whole frame: what was sent goes, and another call has its turn; but how
// long a caller waits stays with its request.
void large_frames::end_frame(bool keeps_turn) {
    call& first = calls_.front();
    if (first.done == first.frames.size()) return calls_.pop_front();
    if (first.done > first.frames.size() / 2) {
        first.frames.erase_front(first.done);
        first.done = 0;
    }
    if (keeps_turn) return;
    calls_.splice(closes_ ? std::prev(calls_.end()) : calls_.end(), calls_, calls_.begin());
}

void large_frames::put_piece(call& from, const frame_header& whole, byte_buffer& to) {
    const frame_header header{
        .length = piece, .kind = frame_kind::piece, .flags = side(whole), .id = whole.id};
    std::byte* const at = to.extend(frame_header::size + piece);
    header.store(at);
    std::memcpy(at + frame_header::size,
                from.frames.data() + from.done + frame_header::size + from.in_pieces, piece);
    from.in_pieces += piece;
    size_ -= piece;
}

void large_frames::clear() noexcept {
    calls_.clear();
    size_ = 0;
    closes_ = false;
}

}  // namespace remora::detail
