// SPDX-License-Identifier: MIT
// How an app ends, or is stopped.
#include "support/runs.hpp"

#include <filesystem>

namespace {

using namespace test;
using remora::errc;
using remora::stop_step;

// Writes to the FIFO of this name fail from now on. What comes back keeps its end of file away.
remora::detail::unique_fd break_fifo(const std::string& name) {
    const remora::detail::unique_fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    std::vector<int> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        const int fd = std::atoi(entry.path().filename().c_str());
        const auto target = std::filesystem::read_symlink(entry.path(), ignored).string();
        if (target.find("/" + name) != std::string::npos &&
            (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
            found.push_back(fd);
    }
    REQUIRE(found.size() == 1);
    remora::detail::unique_fd before(::fcntl(found[0], F_DUPFD_CLOEXEC, 0));
    REQUIRE(::dup3(full.get(), found[0], O_CLOEXEC) == found[0]);
    return before;
}

TEST_CASE("an app that cannot be answered is stopped, and does not wait for ever") {
    served_run r({"echo", "1"});
    r.server.serve("echo", echo_service);
    remora::detail::unique_fd open_but_silent;
    r.on_event = [&](const remora::event& e) {
        if (e.kind == remora::event_kind::hello) open_but_silent = break_fifo("control.down");
    };
    const auto result = r.finish();
    open_but_silent.reset();
    CHECK(result.error == std::errc::no_space_on_device);
    CHECK(result.stopped_by == stop_step::sigterm);
    CHECK(r.is_clean());
}

TEST_CASE("what the app sent before it left is delivered, then its end") {
    served_run r({"leave", "2000"});
    std::int64_t count = 0;
    r.server.serve("take", [&count](remora::pipe p) -> asio::awaitable<void> {
        return collect<number>(std::move(p),
                               [&count](const number& n) { CHECK(n.value == count++); });
    });
    CHECK(r.finish().code() == 3);
    CHECK(count == 2000);
}

asio::awaitable<void> stay_until(remora::pipe, asio::steady_timer& gate) {
    std::error_code ec;
    co_await gate.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

TEST_CASE("the app's end is told at once, the result when its services have ended") {
    remora::server_options options;
    options.drain_timeout = 1h;
    served_run r({"leave", "1"}, options);
    asio::steady_timer gate(r.io, asio::steady_timer::time_point::max());
    r.server.serve("take", [&gate](remora::pipe p) { return stay_until(std::move(p), gate); });
    std::optional<remora::exit_status> ended;
    std::optional<remora::run_result> over;
    asio::co_spawn(r.io, r.run().result(), [&](auto, auto result) { over = result; });
    asio::co_spawn(r.io, r.run().exited(), [&](auto, auto status) { ended = status; });
    run_until(r.io, [&] { return ended.has_value(); });
    r.io.poll();
    CHECK(ended == exited(3));
    CHECK(!over);
    CHECK(std::ranges::count(r.events, remora::event_kind::app_ended, &remora::event::kind) == 1);
    gate.expires_at({});
    run_until(r.io, [&] { return over.has_value(); });
    CHECK(over->status == exited(3));
    CHECK(r.is_clean());
}

TEST_CASE("an app that is killed ends its services, without a failure of theirs") {
    served_run r({"vanish", "9"});
    bool ended = false;
    r.server.serve("echo", [&ended](remora::pipe p) -> asio::awaitable<void> {
        return with_end(echo_service(std::move(p)), ended);
    });
    const auto result = r.finish();
    CHECK(result.code() == 137);
    CHECK(result.stopped_by == stop_step::none);
    CHECK(ended);
    CHECK(r.failures.empty());
    CHECK(r.is_clean());
}

TEST_CASE("an app that never says hello is stopped after the start timeout") {
    remora::server_options options;
    options.start_timeout = 1s;  // by then it ignores SIGTERM
    options.stop_timeout = 50ms;
    served_run r({"mute"}, options);
    const auto result = r.finish();
    CHECK(result.error == code(errc::start_timeout));
    CHECK(result.code() == 137);
    CHECK(result.stopped_by == stop_step::sigkill);
    CHECK(r.is_clean());
}

TEST_CASE("an app that exits before its hello has its code") {
    served_run r({"exit", "3"});
    const auto result = r.finish();
    CHECK(result.code() == 3);
    CHECK(!result.error);
    CHECK(r.is_clean());
}

TEST_CASE("terminate stops an app that listens at its first step") {
    served_run r({"waits"});
    r.server.serve("silent", [&r](remora::pipe p) -> asio::awaitable<void> {
        return stop_at_first_message(std::move(p), r.run(), patience);
    });
    const auto result = r.finish();
    CHECK(result.stopped_by == stop_step::goodbye);
    CHECK(result.code() == 143);
    CHECK(r.is_clean());
}

TEST_CASE("terminate gives each step the server's grace") {
    remora::server_options options;
    options.stop_timeout = std::chrono::milliseconds(50);
    served_run r({"spins"}, options);
    r.server.serve("silent", [&r](remora::pipe p) -> asio::awaitable<void> {
        co_await p.receive<number>();
        r.run().terminate();
        co_await p.next<number>();
    });
    CHECK(r.finish().stopped_by == stop_step::sigterm);
    CHECK(r.is_clean());
}

TEST_CASE("an app that is stopped acts on SIGTERM") {
    served_run r({"waits"});
    r.server.serve("silent", [&r](remora::pipe p) -> asio::awaitable<void> {
        co_await p.receive<number>();
        ::kill(r.run().pid(), SIGSTOP);
        r.run().terminate(500ms);
        co_await p.next<number>();
    });
    const auto result = r.finish();
    CHECK(result.stopped_by == stop_step::sigterm);
    CHECK(r.is_clean());
}

}  // namespace
