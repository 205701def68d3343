// SPDX-License-Identifier: MIT
// How far a transfer is, on stderr: a bar on a terminal, otherwise a line for each quarter of
// many notes.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace notes {

class progress {
public:
    progress(std::string done, std::int64_t total) : done_(std::move(done)), total_(total) {}

    void advance() { advance_to(so_far_ + 1); }
    void advance_to(std::int64_t so_far) {
        const auto before = percent();
        so_far_ = so_far;
        const auto now = percent();
        if (is_terminal_ && now != before) draw();
        if (!is_terminal_ && total_ >= 1000 && now / 25 != before / 25 && now < 100) say("\n");
    }
    // Says how many it were.
    void end() const {
        if (is_terminal_) std::fputs("\r\033[K", stderr);
        say("\n");
    }
    std::int64_t so_far() const { return so_far_; }

private:
    // More than were counted at the beginning may come.
    std::int64_t percent() const { return so_far_ < total_ ? so_far_ * 100 / total_ : 100; }
    void say(const char* end) const {
        const auto total = so_far_ < total_ ? total_ : so_far_;
        std::fprintf(stderr, "%s %lld of %lld notes%s", done_.c_str(),
                     static_cast<long long>(so_far_), static_cast<long long>(total), end);
    }
    void draw() const {
        const std::string bar(static_cast<std::size_t>(percent() * 2 / 5), '#');
        std::fprintf(stderr, "\r[%-40s] ", bar.c_str());
        say("\033[K");
    }

    const bool is_terminal_ = ::isatty(STDERR_FILENO) != 0;
    std::string done_;
    std::int64_t total_;
    std::int64_t so_far_ = 0;
};

}  // namespace notes
