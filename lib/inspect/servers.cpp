// SPDX-License-Identifier: MIT
#include "inspect/servers.hpp"

#include "inspect/inquiry.hpp"
#include "transport/open_directory.hpp"
#include "transport/run_directory.hpp"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

namespace remora::inspect {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

namespace {

// How long to wait before the next attempt to connect where others wait to be accepted.
constexpr auto next_attempt = std::chrono::milliseconds(10);

// Those of other users are no affair of this one's.
void find_in(const fs::path& place, std::vector<inquiry>& found) {
    const detail::unique_fd parent{::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const detail::directory_stream entries = parent ? detail::entries_of(parent.get()) : nullptr;
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        if (!detail::is_name_of_a_run(entry->d_name)) continue;
        detail::unique_fd run{::openat(parent.get(), entry->d_name, detail::directory_flags)};
        struct stat info{};
        if (run && ::fstat(run.get(), &info) == 0 && info.st_uid == ::geteuid() &&
            (info.st_mode & 0777) == 0700)
            found.emplace_back(place / entry->d_name, std::move(run));
    }
}

void go_on(std::vector<inquiry>& all) {
    for (inquiry& each : all)
        each.go_on();
}

// Until one of them can be gone on with.
void wait(const std::vector<inquiry>& all, std::chrono::milliseconds at_most) {
    std::vector<pollfd> waiting;
    for (const inquiry& each : all) {
        if (each.is_over()) continue;
        if (each.descriptor() < 0) at_most = std::min(at_most, next_attempt);
        waiting.push_back({each.descriptor(), POLLIN, 0});
    }
    ::poll(waiting.data(), waiting.size(), static_cast<int>(at_most.count()));
}

std::vector<answer> answers_of(std::vector<inquiry>& all) {
    std::vector<answer> answers;
    for (inquiry& each : all) {
        if (!each.is_dead()) answers.push_back(each.take());
    }
    std::ranges::sort(answers, {}, [](const answer& a) { return std::pair(a.pid, a.directory); });
    return answers;
}

}  // namespace

std::vector<fs::path> usual_places() {
    std::vector<fs::path> places{detail::run_directory::default_parent(),
                                 "/run/user/" + std::to_string(::geteuid()), "/tmp"};
    for (const char* const name : {"XDG_RUNTIME_DIR", "TMPDIR"}) {
        if (const char* const place = std::getenv(name)) places.emplace_back(place);
    }
    std::vector<fs::path> different;
    for (const fs::path& place : places) {
        std::error_code ignored;
        const fs::path real = fs::canonical(place, ignored);
        if (!real.empty() && std::ranges::find(different, real) == different.end())
            different.push_back(real);
    }
    return different;
}

std::vector<answer> ask_servers(const std::vector<fs::path>& places,
                                std::chrono::milliseconds limit) {
    const auto end = clock::now() + limit;
    std::vector<inquiry> all;
    for (const fs::path& place : places)
        find_in(place, all);
    for (go_on(all); !std::ranges::all_of(all, &inquiry::is_over); go_on(all)) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
        if (left.count() <= 0) break;
        wait(all, left);
    }
    for (inquiry& each : all) {
        if (!each.is_over()) each.give_up(std::to_string(limit.count()) + " ms");
    }
    return answers_of(all);
}

}  // namespace remora::inspect
