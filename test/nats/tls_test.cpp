// SPDX-License-Identifier: MIT
// Servers of NATS with TLS, and who connects to them.
#include "nats/certificates.hpp"
#include "nats/cluster.hpp"

#include <nats/nats.h>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::nats::connection_options;
using remora::nats::tls_options;

const certificates& made() {
    static const certificates all;
    return all;
}

std::vector<std::string> server_words() {
    return {"--tls", "--tlscert", made().pem("server"), "--tlskey", made().key("server")};
}

/// A server that asks for certificates of users.
std::vector<std::string> verifying_words() {
    auto words = server_words();
    words.insert(words.end(), {"--tlsverify", "--tlscacert", made().pem("ours")});
    return words;
}

/// How a user with these options comes out, of a server that was started with `words`.
failure refusal_of(const std::vector<std::string>& words, connection_options options) {
    asio::io_context io;
    const nats_server server(io.get_executor(), words);
    options.servers = {server.url()};
    const auto refused = refusal(options);
    CHECK(refused.code == code(errc::refused));
    CHECK(refused.has("connecting to \"" + server.url() + '"'));
    return refused;
}

TEST_CASE("calls go over TLS, with the certificate of a user where the server asks for it") {
    const tls_options as_anybody = {.authorities = made().pem("ours")};
    auto by_name = as_anybody, as_user = as_anybody;
    by_name.server_name = "nats.example";
    as_user.certificate = made().pem("user");
    as_user.key = made().key("user");
    check_served(server_words(), {.tls = as_anybody});
    check_served(server_words(), {.tls = by_name});
    check_served(verifying_words(), {.tls = as_user});
}

TEST_CASE("a server whose certificate is of another authority, or for another name, is refused") {
    const std::string advice = "see connection.tls.authorities, certificate, key and server_name";
    for (const auto& tls :
         {tls_options{},  // none of the system's
          tls_options{.authorities = made().pem("other")},
          tls_options{.authorities = made().pem("ours"), .server_name = "other.example"}}) {
        const auto refused = refusal_of(server_words(), {.tls = tls});
        CAPTURE(refused.text);
        CHECK(refused.has("handshake"));
        CHECK(refused.has(advice));
    }
}

TEST_CASE("a user without a certificate is refused where the server asks for one") {
    const auto refused =
        refusal_of(verifying_words(), {.tls = {.authorities = made().pem("ours")}});
    CAPTURE(refused.text);
    CHECK(refused.has("it may want connection.tls.certificate"));
}

TEST_CASE("a server without TLS is refused by who asks for it") {
    for (const auto& tls :
         {tls_options{.required = true}, tls_options{.authorities = made().pem("ours")}}) {
        const auto refused = refusal_of({}, {.tls = tls});
        CAPTURE(refused.text);
        CHECK(refused.has("the server has no TLS, which connection.tls asks for"));
    }
    asio::io_context io;
    const nats_server server(io.get_executor());
    const auto refused =
        refusal({.servers = {"tls" + server.url().substr(server.url().find(':'))}});
    CHECK(refused.has("the server has no TLS"));
}

TEST_CASE("a server with TLS that is stopped holds up nobody, and goes on") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const auto executor = io.get_executor();
        nats_server server(executor, server_words());
        const connection_options over_tls = {.servers = {server.url()},
                                             .tls = {.authorities = made().pem("ours")}};
        const remora::nats::gateway gateway(
            executor, {.service = "test", .connection = over_tls, .lost_after = 700ms});
        const remora::nats::worker worker(
            executor, worker_service(),
            {.service = "test", .connection = over_tls, .lost_after = 700ms});
        auto [app, front] = remora::make_pipe_pair(executor);
        front.attach(gateway.service());
        co_await reach_worker(app);
        const echo small{make_blob(1, 20'000)};
        std::vector<std::unique_ptr<background>> calls;
        int gone = 0;
        const auto ask = [&]() -> asio::awaitable<void> {
            const auto found = co_await outcome_of(app.call(small));
            if (found.kind == failure_kind::gone) ++gone;
        };
        server.signal(SIGSTOP);
        for (int i = 0; i != 4; ++i)
            calls.push_back(std::make_unique<background>(executor, ask()));
        for (const auto& call : calls)
            co_await call->result();
        CHECK(gone == 4);
        server.signal(SIGCONT);
        while (!(co_await outcome_of(app.call<add>(1, 1))).value)
            co_await pause(5ms);
    });
}

TEST_CASE("files of TLS that are missing are named, and half of a pair is refused") {
    const auto name = refusal({.tls = {.authorities = "/no/such/file"}});
    CHECK(name.code == code(errc::refused));
    CHECK(name.has("/no/such/file"));
    CHECK(refusal({.tls = {.certificate = "/no/such/file", .key = "/none"}}).has("/no/such/file"));
    CHECK(refusal({.tls = {.certificate = "a"}}).code == code(errc::bad_option));
    CHECK(refusal({.tls = {.key = "a"}}).code == code(errc::bad_option));
}

}  // namespace
