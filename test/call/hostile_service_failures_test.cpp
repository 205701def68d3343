// SPDX-License-Identifier: MIT
// A pipe that calls, against a peer that answers with failures which no service sends.
#include "call/bare_peer.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;

/// How a call fails that is answered so; the pipe lives.
asio::awaitable<outcome<sum>> failed_with(pipe& p, bare_peer& peer, std::uint8_t kind,
                                          std::uint8_t category, std::int32_t code,
                                          std::string text) {
    const odd_failure what{kind, category, code, std::move(text)};
    calling call(p, add{1, 1});
    const auto id = co_await peer.next_call();
    peer.write(bare_peer::frame_of(frame_kind::failure, id, 0, 0, payload_of(what)));
    const auto answer = co_await call.finish();
    co_await check_calling(p, peer);
    co_return answer;
}

TEST_CASE("a failure of an unknown kind, category or code is a failure all the same") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        for (const std::uint8_t kind : {0, 7, 255}) {
            const auto failed = co_await failed_with(p, peer, kind, 0, 0, "odd");
            CHECK(failed.kind == failure_kind::failed);
            CHECK(failed.code == errc::handler_failed);
            CHECK(failed.message == R"("odd")");
        }
        const auto category = co_await failed_with(p, peer, 1, 200, 5, "");
        CHECK(category.code == errc::handler_failed);
        CHECK(category.message == "");
        for (const std::int32_t code : {-1, 10'000, std::numeric_limits<std::int32_t>::min()}) {
            const auto unknown = co_await failed_with(p, peer, 2, 1, code, "");
            CHECK(unknown.kind == failure_kind::overloaded);
            CHECK(unknown.code == errc::overloaded);
        }
    });
}

TEST_CASE("a failure never has the code of success") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        const std::pair<std::uint8_t, errc> codes[] = {
            {1, errc::handler_failed}, {2, errc::overloaded}, {3, errc::unknown_request},
            {4, errc::closed},         {5, errc::cancelled},  {6, errc::timed_out}};
        for (const auto& [kind, code] : codes) {
            for (const std::uint8_t category : {0, 1, 2, 3, 9}) {
                const auto failed = co_await failed_with(p, peer, kind, category, 0, "");
                CHECK(failed.kind == static_cast<failure_kind>(kind));
                CHECK(failed.code == code);
            }
        }
    });
}

TEST_CASE("the codes of the system's categories arrive as they are") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        const auto generic = co_await failed_with(p, peer, 1, 2, 28, "");
        CHECK(generic.code == std::error_code(28, std::generic_category()));
        const auto system = co_await failed_with(p, peer, 1, 3, -7, "");
        CHECK(system.code == std::error_code(-7, std::system_category()));
        const auto remora = co_await failed_with(p, peer, 1, 1, 16, "");
        CHECK(remora.code == errc::bad_value);
    });
}

TEST_CASE("the text of a failure is cut, quoted and escaped") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        const auto huge = co_await failed_with(p, peer, 1, 0, 0, std::string(40'000, 'x'));
        CHECK(huge.message == '"' + std::string(1024, 'x') + "...\"");
        const auto odd =
            co_await failed_with(p, peer, 1, 0, 0, std::string("\x1b[2J\"\\\n\x9b\0z", 10));
        CHECK(odd.message == R"("\x1b[2J\"\\\n\x9b\x00z")");
        CHECK(odd.text.find(odd.message) != std::string::npos);
        CHECK(odd.text.find('\x1b') == std::string::npos);
    });
}

TEST_CASE("a failure that does not decode ends the conversation, and fails the call") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write(bare_peer::frame_of(frame_kind::failure, id));
        const auto answer = co_await call.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::truncated);
        co_await check_closed(p, peer, errc::truncated, "");
    });
}

}  // namespace
