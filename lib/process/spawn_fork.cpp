// SPDX-License-Identifier: MIT
// A start with a umask and limits, which posix_spawn(3) cannot set; in this process they would be
// set for all of its threads. Other threads may hold any lock when the child is made, so the child
// makes nothing but system calls. It is a copy, by fork(2): vfork(2) would spare the copying of
// page tables, but what the child does would be done in the memory of a running server.
#include "process/spawn_plan.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include <remora/error.hpp>

namespace remora::detail {

namespace {

/// Blocks every signal: a handler of the host's must not run in the child.
class all_signals_blocked {
public:
    all_signals_blocked() {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    all_signals_blocked(const all_signals_blocked&) = delete;
    ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

// Where execvp(3) would look; it is not to be called in the child, and runs text files as scripts.
std::vector<std::string> candidates_for(const std::string& program) {
    if (program.find('/') != std::string::npos) return {program};
    const char* const variable = std::getenv("PATH");
    const std::string path = variable == nullptr ? "/bin:/usr/bin" : variable;
    std::vector<std::string> result;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find(':', begin), path.size());
        const std::string directory = path.substr(begin, end - begin);
        result.push_back((directory.empty() ? "." : directory) + "/" + program);
        begin = end + 1;
    }
    return result;
}

// From here on: in the child, and async-signal-safe.

// exec resets handlers too late: signals are unblocked before it.
void reset_signals(const std::vector<int>& also) {
    struct sigaction defaults{}, now{};
    defaults.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        const bool known = ::sigaction(number, nullptr, &now) == 0;
        if (known && now.sa_handler != SIG_IGN) ::sigaction(number, &defaults, nullptr);
    }
    for (const int number : also)
        ::sigaction(number, &defaults, nullptr);
}

bool open_null(int as) {
    const int fd = ::open("/dev/null", O_RDWR);
    if (fd < 0 || fd == as) return fd == as;
    const bool done = ::dup2(fd, as) == as;
    ::close(fd);
    return done;
}

// As getdents64(2) writes it.
struct directory_entry {
    std::uint64_t inode;
    std::int64_t next;
    unsigned short size;
    unsigned char type;
    char name[1];
};

// Those that /proc lists. False if it does not.
bool close_listed_from(int first) {
    const int directory = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return false;
    alignas(directory_entry) char piece[1024];
    long size = 0;
    while ((size = ::syscall(SYS_getdents64, directory, piece, sizeof piece)) > 0) {
        for (long at = 0; at < size;) {
            const auto& entry = *reinterpret_cast<const directory_entry*>(piece + at);
            const int fd = std::atoi(entry.name);  // 0 for "." and ".."
            if (fd >= first) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
            at += entry.size;
        }
    }
    ::close(directory);
    return size == 0;
}

// By exec: until then, one of them is needed to tell of failures. Where the call is refused, as by
// a filter of an older container, the limit may be so high that counting up to it takes minutes.
void close_from(int first) {
    if (::close_range(static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
    if (close_listed_from(first)) return;
    for (long fd = first, end = ::sysconf(_SC_OPEN_MAX); fd < end; ++fd)
        ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
}

bool apply(const descriptor_step& step) {
    switch (step.what) {
        case descriptor_step::kind::duplicate:
            return ::dup2(step.fd, step.as) == step.as;
        case descriptor_step::kind::open_null:
            return open_null(step.as);
        case descriptor_step::kind::close:
            ::close(step.as);
    }
    return true;
}

bool prepare(const spawn_plan& plan, start_failure& cause) {
    reset_signals(plan.default_signals);
    if (plan.group == process_group::own && ::setpgid(0, 0) != 0) return false;
    if (plan.group == process_group::session && ::setsid() < 0) return false;
    if (plan.umask) ::umask(*plan.umask);
    for (const descriptor_step& step : plan.steps) {
        if (!apply(step)) return false;
    }
    close_from(plan.first_closed);
    if (plan.working_directory && ::chdir(plan.working_directory->c_str()) != 0) return false;
    // After the descriptors, whose numbers they may limit.
    for (const resource_limit& each : plan.resource_limits) {
        const rlimit limit{each.soft, each.hard};
        cause.resource = each.resource;
        if (::setrlimit(static_cast<decltype(RLIMIT_NOFILE)>(each.resource), &limit) != 0)
            return false;
    }
    cause.resource = -1;
    return true;
}

void execute(const spawn_plan& plan, const std::vector<std::string>& candidates) {
    bool refused = false;
    for (const std::string& path : candidates) {
        ::execve(path.c_str(), plan.arguments.data(), plan.environment.data());
        refused = refused || errno == EACCES;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return;
    }
    if (refused) errno = EACCES;
}

[[noreturn]] void exec_or_exit(const spawn_plan& plan, const std::vector<std::string>& candidates,
                               int report) {
    start_failure cause;
    if (prepare(plan, cause)) {
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        execute(plan, candidates);
    }
    cause.error_number = errno;
    [[maybe_unused]] const ssize_t written = ::write(report, &cause, sizeof cause);
    ::_exit(127);
}

// What the child has written; nothing if it has executed the program.
std::optional<start_failure> read_report(int report) {
    start_failure cause;
    ssize_t count = 0;
    do {
        count = ::read(report, &cause, sizeof cause);
    } while (count < 0 && errno == EINTR);
    if (count == sizeof cause) return cause;
    return {};
}

void reap(pid_t pid) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace

std::optional<start_failure> spawn_by_fork(const spawn_plan& plan, pid_t& pid) {
    const std::vector<std::string> candidates = candidates_for(plan.arguments.first());
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return start_failure{errno};
    const unique_fd reader(ends[0]);
    unique_fd writer(ends[1]);
    // Out of the way of the steps.
    writer.reset(::fcntl(writer.get(), F_DUPFD_CLOEXEC, plan.first_closed));
    if (!reader || !writer) return start_failure{errno};
    {
        const all_signals_blocked blocked;
        pid = ::fork();
        if (pid == 0) exec_or_exit(plan, candidates, writer.get());
    }
    if (pid < 0) return start_failure{errno};
    writer.reset();
    const auto failure = read_report(reader.get());
    if (failure) reap(pid);
    return failure;
}

}  // namespace remora::detail
