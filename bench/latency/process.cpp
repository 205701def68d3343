// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace bench {

namespace {

[[noreturn]] void run(const std::vector<std::string>& command, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    std::vector<char*> words;
    for (const auto& word : command)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    if (::getppid() == parent) ::execv(words[0], words.data());
    ::dprintf(STDERR_FILENO, "%s: %s\n", words[0], std::strerror(errno));
    ::_exit(127);
}

}  // namespace

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error{errno, std::generic_category(), what};
    return result;
}

captured::captured() {
    checked(::pipe2(ends_, O_CLOEXEC), "pipe2");
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
}

captured::~captured() {
    ::close(ends_[0]);
    close_writer();
}

void captured::become(int fd) const {
    ::dup2(ends_[1], fd);
}

void captured::close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
}

bool captured::take() {
    std::array<char, 4096> bytes;
    for (;;) {
        const ssize_t count = ::read(ends_[0], bytes.data(), bytes.size());
        if (count <= 0) return count < 0 && errno == EAGAIN;
        text_.append(bytes.data(), static_cast<std::size_t>(count));
    }
}

process::process(const std::vector<std::string>& command, captured& output, captured& errors) {
    const pid_t parent = ::getpid();
    id_ = checked(::fork(), "fork");
    if (id_ == 0) {
        ::setpgid(0, 0);
        output.become(STDOUT_FILENO);
        errors.become(STDERR_FILENO);
        run(command, parent);
    }
    ::setpgid(id_, id_);  // here too: the group must be there before anyone kills it
    output.close_writer();
    errors.close_writer();
    ended_ = static_cast<int>(::syscall(SYS_pidfd_open, id_, 0));
}

process::~process() {
    ::close(ended_);
    finish();
}

int process::finish() {
    if (id_ < 0) return 0;
    int status = 0;
    ::kill(-id_, SIGKILL);
    ::waitpid(id_, &status, 0);
    id_ = -1;
    return status;
}

}  // namespace bench
