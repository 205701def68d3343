// SPDX-License-Identifier: MIT
// Which descriptors a child gets.
#include "process/spawn_plan.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <remora/error.hpp>

#include "base/path_text.hpp"

namespace remora::detail {

namespace {

// Closed, or closed by exec: what the child opens first would become its standard stream.
bool is_missing(int stream) {
    const int flags = ::fcntl(stream, F_GETFD);
    return flags < 0 || (flags & FD_CLOEXEC) != 0;
}

// Through a copy out of the way, since one target may be the source of another.
void duplicate(spawn_plan& plan, int fd, int as) {
    unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, plan.first_closed));
    if (!copy) throw_system_error(errno, "descriptor " + std::to_string(fd) + " for a child");
    plan.steps.push_back({descriptor_step::kind::duplicate, as, copy.get()});
    plan.copies.push_back(std::move(copy));
}

void place_fd(spawn_plan& plan, const char* name, int fd, int as) {
    if (fd == null_device || (fd == inherited && is_missing(as)))
        plan.steps.push_back({descriptor_step::kind::open_null, as});
    else if (fd < 0 && fd != inherited)
        throw_error(errc::bad_option, std::string(name) + ": " + std::to_string(fd) +
                                          " is no descriptor, as after a failed open(2)");
    else if (fd != inherited)
        duplicate(plan, fd, as);
}

void place_file(spawn_plan& plan, const char* name, const std::filesystem::path& path, int as) {
    const int flags = as == 0 ? O_RDONLY : O_WRONLY | O_APPEND | O_CREAT;
    const unique_fd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0666));
    if (!file) throw_system_error(errno, std::string(name) + ": open \"" + path_text(path) + "\"");
    duplicate(plan, file.get(), as);
}

void place_stream(spawn_plan& plan, const char* name, const standard_stream& stream, int as) {
    if (const auto* const path = std::get_if<std::filesystem::path>(&stream))
        return place_file(plan, name, *path, as);
    place_fd(plan, name, std::get<int>(stream), as);
}

}  // namespace

void place_descriptors(spawn_plan& plan, const spawn_options& options) {
    for (const inherited_fd& each : options.inherit) {
        if (each.as < 3)
            throw_error(errc::bad_option, "inherit: a number below 3 is a standard stream's");
        plan.first_closed = std::max(plan.first_closed, each.as + 1);
    }
    place_stream(plan, "standard_input", options.standard_input, 0);
    place_stream(plan, "standard_output", options.standard_output, 1);
    place_stream(plan, "standard_error", options.standard_error, 2);
    std::vector<bool> used(static_cast<std::size_t>(plan.first_closed));
    for (const inherited_fd& each : options.inherit) {
        duplicate(plan, each.fd, each.as);
        used[static_cast<std::size_t>(each.as)] = true;
    }
    for (int gap = 3; gap < plan.first_closed; ++gap) {
        if (!used[static_cast<std::size_t>(gap)])
            plan.steps.push_back({descriptor_step::kind::close, gap});
    }
}

}  // namespace remora::detail
