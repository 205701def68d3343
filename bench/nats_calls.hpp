// SPDX-License-Identifier: MIT
/// What calls through NATS and their floor share: a nats-server of the slice's own, and workers
/// that are forks of this process.
#pragma once

#include "floors/peer_process.hpp"
#include "slice.hpp"

#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace bench {

/// Ends with the object. To be made while this process has one thread.
class nats_server {
public:
    nats_server() : child_([this] { become_server(); }) {
        const auto end = now() + 10'000'000'000;
        while (url_.empty() && now() < end) {
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
            read_url();
        }
        checked(url_.empty() ? -1 : 0, "nats-server");
    }
    ~nats_server() { std::filesystem::remove_all(directory_); }
    const std::string& url() const { return url_; }
    std::int64_t cpu_time() const { return child_.cpu_time(); }

private:
    static std::string new_directory() {
        std::string path = std::filesystem::temp_directory_path() / "remora_bench.XXXXXX";
        checked(::mkdtemp(path.data()) ? 0 : -1, "mkdtemp");
        return path;
    }
    void become_server() const {
        const auto log = directory_ + "/log";
        ::execl(REMORA_BENCH_NATS_SERVER, "nats-server", "-a", "127.0.0.1", "-p", "-1",
                "--ports_file_dir", directory_.c_str(), "-l", log.c_str(), nullptr);
    }
    void read_url() {
        for (const auto& file : std::filesystem::directory_iterator(directory_)) {
            if (file.path().extension() != ".ports") continue;
            std::ifstream in(file.path());
            const std::string text(std::istreambuf_iterator<char>(in), {});
            const auto at = text.find("nats://");
            if (text.find('}') != text.npos && at != text.npos)
                url_ = text.substr(at, text.find('"', at) - at);
        }
    }

    std::string directory_ = new_directory();
    std::string url_;
    peer_process child_;
};

/// `serve(url, ready)` runs in each of them, for ever, and calls `ready()` when it takes calls.
class worker_processes {
public:
    template <class Serve>
    worker_processes(std::size_t count, const std::string& url, Serve serve) {
        for (std::size_t i = 0; i != count; ++i) {
            int ends[2];
            checked(::pipe(ends), "pipe");
            all_.emplace_back(
                [&] { serve(url, [&] { checked(int(::write(ends[1], "", 1)), "ready"); }); });
            ::close(ends[1]);
            char none = 0;
            checked(::read(ends[0], &none, 1) == 1 ? 0 : -1, "a worker");
            ::close(ends[0]);
        }
    }
    std::int64_t cpu_time() const {
        std::int64_t sum = 0;
        for (const auto& each : all_)
            sum += each.cpu_time();
        return sum;
    }

private:
    std::deque<peer_process> all_;
};

/// The options of a slice, whose `pipes` are workers here.
inline slice_options nats_slice(int argc, char** argv) {
    slice_options slice;
    CLI::App cli{"One slice of a row: calls through NATS."};
    slice.add_to(cli);
    cli.add_option("--workers", slice.pipes);
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        std::exit(cli.exit(e));
    }
    return slice;
}

constexpr std::int64_t nats_warm_up = 100'000'000;

}  // namespace bench
