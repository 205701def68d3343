// SPDX-License-Identifier: MIT
// The server of the tests of traces, and its own app: `traced SCENE [NUMBER]` starts itself.
#include <remora/all.hpp>
#include <remora/client.hpp>
#include <remora/server.hpp>
#include <remora/service.hpp>

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <string>

// Names that break what does not escape them: those of types, and below that of a service.
struct hostile {
    int value = 0;
};
template <>
inline constexpr std::string_view remora::type_name<hostile> = "\"}]\\\n\x01\xff\xc3{[,";

namespace {

using namespace std::chrono_literals;

const std::string hostile_service = "a \"service\"}],\\ \xff\xc3";

struct answer {
    int value = 0;
};
struct add {
    using reply = answer;
    int a = 0, b = 0;
};
struct fail {
    using reply = answer;
};
struct count {
    using reply = remora::stream<answer>;
    int items = 0;
};
struct drop {  // a stream that is dropped
    using reply = remora::stream<answer>;
};
struct store {
    using reply = answer;
    using upload = answer;
};
struct echo {
    using reply = std::string;
    std::string text;
};
struct picture {
    using reply = void;
    remora::shared_bytes bytes;
};
struct ask_back {
    using reply = answer;
    int depth = 0;
};
struct never {
    using reply = void;
};
struct late {  // goes on after it was cancelled
    using reply = void;
};
struct release {  // lets it end
    using reply = void;
};
struct complain {
    using reply = answer;
    std::string text;
};
struct unknown {
    using reply = answer;
};
struct life {
    using reply = answer;
};
struct remark {
    std::string text;
};

answer sum(add q) {
    return {q.a + q.b};
}

answer refuse(fail) {
    throw std::runtime_error("no");
}

remora::generator<answer> count_up(count what) {
    for (int i = 0; i != what.items; ++i)
        co_yield remora::item<answer>(i);
}

remora::generator<answer> go_on(drop) {
    for (int i = 0;; ++i)
        co_yield remora::item<answer>(i);
}

asio::awaitable<answer> keep(store, remora::stream<answer> values) {
    answer all;
    while (const auto each = co_await values.next())
        all.value += each->value;
    co_return all;
}

asio::awaitable<answer> call_back(ask_back q) {
    auto call = co_await remora::this_call();
    if (q.depth == 0) co_return answer{};
    const auto deeper = co_await call.pipe().call<ask_back>(q.depth - 1);
    co_return answer{deeper.value + 1};
}

asio::awaitable<void> wait(never) {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    co_await timer.async_wait(asio::use_awaitable);
}

// The one call of `late`, in the server.
asio::steady_timer* waiting_late = nullptr;
bool is_released = false;

// What cancels it first does not end it.
asio::awaitable<void> outlast(late) {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    waiting_late = &timer;
    std::error_code ec;
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    co_await asio::this_coro::reset_cancellation_state();
    if (!is_released) co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    waiting_late = nullptr;
}

void let_end(release) {
    is_released = true;
    if (waiting_late != nullptr) waiting_late->cancel();
}

answer throw_what_it_says(const complain& q) {
    throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory), q.text);
}

asio::awaitable<answer> tell_life(life) {
    auto call = co_await remora::this_call();
    co_return answer{static_cast<int>(call.pipe().life())};
}

asio::awaitable<void> echo_remarks(remora::pipe pipe) {
    while (const auto each = co_await pipe.next<remark>())
        co_await pipe.send(*each);
}

remora::service make_service() {
    remora::service all;
    all.on(sum).on(refuse).on(count_up).on(go_on).on(keep).on(call_back).on(wait).on(tell_life);
    all.on(outlast).on(let_end).on(throw_what_it_says);
    all.on([](const echo& q) { return q.text; });
    all.on([](const picture&) {});
    all.on([](const remark&) {});
    return all;
}

template <class Request>
asio::awaitable<void> fail_in(remora::pipe& pipe, Request question,
                              remora::call_options options = {}) {
    try {
        co_await pipe.call(question, options);
    } catch (const remora::remote_error&) {
    }
}

asio::awaitable<void> stream_in(remora::pipe& pipe) {
    auto items = co_await pipe.stream<count>(5);
    while (const auto each = co_await items.next()) {
    }
}

asio::awaitable<void> drop_stream_in(remora::pipe& pipe) {
    auto items = co_await pipe.stream<drop>();
    co_await items.next();
}

