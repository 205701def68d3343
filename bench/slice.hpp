// SPDX-License-Identifier: MIT
/// What every measured program of the benchmark shares: the question on its command line, the
/// samples that it takes, and the line of JSON that it answers with.
#pragma once

#include "cpus.hpp"

#include <CLI/CLI.hpp>

#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

/// Of large messages: for those who allocate each, page faults were half of the time and more.
inline void keep_memory() {
    ::mallopt(M_MMAP_MAX, 0);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

/// One slice of measuring: which row, and for how long.
struct slice_options {
    std::string pattern = "round_trip";
    std::size_t bytes = 64;  ///< of a message, in one_way and bulk
    std::size_t batch = 1;   ///< messages a send, round trips a burst, calls in flight
    std::size_t pipes = 1;
    int cpus = 2;  ///< 1: both processes on one CPU
    int hogs = 0;  ///< processes that compute meanwhile
    double seconds = 0.3;

    void add_to(CLI::App& app) {
        app.add_option("--pattern", pattern);
        app.add_option("--bytes", bytes);
        app.add_option("--batch", batch);
        app.add_option("--pipes", pipes);
        app.add_option("--cpus", cpus);
        app.add_option("--hogs", hogs);
        app.add_option("--seconds", seconds);
    }
};

/// Nanoseconds on the steady clock.
inline std::int64_t now() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// Nanoseconds of CPU time that this process has used, all its threads together.
inline std::int64_t cpu_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

/// The same, of the children that have been reaped.
inline std::int64_t cpu_time_of_children() {
    rusage use{};
    ::getrusage(RUSAGE_CHILDREN, &use);
    const auto ns = [](const timeval& t) {
        return t.tv_sec * 1'000'000'000LL + t.tv_usec * 1000LL;
    };
    return ns(use.ru_utime) + ns(use.ru_stime);
}

/// Takes the samples of a slice and prints its result. A sample is the time of one round trip, or,
/// in one_way and bulk, the time a message of some that were sent together.
class recorder {
public:
    recorder() { samples_.reserve(std::size_t{1} << 22); }

    /// After the warm-up: what comes from here on counts.
    void start(std::int64_t cpu) {
        samples_.clear();
        cpu_ = cpu;
        begin_ = now();
        elapsed_ = 0;
    }
    /// The end of the time that counts, if it is before finish().
    void stop() { elapsed_ = now() - begin_; }
    /// One more figure.
    void note(const std::string& name, std::int64_t value) {
        notes_ += ",\"" + name + "\":" + std::to_string(value);
    }
    void add(std::int64_t ns) {
        if (samples_.size() < samples_.capacity()) samples_.push_back(ns);
    }
    /// `messages` of `bytes` each have passed since start(); `cpu`: of both processes, as at start.
    void finish(std::uint64_t messages, std::size_t bytes, std::int64_t cpu) {
        if (elapsed_ == 0) stop();
        messages_ = messages;
        bytes_ = bytes;
        cpu_ = cpu - cpu_;
        std::sort(samples_.begin(), samples_.end());
    }

    /// One line: a JSON object with the figures of a row, and the curve of the percentiles.
    void print() const {
        const double seconds = static_cast<double>(elapsed_) / 1e9;
        const double count = static_cast<double>(messages_);
        std::printf(
            "{\"samples\":%zu,\"min_ns\":%lld,\"p50_ns\":%lld,\"p90_ns\":%lld,"
            "\"p99_ns\":%lld,\"p999_ns\":%lld,\"max_ns\":%lld,\"messages_per_s\":%.0f,"
            "\"bytes_per_s\":%.0f,\"cpu_ns_per_message\":%.1f,\"curve\":[",
            samples_.size(), at(0), at(0.5), at(0.9), at(0.99), at(0.999), at(1), count / seconds,
            count * static_cast<double>(bytes_) / seconds,
            static_cast<double>(cpu_) / std::max(count, 1.0));
        constexpr std::array curve{0.0,  0.05, 0.1, 0.2,  0.3,  0.4,   0.5,   0.6,    0.7,
                                   0.75, 0.8,  0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999};
        for (const double q : curve)
            std::printf("%s[%g,%lld]", q == 0.0 ? "" : ",", q, at(q));
        std::printf("]%s}\n", notes_.c_str());
        std::fflush(stdout);
    }

private:
    long long at(double q) const {
        if (samples_.empty()) return 0;
        const auto last = static_cast<double>(samples_.size() - 1);
        return samples_[static_cast<std::size_t>(q * last)];
    }

    std::vector<std::int64_t> samples_;
    std::string notes_;
    std::int64_t begin_ = 0, elapsed_ = 0, cpu_ = 0;
    std::uint64_t messages_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace bench
