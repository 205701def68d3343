// SPDX-License-Identifier: MIT
// Bytes by reference between a server and a real app.
#include "support/runs.hpp"

#include <remora/shared_bytes.hpp>

#include <algorithm>

namespace {

using namespace test;
using remora::shared_bytes;

/// Sends the negative of every picture back, and keeps the last of them.
struct negatives {
    shared_bytes last = {};
    int shared = 0;  ///< pictures that came, or left, by reference

    remora::server::service_function service() {
        return [this](remora::pipe p) { return serve(*this, std::move(p)); };
    }

private:
    static asio::awaitable<void> serve(negatives& self, remora::pipe p) {
        while (auto picture = co_await p.next<shared_bytes>()) {
            auto made = p.allocate(picture->size());
            std::ranges::transform(*picture, made.begin(), [](std::byte b) { return ~b; });
            self.last = std::move(*picture);
            self.shared += (self.last.is_shared() ? 1 : 0) + (made.is_shared() ? 1 : 0);
            const shared_bytes negative = std::move(made);
            co_await p.send(negative);
        }
    }
};

bool all_are(const shared_bytes& bytes, int value) {
    return std::ranges::all_of(bytes, [=](std::byte b) { return b == std::byte(value); });
}

TEST_CASE("images go by reference in both directions, many more than fit at a time") {
    served_run r({"pictures", "200"});
    negatives made;
    r.server.serve("pictures", made.service());
    CHECK(r.finish().code() == 0);
    CHECK(made.shared == (usual_transport() == remora::transport_kind::fifo ? 0 : 400));
    CHECK(all_are(made.last, 200));
    made.last = {};
    CHECK(r.is_clean());
}

TEST_CASE("where nothing may be lent images travel in the messages") {
    for (const std::uint64_t lent : {0u, 4096u, 100'000u}) {
        remora::server_options options;
        options.limits.lent = lent;
        served_run r({"pictures", "20"}, options);
        negatives made;
        r.server.serve("pictures", made.service());
        CHECK(r.finish().code() == 0);
        CHECK(made.shared == 0);
        made.last = {};
        CHECK(r.is_clean());
    }
}

TEST_CASE("what an app has sent stays readable when it is killed, and then goes") {
    served_run r({"pictures", "5", "killed"});
    negatives made;
    r.server.serve("pictures", made.service());
    CHECK(r.finish().code() == 137);
    CHECK(made.last.size() == 1u << 20);
    CHECK(all_are(made.last, 5));
    made.last = {};
    CHECK(r.is_clean());
}

TEST_CASE("a limit beyond what there can be is a bad option") {
    asio::io_context io;
    remora::server server{
        io, {.target = REMORA_TEST_APP, .limits = {.lent = (std::uint64_t{1} << 40) + 1}}};
    CHECK(failure_of([&] { server.start(); }).code == code(remora::errc::bad_option));
}

}  // namespace
