// SPDX-License-Identifier: MIT
// The express line: a message on it is whole and the next one, or is not taken; and who takes it.
#include "support/pairs.hpp"

#include "transport/shared_memory.hpp"
#include "wire/control_records.hpp"

#include <random>
#include <thread>

namespace {

using namespace test;
using remora::errc;
using remora::detail::express_line;
using remora::detail::transport;
using remora::detail::transport_parts;
using line_bytes = std::array<std::byte, express_line::capacity>;

std::span<const std::byte> as_line(std::string_view text) {
    return std::as_bytes(std::span(text));
}
std::string string_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
// What the line has that begins there.
std::string on_line(const express_line& line, std::uint64_t begin) {
    line_bytes bytes{};
    return string_of(std::span(bytes).first(line.take(begin, bytes.data())));
}

TEST_CASE("a line has the bytes from one place on, and none from any other") {
    const auto line = std::make_unique<express_line>();
    CHECK(on_line(*line, 0).empty());
    const std::string most(express_line::capacity, 'm');
    for (const std::string& text : {std::string("a"), std::string("question"), most}) {
        const std::uint64_t begin = 1'000'000'007;
        line->put(as_line(text), begin + text.size());
        CHECK(on_line(*line, begin) == text);
        CHECK(on_line(*line, begin - 1).empty());
        CHECK(on_line(*line, begin + 1).empty());
        CHECK(on_line(*line, begin + text.size()).empty());
    }
}

TEST_CASE("the bytes of the express line are those of the protocol's document") {
    auto [one, other] = make_shared_ends(4096);
    down_express(one.rings).put(as_line("abc"), 0x0102);
    const auto* const page = static_cast<const unsigned char*>(other.rings.page());
    CHECK(std::string(page + 1536, page + 1548) == std::string("\x03\x02\x01\0\0\0\0\0abc\0", 12));
}

TEST_CASE("a stamp that is none makes nothing be read") {
    auto [one, other] = make_shared_ends(4096);
    auto& stamp = reinterpret_cast<std::atomic<std::uint64_t>&>(down_express(one.rings));
    std::mt19937_64 random(1);
    for (int i = 0; i != 100'000; ++i) {
        const std::uint64_t begin = random() >> random() % 64;
        stamp = begin << 8 | random() % 256;
        CHECK_MESSAGE(on_line(down_express(one.rings), begin).empty(), stamp);
        stamp = (begin + 57) << 8 | 57;
        CHECK_MESSAGE(on_line(down_express(one.rings), begin).empty(), stamp);
    }
}

TEST_CASE("a line that is written while it is read is not taken") {
    const auto line = std::make_unique<express_line>();
    const auto& stamp = reinterpret_cast<const std::atomic<std::uint64_t>&>(*line);
    std::atomic<bool> done = false;
    std::thread writer([&] {
        for (unsigned i = 1; !done; ++i) {
            const std::string text(express_line::capacity, static_cast<char>(i));
            line->put(as_line(text), std::uint64_t{i} * express_line::capacity);
        }
    });
    int taken = 0;
    bool torn = false;
    while (taken < 100'000 && !torn) {
        const std::string text = on_line(*line, (stamp.load() >> 8) - express_line::capacity);
        torn = text.find_first_not_of(text.substr(0, 1)) != text.npos;
        taken += text.empty() ? 0 : 1;
    }
    done = true;
    writer.join();
    CHECK(!torn);
}

TEST_CASE("a reader may be ahead of the head by the express line, and not by more") {
    auto [one, other] = make_shared_ends(4096);
    auto writer = one.rings.writer();
    auto reader = other.rings.reader();
    auto& head = down_indices(one.rings).head;
    line_bytes bytes{};
    writer.write(as_line("first"), true);
    head = 0;  // as before the writer has shown it
    REQUIRE(reader.read_express(bytes.data()) == 5);
    reader.release_now(5);
    CHECK(reader.unread().empty());
    CHECK(!reader.must_wake(false));
    head = 5;
    CHECK(reader.unread().empty());
    writer.write(as_line("second"));
    CHECK(string_of(reader.unread()) == "second");
    head = 5 + 4097;
    CHECK(failure_of([&] { reader.unread(); }).code == code(errc::protocol_error));
}

// Two ends of a connection, without anything above.
struct bare_ends {
    asio::io_context io;
    std::unique_ptr<transport> server, app;
    express_line *down, *up;

    explicit bare_ends(std::uint64_t features = remora::wire::express) {
        auto [one, other] = make_shared_ends(4096);
        down = &down_express(one.rings);
        up = down - 1;
        server = remora::detail::make_transport(io.get_executor(), std::move(one));
        app = remora::detail::make_transport(io.get_executor(), std::move(other));
        server->set_features(features);
        app->set_features(features);
    }
    static std::string take(transport& from) {
        from.fetch(1);
        const std::string text = string_of(from.input());
        from.consume(text.size());
        return text;
    }
    std::string ask(std::string_view question) {
        app->write(as_line(question));
        return take(*server);
    }
    std::string answer(std::string_view text) {
        server->write(as_line(text));
        return take(*app);
    }
};

TEST_CASE("the first answer takes the express line, and nothing else does") {
    bare_ends ends;
    CHECK(ends.ask("question") == "question");
    CHECK(on_line(*ends.up, 0).empty());  // it answers nothing
    CHECK(ends.answer("answer") == "answer");
    CHECK(on_line(*ends.down, 0) == "answer");
    CHECK(ends.answer("one more") == "one more");
    CHECK(on_line(*ends.down, 6).empty());
    CHECK(ends.ask("again") == "again");
    CHECK(on_line(*ends.up, 8) == "again");
    CHECK(ends.answer(std::string(57, 'l')) == std::string(57, 'l'));
    CHECK(on_line(*ends.down, 14).empty());
}

TEST_CASE("ends that have not agreed on it do without the express line") {
    bare_ends ends(0);
    CHECK(ends.ask("question") == "question");
    CHECK(ends.answer("answer") == "answer");
    CHECK(on_line(*ends.down, 0).empty());
}

TEST_CASE("who has asked reads the answer from the express line") {
    bare_ends ends;
    ends.ask("question");
    ends.server->write(as_line("answer"));
    ends.down->put(as_line("edited"), 6);  // by a server that means ill, to itself
    CHECK(ends.take(*ends.app) == "edited");
    CHECK(ends.answer("next") == "next");
}

TEST_CASE("an answer in the ring alone is found, by a fetch at once and by a poll soon") {
    for (const bool polls : {false, true}) {
        bare_ends ends;
        for (int i = 0; i != 300; ++i) {
            const std::string text = "answer " + std::to_string(i);
            ends.ask("question");
            ends.server->write(as_line(text));
            ends.down->put(as_line("?"), 0);  // gone
            auto found = transport::fetched::nothing;
            int looks = 0;
            while (found == transport::fetched::nothing && ++looks <= 16)
                found = polls ? ends.app->poll(1) : ends.app->fetch(1);
            REQUIRE(looks <= (polls ? 16 : 1));
            REQUIRE(string_of(ends.app->input()) == text);
            ends.app->consume(text.size());
        }
    }
}

}  // namespace
