// SPDX-License-Identifier: MIT
// A proxy between a peer that writes its frames by hand and a service that is none the wiser.
#include "call/bare_peer.hpp"
#include "call/many_answers.hpp"
#include "call/proxied.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;

/// A bare peer before the proxy, and `server` behind it.
struct attacked {
    bare_peer& peer;
    pipe& front;
    pipe& back;
    pipe& server;
};
using attack = std::function<asio::awaitable<void>(attacked)>;

void through_proxy(const attack& body) {
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        auto [front, bare] = bare_pair(io);
        auto [back, server] = remora::make_pipe_pair(io);
        bare_peer peer(std::move(bare));
        server.attach(many_answers().on(add_all));
        front.attach(passing_to(back));
        co_await body({peer, front, back, server});
    });
}

std::string request(std::uint64_t id, std::uint64_t tag, const std::string& payload) {
    return bare_peer::frame_of(frame_kind::request, id, frame_header::of_sender, tag, payload);
}

/// That the service is called as ever.
asio::awaitable<void> check_unharmed(attacked a) {
    while (a.back.counts().calls + a.server.counts().running_handlers != 0)
        co_await settle();
    const auto fine = co_await a.back.call<add>(1, 1);
    CHECK(fine.value == 2);
}

TEST_CASE("a value that is none is refused by the service, through the proxy") {
    through_proxy([](attacked a) -> asio::awaitable<void> {
        const auto tag = remora::type_tag_of<add>();
        std::uint64_t id = 0;
        for (const std::string payload :
             {"", "x", "\x46\xff\xff\xff\xff", "\x40\xff\xff\xff\xff"}) {
            a.peer.write(request(++id, tag, payload));
            const auto answer = co_await a.peer.next(frame_kind::failure);
            CHECK(answer.header.id == id);
        }
        a.peer.write(request(++id, 12345, "x"));
        const auto unknown = co_await a.peer.next(frame_kind::failure);
        CHECK(unknown.as<odd_failure>().kind == static_cast<int>(failure_kind::unknown_request));
        a.peer.write(request(++id, 0, ""));
        co_await a.peer.next(frame_kind::failure);
        co_await check_serving(a.front, a.peer, ++id);
        co_await check_unharmed(a);
    });
}

TEST_CASE("an upload beyond its credit ends the peer's connection alone") {
    through_proxy([](attacked a) -> asio::awaitable<void> {
        a.peer.write_request(1, wait_for_ever{});
        for (int i = 0; i != 20 && a.front.is_open(); ++i) {
            a.peer.write(blob_item(1, 30'000, frame_header::of_sender));
            for (int turns = 0; turns != 10; ++turns)
                co_await settle();
        }
        co_await check_closed(a.front, a.peer, errc::protocol_error, "more than its credit");
        co_await check_unharmed(a);
    });
}

TEST_CASE("items after the end of an upload end the peer's connection alone") {
    through_proxy([](attacked a) -> asio::awaitable<void> {
        a.peer.write_request(1, wait_for_ever{});
        a.peer.write_item(1, 1, frame_header::of_sender);
        a.peer.write_empty(frame_kind::end, 1, frame_header::of_sender);
        a.peer.write_item(1, 1, frame_header::of_sender);
        co_await check_closed(a.front, a.peer, errc::protocol_error, "after the end");
        co_await check_unharmed(a);
    });
}

TEST_CASE("an upload whose items have several types is passed on as it is") {
    through_proxy([](attacked a) -> asio::awaitable<void> {
        a.peer.write_request(1, add_up{});
        a.peer.write_item(1, 1, frame_header::of_sender);
        a.peer.write(bare_peer::frame_of(frame_kind::item, 1, frame_header::of_sender,
                                         remora::type_tag_of<sum>(), payload_of(sum{1})));
        const auto failed = co_await a.peer.next(frame_kind::failure);
        CHECK(failed.as<odd_failure>().code == static_cast<int>(errc::type_mismatch));
        co_await check_unharmed(a);
    });
}

TEST_CASE("more names of types than a pipe carries fail calls at the proxy, and no pipe") {
    through_proxy([](attacked a) -> asio::awaitable<void> {
        const std::size_t most = remora::detail::most_names - 1;
        auto [other, front] = remora::make_pipe_pair(a.front.get_executor());
        front.attach(passing_to(a.back));
        for (pipe* const from : {&other, &a.back}) {  // half of them each
            for (std::size_t i = 0; i != most / 2; ++i) {
                const remora::any_value odd(
                    "odd" + std::to_string(i) + (from == &other ? "a" : "b"), {});
                const auto refused = co_await failure_of(from->call_bytes(odd));
                REQUIRE(refused.code == code(errc::unknown_request));
            }
        }
        const auto before = co_await a.back.call<add>(1, 1);
        CHECK(before.value == 2);
        const remora::any_value more("one more", {}), last("the last", {});
        CHECK((co_await failure_of(other.call_bytes(more))).code == code(errc::overloaded));
        CHECK((co_await failure_of(a.back.call_bytes(last))).code == code(errc::overloaded));
        co_await check_unharmed(a);
    });
}

/// That a failure which comes from behind the proxy leaves it before it, with a text that is cut.
asio::awaitable<void> check_passed(bare_peer& caller, bare_peer& service, odd_failure what) {
    caller.write_request(what.kind, add{1, 1});
    const auto id = co_await service.next_call();
    service.write(bare_peer::frame_of(frame_kind::failure, id, 0, 0, payload_of(what)));
    const auto f = co_await caller.next(frame_kind::failure);
    const auto got = f.as<odd_failure>();
    CHECK(got.kind == what.kind);
    CHECK(got.category == what.category);
    CHECK(got.code == what.code);
    CHECK(got.text == what.text.substr(0, 1024));
}

TEST_CASE("kinds, categories and codes of failures that a proxy does not know pass it") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [front, app] = bare_pair(io);
        auto [back, server] = bare_pair(io);
        bare_peer caller(std::move(app)), service(std::move(server));
        front.attach(passing_to(back));
        const odd_failure kind{9, 1, 9999, "odd"}, category{10, 7, 3, ""},
            large{200, 0, 0, std::string(3000, 'y')};
        co_await check_passed(caller, service, kind);
        co_await check_passed(caller, service, category);
        co_await check_passed(caller, service, large);
    });
}

asio::awaitable<void> keep_answer(pipe& p, const remora::any_value& q,
                                  std::optional<remora::any_answer>& into) {
    auto answer = co_await p.call_bytes(q);
    into.emplace(std::move(answer));
}

TEST_CASE("a reply after items ends the connection of the service that sends it") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [back, bare] = bare_pair(io);
        bare_peer peer(std::move(bare));
        const auto q = remora::any_value::of(count_up{3});
        std::optional<remora::any_answer> answer;
        background call(back.get_executor(), keep_answer(back, q, answer));
        const auto id = co_await peer.next_call();
        peer.write_item(id, 1);
        co_await call.result();
        REQUIRE(answer);
        CHECK(answer->items() != nullptr);
        peer.write_reply(id, 1);
        co_await check_closed(back, peer, errc::protocol_error, "");
    });
}

}  // namespace
