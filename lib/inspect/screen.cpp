// SPDX-License-Identifier: MIT
#include "inspect/screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace remora::inspect {
namespace {

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view to_top = "\x1b[H";
constexpr std::string_view end_of_line = "\x1b[K\r\n";
constexpr std::string_view clear_rest = "\x1b[J";

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

winsize size_of_terminal() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0) size = {24, 80, 0, 0};
    return size;
}

}  // namespace

// Keys come one by one and are not shown. Ctrl-C is a signal as ever; Ctrl-Z is nothing.
screen::screen() {
    sigset_t caught;
    sigemptyset(&caught);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH})
        sigaddset(&caught, signal);
    ::sigprocmask(SIG_BLOCK, &caught, &signals_before_);
    signals_.reset(::signalfd(-1, &caught, SFD_NONBLOCK | SFD_CLOEXEC));
    termios now{};
    if (::tcgetattr(STDIN_FILENO, &now) == 0) {
        terminal_before_ = now;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        now.c_cc[VSUSP] = _POSIX_VDISABLE;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    print(enter);
}

screen::~screen() {
    print(leave);
    if (terminal_before_) ::tcsetattr(STDIN_FILENO, TCSANOW, &*terminal_before_);
    ::sigprocmask(SIG_SETMASK, &signals_before_, nullptr);
}

void screen::show(const std::vector<std::string>& lines) {
    const winsize size = size_of_terminal();
    const std::size_t room = size.ws_row - 1u;  // the last one stays empty
    const std::size_t shown =
        lines.size() <= room ? lines.size() : std::max<std::size_t>(room, 1) - 1;
    std::string text(to_top);
    for (std::size_t i = 0; i != shown; ++i)
        (text += lines[i].substr(0, size.ws_col)) += end_of_line;
    if (shown != lines.size())
        (text += "... and " + std::to_string(lines.size() - shown) + " more lines") += end_of_line;
    print(text += clear_rest);
}

bool screen::wait(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) return true;
        std::array<pollfd, 2> all{{{signals_.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
        const std::size_t count = terminal_before_ ? 2 : 1;
        if (::poll(all.data(), count, static_cast<int>(left.count())) <= 0) continue;
        if (all[0].revents != 0) return read_signals();
        if (all[1].revents != 0 && !read_keys()) return false;
    }
}

bool screen::read_keys() {
    char key = 0;
    return ::read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q';
}

// True if it was only the size of the terminal that has changed.
bool screen::read_signals() {
    signalfd_siginfo what{};
    return ::read(signals_.get(), &what, sizeof what) == sizeof what &&
           what.ssi_signo == static_cast<unsigned>(SIGWINCH);
}

}  // namespace remora::inspect
