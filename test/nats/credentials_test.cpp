// SPDX-License-Identifier: MIT
// Users of NATS: with a password, a token, a key, or a file of credentials, and wrong ones.
#include "nats/cluster.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::nats::connection_options;

const std::string files = REMORA_TEST_NATS_FILES;

TEST_CASE("a user with a password, in the options or in the URL, is served") {
    const std::vector<std::string> words = {"--user", "me", "--pass", "secret"};
    check_served(words, {.user = "me", .password = "secret"});
    asio::io_context io;
    const nats_server server(io.get_executor(), words);
    const auto url = "nats://me:secret@" + server.url().substr(server.url().find("://") + 3);
    CHECK(refusal({.servers = {url}}).text.empty());
}

TEST_CASE("a token is served") {
    check_served({"--auth", "secret"}, {.token = "secret"});
}

TEST_CASE("a user with a key is served") {
    check_served({"-c", files + "/nkey.conf"},
                 {.nkey = "UDYPLZPQQZUPGQLOGKHNPIJVOEDG75PJ6SE4KCJVDFKCQQBWNHEJBEHD",
                  .nkey_seed = files + "/user.nk"});
}

TEST_CASE("a user with a file of credentials is served") {
    check_served({"-c", files + "/operator.conf"}, {.credentials = files + "/user.creds"});
}

TEST_CASE("who is refused is told where, why, and what to look at, but no password") {
    asio::io_context io;
    const nats_server server(io.get_executor(), {"--user", "me", "--pass", "secret"});
    const auto host = server.url().substr(server.url().find("://") + 3);
    for (const auto& options :
         {connection_options{.servers = {server.url()}},
          connection_options{.servers = {server.url()}, .user = "me", .password = "wrong"},
          connection_options{.servers = {server.url()}, .token = "wrong"},
          connection_options{.servers = {"nats://me:wrong@" + host}},
          connection_options{.servers = {server.url()}, .credentials = files + "/user.creds"}}) {
        const auto refused = refusal(options);
        CAPTURE(refused.text);
        CHECK(refused.code == code(errc::refused));
        CHECK(refused.has("connecting to \"nats://" + host + '"'));
        CHECK(refused.has("uthorization"));
        CHECK(refused.has("see connection.user, token, credentials and nkey"));
        CHECK(!refused.has("wrong"));
    }
}

TEST_CASE("a URL that is wrong does not tell its password") {
    for (const auto* const url :
         {"nats://me:s3cret", "nats://me:s3cret]", "nats://me:s3cret:99", "nats://me:s3cret/a:1",
          "nats://[me:s3cret]", "nats://me:s3cret%@127.0.0.1:1"}) {
        const auto refused = refusal({.servers = {url}});
        CAPTURE(refused.text);
        CHECK(refused.code == code(errc::refused));
        CHECK(refused.has("nats"));
        CHECK(!refused.has("s3cret"));
    }
}

TEST_CASE("a server that is not there is told with its port") {
    for (const auto* const url : {"nats://127.0.0.1:1/", "nats://me:secret@127.0.0.1:1"})
        CHECK(refusal({.servers = {url}}).has("connecting to \"nats://127.0.0.1:1\""));
    CHECK(refusal({.servers = {"nats://[::1]:1"}}).has("connecting to \"nats://[::1]:1\""));
}

TEST_CASE("a file of credentials or of a key that is missing is named") {
    asio::io_context io;
    const nats_server server(io.get_executor(), {"-c", files + "/operator.conf"});
    for (auto options : {connection_options{.credentials = "/no/such/file"},
                         connection_options{.nkey = "UDYP", .nkey_seed = "/no/such/file"}}) {
        options.servers = {server.url()};
        const auto refused = refusal(options);
        CAPTURE(refused.text);
        CHECK(refused.code == code(errc::refused));
        CHECK(refused.has("/no/such/file"));
    }
}

TEST_CASE("options of a user that contradict each other are refused") {
    for (const auto& options :
         {connection_options{.user = "me", .token = "secret"},
          connection_options{.token = "a", .credentials = "b"},
          connection_options{.user = "me", .nkey = "U", .nkey_seed = "b"},
          connection_options{.password = "secret"}, connection_options{.nkey = "U"},
          connection_options{.nkey_seed = "b"}})
        CHECK(refusal(options).code == code(errc::bad_option));
}

}  // namespace
