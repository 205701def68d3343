// SPDX-License-Identifier: MIT
#include "row.hpp"

#include "support/connected_ends.hpp"

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <stdexcept>

namespace torture {

namespace {

// What may stand within quotes.
std::string plain(std::string text) {
    for (char& c : text) {
        if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) c = '\'';
    }
    return text;
}

void print(const verdict& v, std::uint64_t rounds) {
    std::printf("{\"rounds\": %llu, \"figures\": \"%s\", \"passed\": %s, \"notes\": \"%s\"}\n",
                static_cast<unsigned long long>(rounds), plain(v.figures).c_str(),
                v.passed ? "true" : "false", plain(v.notes).c_str());
}

}  // namespace

void verdict::expect(bool holds, const std::string& what) {
    if (holds) return;
    passed = false;
    if (notes.size() < 1000) notes += (notes.empty() ? "" : "; ") + what;
}

void row::progress(std::uint64_t done) const {
    std::printf("progress %llu %llu\n", static_cast<unsigned long long>(done),
                static_cast<unsigned long long>(rounds));
    std::fflush(stdout);
}

int row::run(int argc, char** argv, const std::function<verdict(row&)>& body) {
    CLI::App cli(what_);
    cli.add_option("--rounds", rounds);
    cli.add_option("--transport", transport)->check(CLI::IsMember({"fifo", "shared_memory"}));
    cli.add_option("--programs", programs, "the build directory");
    cli.add_option("--seed", seed);
    try {
        cli.parse(argc, argv);
        verdict v = body(*this);
        if (!v.passed) v.notes += " (seed " + std::to_string(seed) + ")";
        print(v, rounds);
        return 0;
    } catch (const CLI::ParseError& e) {
        return cli.exit(e) == 0 ? 0 : 2;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}

std::pair<transport_parts, transport_parts> make_ends(bool fifos, std::size_t size) {
    if (!fifos) return test::make_shared_ends(size);
    auto [one, other] = test::make_connected_ends();
    for (const auto* ends : {&one, &other}) {
        if (::fcntl(ends->out.get(), F_SETPIPE_SZ, static_cast<int>(size)) < 0)
            throw std::runtime_error("F_SETPIPE_SZ");
    }
    return {transport_parts{std::move(one)}, transport_parts{std::move(other)}};
}

std::pair<remora::pipe, remora::pipe> make_pair(asio::io_context& io, bool fifos,
                                                const setting& s) {
    auto [one, other] = make_ends(fifos, s.size);
    return {test::make_pipe(io, std::move(one), s.waiting),
            test::make_pipe(io, std::move(other), s.waiting)};
}

void forget(transport_parts ends) {
    new remora::detail::shared_rings(std::move(ends.rings));
}

forked::forked(const std::function<int()>& body) : pid_(::fork()) {
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

forked::~forked() {
    if (pid_ <= 0) return;
    kill();
    wait();
}

void forked::kill() const {
    ::kill(pid_, SIGKILL);
}

int forked::wait() {
    int word = 0;
    ::waitpid(std::exchange(pid_, -1), &word, 0);
    return WIFEXITED(word) ? WEXITSTATUS(word) : 128 + WTERMSIG(word);
}

int forked::wait_for(clock::duration most) {
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

bool run_until(asio::io_context& io, const bool& done, clock::duration most) {
    const auto end = clock::now() + most;
    io.restart();
    while (!done) {
        if (io.run_one_until(end) == 0) return false;
    }
    return true;
}

long status_of_self(const std::string& what) {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;) {
        long value = 0;
        if (word == what + ":" && file >> value) return value;
    }
    return 0;
}

void forget_peak() {
    std::ofstream file("/proc/self/clear_refs");
    if (!(file << 5 << std::flush)) throw std::runtime_error("/proc/self/clear_refs");
}

long descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

run_parent::run_parent() {
    const auto where = remora::detail::run_directory::default_parent();
    std::string name = (where / "torture-of-remora-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    ::setenv("XDG_RUNTIME_DIR", name.c_str(), 1);
    path_ = name;
}

run_parent::~run_parent() {
    std::filesystem::remove_all(path_);
}

bool run_parent::is_empty() const {
    return std::filesystem::is_empty(path_);
}

std::size_t ring_of_round(std::uint64_t round) {
    constexpr std::array<std::size_t, 3> all{4096, std::size_t{64} << 10, std::size_t{1} << 20};
    return all[round % all.size()];
}

std::string show(clock::duration d) {
    const double us = std::chrono::duration<double, std::micro>(d).count();
    char text[32];
    std::snprintf(text, sizeof text, us < 1000 ? "%.1f µs" : "%.1f ms", us < 1000 ? us : us / 1000);
    return text;
}

clock::duration percentile(std::vector<clock::duration> all, double share) {
    if (all.empty()) return {};
    const auto rank =
        static_cast<std::ptrdiff_t>(std::ceil(share * static_cast<double>(all.size())));
    const auto at = std::max<std::ptrdiff_t>(rank - 1, 0);
    std::nth_element(all.begin(), all.begin() + at, all.end());
    return all[static_cast<std::size_t>(at)];
}

}  // namespace torture
