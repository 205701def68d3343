// SPDX-License-Identifier: MIT
#include "process/line_queue.hpp"

#include <algorithm>
#include <utility>

namespace remora::detail {

void line_queue::add(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t room = longest_line - begun_.size();
        const std::size_t end = bytes.find('\n');
        const bool ends = end <= room;  // npos is more
        const std::size_t size = ends ? end : std::min(room, bytes.size());
        begun_.append(bytes.substr(0, size));
        bytes.remove_prefix(ends ? size + 1 : size);
        const bool full = begun_.size() == longest_line && !bytes.empty();
        if (ends || full) push(std::exchange(begun_, {}));
    }
}

void line_queue::finish() {
    if (!begun_.empty()) push(std::exchange(begun_, {}));
}

std::string line_queue::pop() {
    std::string line = std::move(lines_.front());
    size_ -= cost_of(line);
    lines_.pop_front();
    return line;
}

void line_queue::drop_all() {
    note_dropped(lines_.size());
    lines_.clear();
    size_ = 0;
}

std::uint64_t line_queue::take_gap() noexcept {
    if (in_gap_ && size_ > capacity / 2) return 0;
    in_gap_ = false;
    return std::exchange(gap_, 0);
}

std::size_t line_queue::cost_of(const std::string& line) noexcept {
    return line.size() + sizeof line;
}

void line_queue::push(std::string line) {
    if (in_gap_ && size_ <= capacity / 2) in_gap_ = false;
    if (in_gap_ || size_ + cost_of(line) > capacity) {
        in_gap_ = true;
        return note_dropped(1);
    }
    size_ += cost_of(line);
    lines_.push_back(std::move(line));
}

void line_queue::note_dropped(std::size_t lines) noexcept {
    dropped_ += lines;
    gap_ += lines;
}

}  // namespace remora::detail
