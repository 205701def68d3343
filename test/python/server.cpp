// SPDX-License-Identifier: MIT
// The server of the tests of demo/6_python_app: `python_server APP [ARGUMENT...]`.
#include <remora/server.hpp>
#include <remora/service.hpp>

#include <signal.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct numbered {
    int number = 0;
    std::string text;
};

// Items of that size.
struct count {
    using reply = remora::stream<numbered>;

    int items = 0;
    int size = 0;
};

struct everything {
    bool yes = false;
    std::int8_t i8 = 0;
    std::int16_t i16 = 0;
    std::int64_t i64 = 0;
    std::uint8_t u8 = 0;
    std::uint16_t u16 = 0;
    std::uint32_t u32 = 0;
    std::uint64_t u64 = 0;
    float f32 = 0;
    double f64 = 0;
    std::vector<unsigned char> bytes;
    std::vector<std::vector<std::string>> lists;
    std::map<std::string, numbered> map;
    std::optional<int> there;
    std::optional<std::string> missing;
    std::variant<count, numbered> either;
    std::tuple<int, std::string> tuple;
};

struct echo {
    using reply = everything;

    everything value;
};

// Calls the app, and returns how that fails.
struct ask_back {
    using reply = std::string;
};

// Answered when no stream runs.
struct streams_ended {
    using reply = void;
};

// The server vanishes, or stops its app.
struct leave {
    using reply = void;

    bool vanishes = false;
};

int streams = 0;

remora::generator<numbered> count_up(count what) {
    struct witness {
        witness() { ++streams; }
        ~witness() { --streams; }
    } const seen;
    for (int i = 0; i != what.items; ++i)
        co_yield remora::item<numbered>(i, std::string(static_cast<std::size_t>(what.size), 'x'));
}

asio::awaitable<void> await_end_of_streams(streams_ended) {
    const auto executor = co_await asio::this_coro::executor;
    while (streams != 0)
        co_await asio::post(executor, asio::use_awaitable);
}

asio::awaitable<std::string> call_back(ask_back) {
    auto call = co_await remora::this_call();
    try {
        co_await call.pipe().call<streams_ended>();
    } catch (const remora::remote_error& e) {
        co_return to_string(e.kind());
    }
    co_return "answered";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    asio::io_context io;
    std::optional<remora::app_process> app;
    remora::service tests;
    tests.on(count_up);
    tests.on([](echo what) { return what.value; });
    tests.on(call_back);
    tests.on(await_end_of_streams);
    tests.on([&](leave how) {
        if (how.vanishes) ::raise(SIGKILL);
        app->terminate();
    });

    remora::server server{
        io, {.target = argv[1], .start_timeout = 60s, .stop_timeout = 60s}};  // a slow machine
    server.serve("tests", tests);
    app = server.start({argv + 2, argv + argc});
    int code = 0;
    asio::co_spawn(io, app->result(),
                   [&](std::exception_ptr, const remora::run_result& r) { code = r.code(); });
    io.run();
    return code;
}
