// SPDX-License-Identifier: MIT
// The floor of starting an app: from the beginning of main to the first byte that a child has
// written. Both take their options from the command line, as the server and the app of the row do.
// Once, as a server starts its app once: the first spawn of a process costs more than later ones.
#include "../slice.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr const char* first_byte = "--first-byte";

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

void spawn_once(bench::recorder& samples, std::int64_t begin) {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) fail("pipe2");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    std::string self = "/proc/self/exe", flag = first_byte, pattern = "--pattern", row = "start";
    char* arguments[] = {self.data(), flag.data(), pattern.data(), row.data(), nullptr};

    pid_t child = -1;
    char byte = 0;
    if (::posix_spawn(&child, self.c_str(), &actions, nullptr, arguments, environ) != 0)
        fail("posix_spawn");
    ::close(fds[1]);
    if (::read(fds[0], &byte, 1) != 1) fail("read");
    samples.add(bench::now() - begin);

    ::close(fds[0]);
    ::waitpid(child, nullptr, 0);
    ::posix_spawn_file_actions_destroy(&actions);
}

std::int64_t all_cpu_time() {
    return bench::cpu_time() + bench::cpu_time_of_children();
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t begin = bench::now();
    CLI::App app{"The floor of starting an app: a bare spawn and the first byte"};
    bench::slice_options slice;
    slice.add_to(app);
    bool is_child = false;
    app.add_flag(first_byte, is_child);
    CLI11_PARSE(app, argc, argv);
    if (is_child) return ::write(STDOUT_FILENO, "!", 1) == 1 ? 0 : 1;

    bench::bind_to_cpus(slice.cpus);
    bench::recorder samples;
    samples.start(all_cpu_time());
    spawn_once(samples, begin);
    samples.finish(1, 1, all_cpu_time());
    samples.print();
}
