// SPDX-License-Identifier: MIT
/// What the rows of the torture table share: options, progress, the verdict, pairs of pipes whose
/// ends may be in two processes, and what /proc says of memory.
#pragma once

#include "support/pairs.hpp"

#include <CLI/CLI.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace torture {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using remora::wait_policy;
using remora::detail::connection_ends;

struct verdict {
    std::string figures;
    bool passed = true;
    std::string notes = {};

    /// Notes what does not hold.
    void expect(bool holds, const std::string& what) {
        if (holds) return;
        passed = false;
        if (notes.size() < 1000) notes += (notes.empty() ? "" : "; ") + what;
    }
};

/// The options of a row, and what it says while it works.
class row {
public:
    row(const std::string& what, std::uint64_t usual_rounds) : rounds(usual_rounds), cli(what) {
        cli.add_option("--rounds", rounds);
        cli.add_option("--transport", transport)->check(CLI::IsMember({"fifo", "shared_memory"}));
        cli.add_option("--programs", programs, "the build directory");
        cli.add_option("--seed", seed);
    }

    void progress(std::uint64_t done) const {
        std::printf("progress %llu %llu\n", static_cast<unsigned long long>(done),
                    static_cast<unsigned long long>(rounds));
        std::fflush(stdout);
    }
    bool over_fifos() const { return transport == "fifo"; }

    template <class Body>
    int run(int argc, char** argv, Body body) try {
        cli.parse(argc, argv);
        verdict v = body(*this);
        if (!v.passed) v.notes += " (seed " + std::to_string(seed) + ")";
        std::printf("{\"rounds\": %llu, \"figures\": \"%s\", \"passed\": %s, \"notes\": \"%s\"}\n",
                    static_cast<unsigned long long>(rounds), plain(v.figures).c_str(),
                    v.passed ? "true" : "false", plain(v.notes).c_str());
        return 0;
    } catch (const CLI::ParseError& e) {
        return cli.exit(e) == 0 ? 0 : 2;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }

    std::uint64_t rounds;
    std::string transport = "shared_memory";
    std::string programs;
    std::uint64_t seed = 1;
    CLI::App cli;

private:
    // What may stand within quotes.
    static std::string plain(std::string text) {
        for (char& c : text) {
            if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) c = '\'';
        }
        return text;
    }
};

/// A size of kernel pipes or rings, and how both ends wait.
struct setting {
    std::size_t size;
    wait_policy waiting;
};
inline const std::vector<setting> settings{
    {4096, wait_policy::block},
    {std::size_t{64} << 10, wait_policy::adaptive},
    {std::size_t{1} << 20, wait_policy::block},
    {std::size_t{256} << 10, wait_policy::adaptive},
    {4096, wait_policy::spin},
};

inline std::pair<connection_ends, connection_ends> make_ends(bool fifos, std::size_t size) {
    if (!fifos) return test::make_shared_ends(size);
    auto [one, other] = remora::detail::make_connected_ends();
    for (const auto* ends : {&one, &other}) {
        if (::fcntl(ends->out.get(), F_SETPIPE_SZ, static_cast<int>(size)) < 0)
            throw std::runtime_error("F_SETPIPE_SZ");
    }
    return {connection_ends{std::move(one)}, connection_ends{std::move(other)}};
}

inline std::pair<remora::pipe, remora::pipe> make_pair(asio::io_context& io, bool fifos,
                                                       const setting& s) {
    auto [one, other] = make_ends(fifos, s.size);
    return {test::make_pipe(io, std::move(one), s.waiting),
            test::make_pipe(io, std::move(other), s.waiting)};
}

/// Lets go of ends that a forked process has as well: it has not left, so the rings stay.
inline void forget(connection_ends ends) {
    new remora::detail::shared_rings(std::move(ends.rings));
}

