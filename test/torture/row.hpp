// SPDX-License-Identifier: MIT
/// What the rows of the torture table share: options, progress, the verdict, pairs of pipes whose
/// ends may be in two processes, and what /proc says of memory.
#pragma once

#include "support/pairs.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace torture {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using remora::wait_policy;
using remora::detail::transport_parts;

struct verdict {
    std::string figures;
    bool passed = true;
    std::string notes = {};

    /// Notes what does not hold.
    void expect(bool holds, const std::string& what);
};

/// The options of a row, and what it says while it works.
class row {
public:
    row(std::string what, std::uint64_t usual_rounds)
        : rounds(usual_rounds), what_(std::move(what)) {}

    void progress(std::uint64_t done) const;
    bool over_fifos() const { return transport == "fifo"; }
    /// Takes the options, runs `body` and prints its verdict. The exit code of the program.
    int run(int argc, char** argv, const std::function<verdict(row&)>& body);

    std::uint64_t rounds;
    std::string transport = "shared_memory";
    std::string programs;
    std::uint64_t seed = 1;

private:
    std::string what_;
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

std::pair<transport_parts, transport_parts> make_ends(bool fifos, std::size_t size);
std::pair<remora::pipe, remora::pipe> make_pair(asio::io_context& io, bool fifos, const setting& s);
/// Lets go of ends that a forked process has as well: it has not left, so the rings stay.
void forget(transport_parts ends);

/// A process that runs `body`, whose value is its exit code, and dies with this one.
class forked {
public:
    explicit forked(const std::function<int()>& body);
    ~forked();
    forked(const forked&) = delete;
    forked& operator=(const forked&) = delete;

    void kill() const;
    /// The exit code, or 128 + N for signal N.
    int wait();
    /// The same; 137, after a SIGKILL, for one that does not end in time.
    int wait_for(clock::duration most);

private:
    pid_t parent_ = ::getpid();
    pid_t pid_;
};

/// Runs the context until `done`. False if it hangs, or has nothing left to do.
bool run_until(asio::io_context& io, const bool& done, clock::duration most);

/// The value of the process's "VmHWM" or another line of /proc/self/status, in KiB.
long status_of_self(const std::string& what);
/// From now on VmHWM is the peak since now. Were it not, no growth would ever be seen.
void forget_peak();
long descriptors();

/// Where the servers of this program make their directories: nobody else's, and within the one that
/// they would take without it.
class run_parent {
public:
    run_parent();
    ~run_parent();
    run_parent(const run_parent&) = delete;
    run_parent& operator=(const run_parent&) = delete;
    /// To be asked between two runs: each start sweeps away what the one before has left.
    bool is_empty() const;

private:
    std::filesystem::path path_;
};

/// The sizes of rings that the rounds of servers take in turn.
std::size_t ring_of_round(std::uint64_t round);
/// "12.3 ms" and the like.
std::string show(clock::duration d);
/// The smallest that is not exceeded by this share of them.
clock::duration percentile(std::vector<clock::duration> all, double share);

}  // namespace torture
