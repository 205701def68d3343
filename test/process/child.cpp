// SPDX-License-Identifier: MIT
// The program that the tests start: `child MODE ...`. A mode that lives on ends with its parent.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

extern char** environ;

namespace {

// Ends with the parent; its death signal cannot be ignored.
[[noreturn]] void live_on() {
    for (;;)
        ::pause();
}

int print_descriptors() {
    for (int fd = 0; fd < 1024; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) std::printf("%d\n", fd);
    }
    return 0;
}

// What it has of umask, limits, group and session.
int print_surroundings() {
    const mode_t mask = ::umask(0);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    std::printf("umask %03o\n", static_cast<unsigned>(mask));
    std::printf("files %d %d\n", static_cast<int>(files.rlim_cur),
                static_cast<int>(files.rlim_max));
    std::printf("leads group %d\n", ::getpgrp() == ::getpid());
    std::printf("leads session %d\n", ::getsid(0) == ::getpid());
    return 0;
}

// What the standard streams are.
int print_streams() {
    for (const char* stream : {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"}) {
        char path[256] = "closed";
        [[maybe_unused]] const ssize_t size = ::readlink(stream, path, sizeof path - 1);
        std::printf("%.*s\n", static_cast<int>(std::strcspn(path, ":")), path);
    }
    return 0;
}

int print_signals() {
    sigset_t blocked;
    ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action{};
        if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
            std::printf("ignored %d\n", number);
        if (sigismember(&blocked, number) == 1) std::printf("blocked %d\n", number);
    }
    return 0;
}

int print_lines(char** lines) {
    for (; *lines; ++lines)
        std::printf("%s\n", *lines);
    return 0;
}

int print_directory() {
    char* directory = ::getcwd(nullptr, 0);
    std::printf("%s\n", directory);
    std::free(directory);
    return 0;
}

int copy_input() {
    char byte = 0;
    while (::read(0, &byte, 1) == 1)
        std::putchar(byte);
    return 0;
}

[[noreturn]] void die_by(int number) {
    // No core files.
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_UNBLOCK, &all, nullptr);
    ::signal(number, SIG_DFL);
    ::raise(number);
    std::exit(99);
}

[[noreturn]] void ignore_everything() {
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    // Tells that it is deaf from now on.
    std::puts("deaf");
    std::fflush(stdout);
    live_on();
}

// Goes from a group of its own into that of its parent.
[[noreturn]] void leave_group() {
    if (::setpgid(0, ::getpgid(::getppid())) != 0) std::exit(96);
    std::puts("left");
    std::fflush(stdout);
    live_on();
}

}  // namespace

int main(int argc, char** argv) {
    const pid_t parent = argc > 2 && !std::strcmp(argv[1], "live") ? std::atoi(argv[2]) : 0;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == 1 || (parent && ::getppid() != parent)) return 98;
    const std::string mode = argc > 1 ? argv[1] : "";
    const char* word = argc > 2 ? argv[2] : "";
    if (mode == "exit") return std::atoi(word);
    if (mode == "die") die_by(std::atoi(word));
    if (mode == "live") live_on();
    if (mode == "deaf") ignore_everything();
    if (mode == "leave") leave_group();
    if (mode == "arguments") return print_lines(argv);
    if (mode == "environment") return print_lines(environ);
    if (mode == "directory") return print_directory();
    if (mode == "descriptors") return print_descriptors();
    if (mode == "surroundings") return print_surroundings();
    if (mode == "streams") return print_streams();
    if (mode == "signals") return print_signals();
    if (mode == "copy") return copy_input();
    if (mode == "open") return ::fcntl(std::atoi(word), F_GETFD) >= 0 ? 0 : 1;
    std::fprintf(stderr, "child: no mode \"%s\"\n", mode.c_str());
    return 97;
}