asio::awaitable<void> send_picture(remora::pipe& pipe) {
    picture p;
    p.bytes = pipe.allocate(100'000);
    co_await pipe.call(p);
}

// Something of everything.
asio::awaitable<void> talk(remora::client& client, int) {
    auto remarks = co_await client.connect("remarks");
    for (int i = 0; i != 3; ++i) {
        co_await remarks.send<remark>("one");
        co_await remarks.receive<remark>();
        const remark two{"two"};
        if (!remarks.try_send(two)) co_await remarks.send(two);
        co_await remarks.receive<remark>();
    }
    co_await remarks.close();
    auto pipe = co_await client.connect("calls");
    pipe.attach(make_service());
    co_await pipe.call<ask_back>(3);  // the calls of both sides have the same numbers
    co_await pipe.call<add>(1, 2);
    co_await remora::all(pipe.call<add>(1, 2), pipe.call<add>(3, 4));
    co_await pipe.send<remark>("to a handler");
    co_await fail_in(pipe, fail{});
    co_await fail_in(pipe, never{}, {.timeout = 20ms});
    co_await stream_in(pipe);
    co_await drop_stream_in(pipe);
    const store s;
    co_await pipe.call(s, count_up({4}));
    co_await pipe.call<echo>(std::string(300'000, 'x'));
    co_await send_picture(pipe);
    co_await pipe.call<add>(5, 6);
}

// Ends before the call that it gives up is answered.
asio::awaitable<void> give_up(remora::client& client, int) {
    auto pipe = co_await client.connect("calls");
    co_await fail_in(pipe, late{}, {.timeout = 20ms});
    co_await pipe.call<add>(1, 2);
}

// The answer comes when nobody waits for it any more.
asio::awaitable<void> hear_late(remora::pipe& pipe) {
    co_await pipe.call<add>(3, 4);
    co_await pipe.call<release>();
    while (pipe.counts().calls != 0)
        co_await pipe.call<add>(5, 6);
}

asio::awaitable<void> time_out(remora::client& client, int) {
    auto pipe = co_await client.connect("calls");
    co_await fail_in(pipe, late{}, {.timeout = 20ms});
    co_await hear_late(pipe);
}

asio::awaitable<void> cancel(remora::client& client, int) {
    auto pipe = co_await client.connect("calls");
    const late question;
    const auto cancelling = std::make_shared<asio::cancellation_signal>();
    asio::co_spawn(
        pipe.get_executor(), pipe.call(question),
        asio::bind_cancellation_slot(cancelling->slot(), [cancelling](std::exception_ptr) {}));
    co_await pipe.call<add>(1, 2);
    cancelling->emit(asio::cancellation_type::terminal);
    co_await hear_late(pipe);
}

asio::awaitable<void> fail_in_ways(remora::client& client, int) {
    auto pipe = co_await client.connect("calls");
    co_await fail_in(pipe, fail{});
    const complain long_text{"a \"text\"\n" + std::string(500, 'x')};
    co_await fail_in(pipe, long_text);
    co_await fail_in(pipe, unknown{});
}

// Dies while a call of it has no answer.
asio::awaitable<void> die(remora::client& client, int calls) {
    auto pipe = co_await client.connect("calls");
    const never for_ever;
    asio::co_spawn(pipe.get_executor(), pipe.call(for_ever), asio::detached);
    for (int i = 0; i != calls; ++i)
        co_await pipe.call<add>(i, i);
    ::raise(SIGKILL);
}

// Dies in its first life.
asio::awaitable<void> die_once(remora::client& client, int) {
    auto pipe = co_await client.connect("calls");
    if ((co_await pipe.call<life>()).value == 1) ::raise(SIGKILL);
}

asio::awaitable<void> talk_strangely(remora::client& client, int) {
    auto pipe = co_await client.connect(hostile_service);
    co_await pipe.send<hostile>(1);
    co_await pipe.receive<hostile>();
}

asio::awaitable<void> talk_much(remora::client& client, int calls) {
    auto pipe = co_await client.connect("calls");
    for (int i = 0; i != calls; ++i)
        co_await pipe.call<add>(i, i);
}

asio::awaitable<void> echo_strangely(remora::pipe pipe) {
    while (const auto each = co_await pipe.next<hostile>())
        co_await pipe.send(*each);
}

const std::map<std::string, asio::awaitable<void> (*)(remora::client&, int)> scenes{
    {"talk", talk},           {"die", die},
    {"die_once", die_once},   {"talk_strangely", talk_strangely},
    {"talk_much", talk_much}, {"give_up", give_up},
    {"time_out", time_out},   {"cancel", cancel},
    {"fail", fail_in_ways},
};

int serve(asio::io_context& io, char** argv, std::vector<std::string> arguments) {
    remora::server_options options{.target = argv[0], .start_timeout = 60s};  // a slow machine
    if (!arguments.empty() && arguments[0] == "die_once")
        options.restart = {.first_delay = 1ms, .max_delay = 1ms, .limit = 1};
    const char* const transport = std::getenv("REMORA_TEST_TRANSPORT");
    if (transport != nullptr && std::string_view(transport) == "fifo")
        options.transport = remora::transport_kind::fifo;
    remora::server server{io, options};
    server.serve("calls", make_service());
    server.serve("remarks", echo_remarks);
    server.serve(hostile_service, echo_strangely);
    return server.run(std::move(arguments));
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context io;
    const bool is_app = argc > 1 && std::string_view(argv[1]).starts_with("--remora.pipes=");
    if (!is_app) return serve(io, argv, {argv + 1, argv + argc});
    remora::client client{io, argc, argv};
    const auto scene = scenes.at(argv[1]);
    const int number = argc > 2 ? std::atoi(argv[2]) : 0;
    return client.run([&](remora::client& c) { return scene(c, number); });
}
