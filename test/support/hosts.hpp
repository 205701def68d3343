// SPDX-License-Identifier: MIT
/// Servers that are processes of their own, so that they can be killed. Their apps are
/// grandchildren of the test; orphaned, they become its children.
#pragma once

#include "process/spawn.hpp"
#include "support/runs.hpp"

#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace test {

/// While it lives, the orphans among this program's descendants are its children.
class orphanage {
public:
    orphanage() { REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); }
    ~orphanage() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
    orphanage(const orphanage&) = delete;
    orphanage& operator=(const orphanage&) = delete;

    /// How they ended, all that there are. Blocks until they have.
    static std::vector<remora::exit_status> ends() {
        std::vector<remora::exit_status> result;
        int word = 0;
        while (::waitpid(-1, &word, 0) > 0)
            result.push_back(status_of(word));
        return result;
    }
    static remora::exit_status status_of(int word) {
        return WIFSIGNALED(word) ? signalled(WTERMSIG(word)) : exited(WEXITSTATUS(word));
    }
};

/// The test server (see server.cpp) with the test app in one of its modes.
class host {
public:
    explicit host(std::vector<std::string> words, const std::vector<std::string>& app,
                  std::vector<std::string> environment = {}) {
        run_parent();
        words.insert(words.end(), {"--", REMORA_TEST_APP});
        words.insert(words.end(), app.begin(), app.end());
        const remora::spawn_options how{.target = REMORA_TEST_SERVER,
                                        .arguments = std::move(words),
                                        .environment = std::move(environment),
                                        .standard_input = lifeline_.out.get(),
                                        .standard_output = output_.in.get(),
                                        .standard_error = errors_.in.get()};
        pid_ = remora::detail::spawn(how);
        output_.in.reset();
        errors_.in.reset();
        lifeline_.out.reset();
    }
    ~host() {
        if (pid_ < 0) return;
        kill(SIGKILL);
        end();
    }
    host(const host&) = delete;
    host& operator=(const host&) = delete;

    void kill(int signal) const { ::kill(pid_, signal); }
    /// Sends a signal to a server that computes, and comes back when its handler has run: it has
    /// taken the signal and computed on, for TSan calls handlers later.
    void kill_and_wait(int signal) const {
        kill(signal);
        while (is_pending())
            std::this_thread::yield();
        for (const auto end = computed() + std::chrono::milliseconds(1); computed() < end;)
            std::this_thread::yield();
    }

    /// The next line of its output; empty at the end of it, that is, when server and app are gone.
    std::string line() {
        for (;;) {
            const auto end = text_.find('\n');
            if (end != std::string::npos) {
                const std::string line = text_.substr(0, end);
                text_.erase(0, end + 1);
                return line;
            }
            if (!read_more()) return std::exchange(text_, {});
        }
    }
    /// Reads up to a line that begins so. The lines before it are in `skipped`.
    std::string line_with(std::string_view beginning) {
        skipped.clear();
        for (;;) {
            std::string next = line();
            if (next.empty() || next.starts_with(beginning)) return next;
            skipped.push_back(std::move(next));
        }
    }
    std::vector<std::string> skipped;

    /// Waits until the server and its app are gone, and says how the server ended.
    remora::exit_status end() {
        while (!line().empty()) {
        }
        int word = 0;
        const int pid = std::exchange(pid_, -1);
        REQUIRE(uninterrupted([&] { return ::waitpid(pid, &word, 0); }) > 0);
        return orphanage::status_of(word);
    }
    /// All that server and app wrote to stderr. After the end.
    std::string errors() { return errors_.drain(); }
    /// Lets the children go that server and app have left behind.
    void release() { lifeline_.in.reset(); }

private:
    // Again where a signal of another case's children has come in between.
    static int uninterrupted(const auto& call) {
        int result = call();
        while (result < 0 && errno == EINTR)
            result = call();
        return result;
    }
    // Has it a signal that it has not taken?
    bool is_pending() const {
        std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("ShdPnd:")) return !line.ends_with("\t0000000000000000");
        return false;
    }
    std::chrono::nanoseconds computed() const {
        clockid_t id{};
        timespec time{};
        REQUIRE(::clock_getcpuclockid(pid_, &id) == 0);
        REQUIRE(::clock_gettime(id, &time) == 0);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }
    bool read_more() {
        pollfd ready{output_.out.get(), POLLIN, 0};
        const auto end = std::chrono::steady_clock::now() + patience;
        const auto is_ready = [&] {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                end - std::chrono::steady_clock::now());
            return ::poll(&ready, 1, std::max(static_cast<int>(left.count()), 0));
        };
        REQUIRE_MESSAGE(uninterrupted(is_ready) > 0, "server or app hangs");
        std::array<char, 4096> part{};
        const ssize_t count = ::read(output_.out.get(), part.data(), part.size());
        if (count > 0) text_.append(part.data(), static_cast<std::size_t>(count));
        return count > 0;
    }

    channel output_, errors_, lifeline_;
    std::string text_;
    pid_t pid_ = -1;
};

/// What the server says of its end after these signals. It gets them when its app has said
/// something.
inline std::string result_after(host& h, const std::vector<int>& signals) {
    CHECK(h.line_with("message") == "message");
    for (const int signal : signals)
        h.kill(signal);
    return h.line_with("result");
}

}  // namespace test
