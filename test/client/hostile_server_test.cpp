// SPDX-License-Identifier: MIT
// A client whose server does not keep to the protocol. What that says first stands in the control
// pipe before the client begins.
#include "support/runs.hpp"
#include "support/wire_bytes.hpp"

#include "transport/fifo.hpp"
#include "transport/run_directory.hpp"

#include <remora/client.hpp>

#include <sys/file.h>

namespace {

using namespace test;
using remora::errc;
using remora::detail::open_fifo;

class hostile_server {
public:
    hostile_server() { make_pipe("control"); }

    void make_pipe(const std::string& base) {
        directory_.make_fifo(base + ".up");
        directory_.make_fifo(base + ".down");
        for (const std::string& name : {base + ".up", base + ".down"}) {
            fds_.push_back(open_fifo(directory_.fd(), name, O_RDONLY));
            fds_.push_back(open_fifo(directory_.fd(), name, O_WRONLY));
        }
    }
    /// On the control pipe.
    void say(const std::string& bytes) const {
        REQUIRE(::write(fds_[3].get(), bytes.data(), bytes.size()) == std::ssize(bytes));
    }
    void vanish() { fds_.clear(); }
    /// As one that is dying: only the control pipe is still open.
    void vanish_but_for_control() {
        fds_.resize(4);
        ::flock(directory_.fd(), LOCK_UN);
    }
    /// Whether the app fails with what `app` failed with.
    bool passes_on = false;
    bool passes_on_two = false;
    /// What to say to the hello, and to each request for a connection.
    std::string answer_to_hello;
    std::vector<std::string> answers;

    /// Lets a client run `app`; `why` is what that failed with, `code` what client::run returned,
    /// `printed` what it wrote to stderr.
    void serve(const std::function<asio::awaitable<void>(remora::client&)>& app) {
        std::string words[] = {"app", "--remora.pipes=" + directory_.path().string()};
        char* argv[] = {words[0].data(), words[1].data(), nullptr};
        int argc = 2;
        asio::io_context io;
        remora::client_options options;
        options.limits.message = 5000;
        remora::client client{io, argc, argv, options};
        asio::steady_timer time_limit(io, patience);
        time_limit.async_wait([&](std::error_code ec) {
            if (!ec) FAIL("the client hangs");
        });
        asio::posix::stream_descriptor requests(io);
        if (!fds_.empty()) requests.assign(::dup(fds_[0].get()));
        asio::co_spawn(io, answer(requests), asio::detached);
        const captured_errors errors(printed);
        code = client.run([&](remora::client& c) -> asio::awaitable<int> {
            why = co_await failure_of(app(c));
            const auto thrown = std::make_exception_ptr(std::system_error(why.code));
            if (passes_on && why.code) std::rethrow_exception(thrown);
            if (passes_on_two && why.code) throw asio::multiple_exceptions(thrown);
            co_return 0;
        });
    }
    failure why;
    int code = -1;
    std::string printed;

private:
    asio::awaitable<void> answer(asio::posix::stream_descriptor& requests) {
        std::string bytes;
        for (auto next = answers.begin();;) {
            co_await requests.async_wait(asio::posix::stream_descriptor::wait_read,
                                         asio::use_awaitable);
            std::array<char, 4096> part{};
            const ssize_t count = ::read(requests.native_handle(), part.data(), part.size());
            bytes.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
            std::size_t wanted = 0;
            while (const auto f =
                       remora::parse_frame(std::as_bytes(std::span(bytes)), 1u << 20, wanted)) {
                const auto size = f->size();
                if (f->header.kind == frame_kind::hello) say(answer_to_hello);
                const bool asks =
                    f->header.kind == frame_kind::connect || f->header.kind == frame_kind::list;
                if (asks && next != answers.end()) say(*next++);
                bytes.erase(0, size);
            }
        }
    }

