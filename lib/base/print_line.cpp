// SPDX-License-Identifier: MIT
#include "base/print_line.hpp"

#include <signal.h>
#include <time.h>

#include <cerrno>
#include <cstdio>

namespace remora::detail {
namespace {

// Keeps SIGPIPE from this thread as long as it lives, and discards one that came meanwhile.
class no_sigpipe {
public:
    no_sigpipe() noexcept {
        ::sigemptyset(&set_);
        ::sigaddset(&set_, SIGPIPE);
        was_pending_ = is_pending();
        ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
    }
    ~no_sigpipe() {
        constexpr timespec none{};
        while (!was_pending_ && is_pending() && ::sigtimedwait(&set_, nullptr, &none) < 0 &&
               errno == EINTR) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    no_sigpipe(const no_sigpipe&) = delete;
    no_sigpipe& operator=(const no_sigpipe&) = delete;

private:
    static bool is_pending() noexcept {
        sigset_t pending;
        ::sigpending(&pending);
        return ::sigismember(&pending, SIGPIPE) == 1;
    }

    sigset_t set_{};
    sigset_t before_{};
    bool was_pending_ = false;
};

}  // namespace

void print_line(const std::string& text) noexcept {
    const no_sigpipe quiet;
    std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace remora::detail
