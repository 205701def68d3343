// SPDX-License-Identifier: MIT
// The usual start.
#include "process/spawn_plan.hpp"

#include <fcntl.h>
#include <spawn.h>

#include <remora/error.hpp>

namespace remora::detail {

namespace {

void check(int error_number) {
    if (error_number != 0) throw_system_error(error_number, "prepare a start");
}

class file_actions {
public:
    file_actions() { check(::posix_spawn_file_actions_init(&actions_)); }
    file_actions(const file_actions&) = delete;
    ~file_actions() { ::posix_spawn_file_actions_destroy(&actions_); }

    void add(const descriptor_step& step) {
        switch (step.what) {
            case descriptor_step::kind::duplicate:
                return check(::posix_spawn_file_actions_adddup2(&actions_, step.fd, step.as));
            case descriptor_step::kind::open_null:
                return check(
                    ::posix_spawn_file_actions_addopen(&actions_, step.as, "/dev/null", O_RDWR, 0));
            case descriptor_step::kind::close:
                return check(::posix_spawn_file_actions_addclose(&actions_, step.as));
        }
    }
    void close_from(int fd) { check(::posix_spawn_file_actions_addclosefrom_np(&actions_, fd)); }
    void change_directory(const std::string& path) {
        check(::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()));
    }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_;
};

/// Which signals are at their default in the child, and its group. No signal is blocked: a thread
/// that blocks them may start it.
class attributes {
public:
    explicit attributes(const spawn_plan& plan) {
        sigset_t defaults, blocked;
        sigemptyset(&defaults);
        sigemptyset(&blocked);
        for (const int signal : plan.default_signals)
            sigaddset(&defaults, signal);
        check(::posix_spawnattr_init(&attributes_));
        ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
        ::posix_spawnattr_setsigmask(&attributes_, &blocked);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_, flags_for(plan.group));
    }
    attributes(const attributes&) = delete;
    ~attributes() { ::posix_spawnattr_destroy(&attributes_); }
    const posix_spawnattr_t* get() const { return &attributes_; }

private:
    static short flags_for(process_group group) {
        int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        if (group == process_group::own) flags |= POSIX_SPAWN_SETPGROUP;
        if (group == process_group::session) flags |= POSIX_SPAWN_SETSID;
        return static_cast<short>(flags);
    }

    posix_spawnattr_t attributes_;
};

}  // namespace

std::optional<start_failure> spawn_as_posix(const spawn_plan& plan, pid_t& pid) {
    file_actions actions;
    for (const descriptor_step& step : plan.steps)
        actions.add(step);
    actions.close_from(plan.first_closed);
    if (plan.working_directory) actions.change_directory(*plan.working_directory);
    const attributes attributes(plan);
    const int result =
        ::posix_spawnp(&pid, plan.arguments.first().c_str(), actions.get(), attributes.get(),
                       plan.arguments.data(), plan.environment.data());
    if (result != 0) return start_failure{result};
    return {};
}

}  // namespace remora::detail