    remora::detail::run_directory directory_{run_parent()};
    std::vector<remora::detail::unique_fd> fds_;  ///< of each pair: reader, writer; up, down
};

asio::awaitable<void> connect(remora::client& c) {
    co_await c.connect("echo");
}

asio::awaitable<void> connect_twice(remora::client& c, failure& first) {
    first = co_await failure_of(connect(c));
    co_await connect(c);
}

std::string welcome_bytes(std::uint32_t version = 1, std::uint64_t max_message = 1 << 20) {
    remora::wire::welcome words;
    words.version = version;
    words.max_message = max_message;
    words.pid = ::getpid();
    return frame_with(frame_kind::welcome, 0, words);
}

std::string refused_bytes(errc why, const std::string& text) {
    return frame_with(frame_kind::refused, 0, remora::wire::close_reason(why, text));
}

std::string connected_bytes(std::uint64_t id, const std::string& base) {
    return frame_with(frame_kind::connected, id, remora::wire::connection_offer{base});
}

std::string rejected_bytes(std::uint64_t id, errc why) {
    return frame_with(frame_kind::rejected, id, remora::wire::close_reason(why, "no"));
}

struct words_and_text {
    std::string words, text;
};

// The server says this. The app is cancelled, and the text printed.
void check_end(const std::vector<words_and_text>& all) {
    for (const auto& [words, text] : all) {
        CAPTURE(text);
        hostile_server s;
        s.say(words);
        s.serve(connect);
        CHECK_MESSAGE(s.printed.find(text) != std::string::npos, s.printed);
        CHECK(s.code == 69);
    }
    CHECK(run_directories() == 0);
}

TEST_CASE("a refusal comes with the server's reason, quoted") {
    const auto check = [](errc code, const std::string& reason, const std::string& text) {
        hostile_server s;
        s.say(refused_bytes(code, reason));
        s.serve(connect);
        CHECK(s.why.code == test::code(code));
        CHECK_MESSAGE(s.why.has(text), s.why.text);
        CHECK(s.code == 0);
    };
    check(errc::refused, "not\nyou", "\"not\\nyou\"");
    check(errc::version_mismatch, "too old", "too old");
    check(errc::refused, std::string(5000, 'x'), "xxx...\"");
}

TEST_CASE("nonsense instead of a welcome is named, and ends the app with 69") {
    check_end({{std::string(64, '\xff'), "unknown bits"},
               {announced(~0u), "4294967295"},
               {frame_bytes({.kind = unknown_kind}), "a frame of kind 200"},
               {frame_bytes({.kind = frame_kind::welcome}, "garbage"), "welcome, at byte 0"},
               {frame_bytes({.kind = frame_kind::refused}, "garbage"), "close_reason, at byte 0"},
               {hello_bytes(), "unexpected frame"},
               {welcome_bytes(0), "a welcome to version 0"},
               {welcome_bytes(2), "a welcome to version 2"},
               {welcome_bytes(1, 0), "messages of 0 bytes"},
               {welcome_bytes(1, 4095), "messages of 4095 bytes"},
               {welcome_bytes() + welcome_bytes(), "a welcome"}});
}

TEST_CASE("a server that cannot say what it serves, or answers with something else") {
    const auto check = [](std::uint64_t features, const std::string& answer, errc code,
                          const std::string& text) {
        hostile_server s;
        remora::wire::welcome words;
        words.version = 1;
        words.features = features;
        words.max_message = 5000;
        words.pid = ::getpid();
        s.say(frame_with(frame_kind::welcome, 0, words));
        s.answers = {answer};
        s.serve([](remora::client& c) -> asio::awaitable<void> { co_await c.services(); });
        CHECK(s.why.code == test::code(code));
        CHECK_MESSAGE(s.why.has(text), s.why.text);
    };
    using remora::wire::listing;
    check(0, "", errc::version_mismatch, "too old to say");
    check(listing, connected_bytes(1, "1"), errc::protocol_error, "the wrong answer");
    check(listing, rejected_bytes(1, errc::overloaded), errc::overloaded, "list of services");
    check(listing, frame_bytes({.kind = frame_kind::listed, .id = 1}, "garbage"),
          errc::field_mismatch, "name_list, at byte 0");
}

TEST_CASE("an app that waits for its welcome hears what came instead") {
    hostile_server s;
    s.answer_to_hello = welcome_bytes(2);
    s.serve(connect);
    CHECK(s.why.code == code(errc::protocol_error));
    CHECK(s.why.has("a welcome to version 2"));
    CHECK(s.code == 69);
}

TEST_CASE("nonsense instead of an answer is named, and ends the app with 69") {
    const auto check = [](const std::string& answer, const std::string& text) {
        hostile_server s;
        s.say(welcome_bytes());
        s.answers = {answer};
        s.serve(connect);
        CHECK_MESSAGE(s.why.has(text), s.why.text);
        CHECK_MESSAGE(s.printed.find(text) != std::string::npos, s.printed);
        CHECK(s.code == 69);
    };
    check(hello_bytes(), "unexpected frame");
    check(std::string(64, '\xff'), "unknown bits");
    check(frame_bytes({.kind = frame_kind::connected, .id = 1}, "garbage"), "at byte 0");
    check(frame_bytes({.kind = frame_kind::rejected, .id = 1}, "garbage"), "at byte 0");
    check(frame_bytes({.kind = frame_kind::close}), "the server is gone");
}

TEST_CASE("a server that hangs up, with or without a word, is gone") {
    check_end({{frame_bytes({.kind = frame_kind::close}), "the server is gone"},
               {welcome_bytes() + frame_bytes({.kind = frame_kind::close}), "the server is gone"}});
    hostile_server s;
    s.vanish();
    s.serve(connect);
    CHECK(s.code == 69);
    CHECK(s.printed.find("not there any more") != std::string::npos);
}

asio::awaitable<int> never_asked() {
    co_return 0;
}

asio::awaitable<void> lose_pipe(remora::client& c, hostile_server& s) {
    auto pipe = co_await c.connect("echo");
    s.vanish_but_for_control();
    co_await pipe.receive<number>();
}

TEST_CASE("an app that hears of its server's death by a pipe removes the directory all the same") {
    for (const bool two : {false, true}) {  // as of two awaited with &&
        hostile_server s;
        s.passes_on = !two;
        s.passes_on_two = two;
        s.make_pipe("1");
        s.say(welcome_bytes());
        s.answers = {connected_bytes(1, "1")};
        s.serve([&](remora::client& c) { return lose_pipe(c, s); });
        CHECK(s.why.code == code(errc::server_gone));
        CHECK(s.code == 69);
        CHECK(run_directories() == 0);
    }
}

// Clang's check of objects' types reads their memory through a pipe of its own: without
// descriptors it takes every object for one of another type.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define REMORA_TEST_CHECKS_TYPES 1
#endif
#endif
#ifndef REMORA_TEST_CHECKS_TYPES
#define REMORA_TEST_CHECKS_TYPES 0
#endif

TEST_CASE("an app without descriptors to meet its server with says so, and ends with 69" *
          doctest::skip(REMORA_TEST_CHECKS_TYPES)) {
    const remora::detail::run_directory directory(run_parent());
    std::string words[] = {"app", "--remora.pipes=" + directory.path().string()};
    char* argv[] = {words[0].data(), words[1].data(), nullptr};
    int argc = 2;
    std::string printed;
    {
        const captured_errors errors(printed);
        const no_more_descriptors none;
        asio::io_context io;
        remora::client client{io, argc, argv};
        CHECK(client.run([](remora::client&) { return never_asked(); }) == 69);
    }
    CHECK_MESSAGE(printed.find("Too many open files") != std::string::npos, printed);
}

TEST_CASE("answers to questions that nobody has asked are passed over") {
    hostile_server s;
    s.say(welcome_bytes() + connected_bytes(1, "x"));
    s.answers = {connected_bytes(77, "x") + rejected_bytes(0, errc::stopping) +
                 rejected_bytes(1, errc::no_such_pipe) + connected_bytes(1, "control")};
    s.serve(connect);
    CHECK(s.why.code == code(errc::no_such_pipe));
    CHECK(s.why.has("connect to \"echo\""));
    CHECK(s.code == 0);
}

TEST_CASE("an offer of FIFOs that are not there fails the connection only") {
    for (const std::string base : {"nothing", "../../nothing", "", "a\nb"}) {
        CAPTURE(base);
        hostile_server s;
        s.say(welcome_bytes());
        s.answers = {connected_bytes(1, base), connected_bytes(2, base), connected_bytes(3, base),
                     rejected_bytes(4, errc::no_such_pipe)};
        failure first;
        s.serve([&](remora::client& c) { return connect_twice(c, first); });
        CHECK(first.code == std::errc::no_such_file_or_directory);
        CHECK(s.why.code == code(errc::no_such_pipe));
        CHECK(s.code == 0);
    }
}

TEST_CASE("a second client in a process is told that it is one") {
    hostile_server s;
    s.say(frame_bytes({.kind = frame_kind::goodbye}));
    s.serve([](remora::client&) { return never(); });
    asio::io_context io;
    int argc = 0;
    remora::client second{io, argc, nullptr};
    std::string printed;
    {
        const captured_errors errors(printed);
        CHECK(second.run([](remora::client&) { return never_asked(); }) == 69);
    }
    CHECK_MESSAGE(printed.find("a second client in one process") != std::string::npos, printed);
}

TEST_CASE("an app that opens a connection too late for its server asks for another one") {
    hostile_server s;
    s.make_pipe("2");
    s.say(welcome_bytes());
    s.answers = {connected_bytes(1, "1"), connected_bytes(2, "2")};
    s.serve(connect);
    CHECK_MESSAGE(!s.why.code, s.why.text);
    CHECK(s.code == 0);
}

// Sends so many characters.
asio::awaitable<void> send_text(remora::client& c, std::size_t length) {
    auto pipe = co_await c.connect("echo");
    co_await pipe.send<text>(std::string(length, 'x'));
}

TEST_CASE("an absurdly large limit in the welcome does not raise the client's") {
    hostile_server s;
    s.make_pipe("1");
    s.say(welcome_bytes(1, ~std::uint64_t(0)));
    s.answers = {connected_bytes(1, "1")};
    s.serve([](remora::client& c) { return send_text(c, 6000); });
    CHECK(s.why.code == code(errc::message_too_large));
    CHECK_MESSAGE(s.why.has("the limit is 5000"), s.why.text);
    CHECK(s.code == 0);
}

TEST_CASE("an app that is told to leave before it is welcomed leaves") {
    hostile_server s;
    s.say(frame_bytes({.kind = frame_kind::goodbye}));
    s.serve([](remora::client&) { return never(); });
    CHECK(s.code == 143);
}

}  // namespace
