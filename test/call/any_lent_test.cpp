// SPDX-License-Identifier: MIT
// Bytes by reference in what a proxy passes on: they are its connection's, and travel from there.
#include "call/outcome.hpp"
#include "call/proxied.hpp"

#include "call/any_access.hpp"

#include <remora/shared_bytes.hpp>

#include <cereal/types/vector.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::pipe;
using remora::shared_bytes;

struct slide {
    std::uint32_t number = 0;
    std::vector<shared_bytes> layers;
};
struct negative_of {
    using reply = slide;
    slide positive;
};
struct slides {
    using reply = remora::stream<slide>;
    using upload = slide;
    bool unused = false;
};

shared_bytes layer_of(pipe& p, std::uint8_t with, std::size_t count = 8192) {
    auto made = p.allocate(count);
    std::ranges::fill(made, std::byte{with});
    return made;
}

slide negative(pipe& p, const slide& positive) {
    slide made{positive.number + 1, {}};
    for (const auto& layer : positive.layers) {
        auto bytes = p.allocate(layer.size());
        std::ranges::transform(layer, bytes.begin(), [](std::byte b) { return ~b; });
        made.layers.emplace_back(std::move(bytes));
    }
    return made;
}

remora::generator<slide> negatives(pipe& p, remora::stream<slide> positives) {
    while (const auto s = co_await positives.next()) {
        const slide made = negative(p, *s);
        co_yield made;
    }
}

remora::service darkroom(pipe& p) {
    remora::service s;
    s.on([&p](const negative_of& q) { return negative(p, q.positive); });
    s.on([&p](slides, remora::stream<slide> all) { return negatives(p, std::move(all)); });
    return s;
}

remora::generator<slide> three_slides(pipe& p) {
    for (std::uint32_t i = 0; i != 3; ++i) {
        const slide next{i, {layer_of(p, static_cast<std::uint8_t>(i)), layer_of(p, 9, 5000)}};
        co_yield next;
    }
}

/// Everything that `p` can lend is free.
bool is_all_free(pipe& p, bool lends) {
    return !lends || p.allocate(1u << 20).is_shared();
}

TEST_CASE("through a proxy bytes by reference arrive, and their memory is used again") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(darkroom(p.server));
        const bool near = layer_of(p.app, 1).is_shared(), far = layer_of(p.server, 1).is_shared();
        {
            const negative_of q{{1, {layer_of(p.app, 0x0f), layer_of(p.app, 0xff, 100'000)}}};
            const auto got = co_await p.app.call(q);
            CHECK(got.number == 2);
            REQUIRE(got.layers.size() == 2);
            CHECK(got.layers[0].copy() == std::vector<std::byte>(8192, std::byte{0xf0}));
            CHECK(got.layers[1].copy() == std::vector<std::byte>(100'000));
        }
        {
            const slides q;
            auto all = co_await p.app.stream(q, three_slides(p.app));
            std::uint32_t count = 0;
            while (const auto s = co_await all.next()) {
                CHECK(s->number == ++count);
                CHECK(s->layers[1].copy() == std::vector<std::byte>(5000, std::byte{0xf6}));
            }
            CHECK(count == 3);
        }
        co_await p.settled();
        CHECK(is_all_free(p.app, near));
        CHECK(is_all_free(p.server, far));
    });
}

TEST_CASE("bytes by reference that are larger than a message fail the call at the proxy, no more") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = lending_pair(io, 32u << 20);
        auto [back, server] = lending_pair(io, 32u << 20);
        server.attach(darkroom(server));
        front.attach(passing_to(back));
        {
            const negative_of large{{1, {layer_of(app, 1, 17u << 20)}}};
            REQUIRE(large.positive.layers[0].is_shared());
            const auto failed = co_await outcome_of(app.call(large));
            CHECK(failed.kind == remora::failure_kind::failed);
            CHECK(failed.code == errc::message_too_large);
            CHECK(failed.message.find("the limit is 16777216") != std::string::npos);
        }
        const negative_of fits{{1, {layer_of(app, 1, 8u << 20)}}};
        const auto got = co_await app.call(fits);
        CHECK(got.layers[0].size() == 8u << 20);
    });
}

TEST_CASE("the limit of a pipe on which a few bytes came by reference is not one of later values") {
    namespace detail = remora::detail;
    asio::io_context io;
    auto [one, other] = test::make_connected_ends();
    const auto end = std::make_shared<detail::pipe_end>(
        io.get_executor(), detail::make_transport(io.get_executor(), {.fifo = std::move(one)}),
        "pair", remora::pipe_limits{.message = 4096}, errc::broken_pipe,
        remora::wait_policy::block);
    const shared_bytes few(std::as_bytes(std::span("few")));
    const detail::block_ref loans[] = {detail::block_access::of(few)};
    const unsigned char reference[] = {0x40, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    {
        const auto value =
            detail::any_access::make_value(*end, 1, std::as_bytes(std::span(reference)), loans);
        CHECK(value.bytes().size() == 5 + few.size());
    }
    const std::vector<std::byte> large(5000);
    CHECK(remora::any_value("large", large).bytes().size() == 5000);
}

}  // namespace