/// A process that runs `body`, whose value is its exit code, and dies with this one.
class forked {
public:
    template <class Body>
    explicit forked(Body body) : pid_(::fork()) {
        if (pid_ < 0) throw std::runtime_error("fork");
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent_) ::_exit(99);  // it is dead already
        int code = 99;
        try {
            code = body();
        } catch (const std::exception& e) {
            std::fprintf(stderr, "the other process: %s\n", e.what());
        }
        ::_exit(code);
    }
    ~forked() {
        if (pid_ <= 0) return;
        kill();
        wait();
    }
    forked(const forked&) = delete;
    forked& operator=(const forked&) = delete;

    void kill() const { ::kill(pid_, SIGKILL); }
    /// The exit code, or 128 + N for signal N.
    int wait() {
        int word = 0;
        ::waitpid(std::exchange(pid_, -1), &word, 0);
        return WIFEXITED(word) ? WEXITSTATUS(word) : 128 + WTERMSIG(word);
    }
    /// The same; 137, after a SIGKILL, for one that does not end in time.
    int wait_for(clock::duration most) {
        const auto end = clock::now() + most;
        for (siginfo_t info{};; ::usleep(500)) {
            ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
            if (info.si_pid != 0) break;
            if (clock::now() > end) {
                kill();
                break;
            }
        }
        return wait();
    }

private:
    pid_t parent_ = ::getpid();
    pid_t pid_;
};

/// Runs the context until `done`. False if it hangs, or has nothing left to do.
inline bool run_until(asio::io_context& io, const bool& done, clock::duration most) {
    const auto end = clock::now() + most;
    io.restart();
    while (!done) {
        if (io.run_one_until(end) == 0) return false;
    }
    return true;
}

/// The value of the process's "VmHWM" or another line of /proc/self/status, in KiB.
inline long status_of_self(const std::string& what) {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;) {
        long value = 0;
        if (word == what + ":" && file >> value) return value;
    }
    return 0;
}
/// From now on VmHWM is the peak since now. Were it not, no growth would ever be seen.
inline void forget_peak() {
    std::ofstream file("/proc/self/clear_refs");
    if (!(file << 5 << std::flush)) throw std::runtime_error("/proc/self/clear_refs");
}
inline long descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

/// Where the servers of this program make their directories: nobody else's, and within the one that
/// they would take without it.
class run_parent {
public:
    run_parent() {
        const auto where = remora::detail::run_directory::default_parent();
        std::string name = (where / "torture-of-remora-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
        ::setenv("XDG_RUNTIME_DIR", name.c_str(), 1);
        path_ = name;
    }
    ~run_parent() { std::filesystem::remove_all(path_); }
    run_parent(const run_parent&) = delete;
    run_parent& operator=(const run_parent&) = delete;
    /// To be asked between two runs: each start sweeps away what the one before has left.
    bool is_empty() const { return std::filesystem::is_empty(path_); }

private:
    std::filesystem::path path_;
};

/// The sizes of rings that the rounds of servers take in turn.
inline std::size_t ring_of_round(std::uint64_t round) {
    constexpr std::array<std::size_t, 3> all{4096, std::size_t{64} << 10, std::size_t{1} << 20};
    return all[round % all.size()];
}

/// "12.3 ms" and the like.
inline std::string show(clock::duration d) {
    const double us = std::chrono::duration<double, std::micro>(d).count();
    char text[32];
    std::snprintf(text, sizeof text, us < 1000 ? "%.1f µs" : "%.1f ms", us < 1000 ? us : us / 1000);
    return text;
}

/// The smallest that is not exceeded by this share of them.
inline clock::duration percentile(std::vector<clock::duration> all, double share) {
    if (all.empty()) return {};
    const auto rank =
        static_cast<std::ptrdiff_t>(std::ceil(share * static_cast<double>(all.size())));
    const auto at = std::max<std::ptrdiff_t>(rank - 1, 0);
    std::nth_element(all.begin(), all.begin() + at, all.end());
    return all[static_cast<std::size_t>(at)];
}

}  // namespace torture
