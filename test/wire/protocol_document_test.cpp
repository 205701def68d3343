// SPDX-License-Identifier: MIT
// lib/wire/protocol.md, compared with what the library does.
#include "support/document.hpp"
#include "support/pairs.hpp"
#include "support/runs.hpp"
#include "support/wire_bytes.hpp"

#include <remora/service.hpp>

#include <algorithm>

using namespace test;

namespace {

using remora::errc;
using remora::pipe;

struct answer {
    std::int32_t value = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

struct question {
    using reply = answer;
    std::int32_t a = 0, b = 0;
    std::string op;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

answer solve(const question& q) {
    if (q.op != "+") throw std::runtime_error("what?");
    return {q.a + q.b};
}

asio::awaitable<void> answer_messages(pipe p) {
    while (const auto q = co_await p.next<question>())
        co_await p.send<answer>(solve(*q).value);
}

asio::awaitable<void> ask_by_message(pipe& p, int& value) {
    co_await p.send<question>(5, 4, std::string("+"));
    const auto a = co_await p.receive<answer>();
    value = a.value;
    co_await p.close();
}

asio::awaitable<void> ask_by_call(pipe& p, std::string op, std::string& said) {
    try {
        const auto a = co_await p.call<question>(5, 4, std::move(op));
        said = std::to_string(a.value);
    } catch (const remora::remote_error& e) {
        said = e.message();
    }
}

/// What the document's trace has on one pipe from one side.
bytes traced(std::string_view name, bool by_app) {
    bytes all;
    for (const auto& f : traced_frames()) {
        if (f.pipe == name && f.by_app == by_app)
            all.insert(all.end(), f.bytes.begin(), f.bytes.end());
    }
    return all;
}

std::string hex(std::string_view text) {
    const auto raw = std::as_bytes(std::span(text));
    return to_hex({raw.begin(), raw.end()});
}

constexpr std::size_t window_size = frame_header::size + 9;

std::string heard(const remora::detail::fifo_ends& ends) {
    return to_hex(read_bytes(ends));
}

TEST_CASE("a server answers the app of the document's trace as it stands there") {
    remora::server_options options;
    options.target = REMORA_TEST_ADVERSARY;
    options.start_timeout = patience;
    served_run run({"follows the document"}, std::move(options));
    run.server.serve("maths", answer_messages);
    remora::service calls;
    calls.on(solve);
    run.server.serve("calls", calls);
    CHECK(run.finish().code() == 0);
    CHECK(run.is_clean());
}

TEST_CASE("the control frames of the document's app are those that the library encodes") {
    const remora::wire::hello words{.max_message = 16u << 20, .pid = 4711};
    const std::string expected = frame_with(frame_kind::hello, 0, words, remora::wire::magic) +
                                 connect_bytes(1, "maths") + connect_bytes(2, "calls") +
                                 frame_bytes({.kind = frame_kind::close});
    CHECK(to_hex(traced("control", true)) == hex(expected));
}

TEST_CASE("the messages of the document's app are those of a pipe, and so are their answers") {
    asio::io_context io;
    auto [mine, peer] = bare_pair(io);
    write_bytes(peer, traced("1", false));
    int value = 0;
    asio::co_spawn(io, ask_by_message(mine, value), asio::detached);
    io.poll();
    CHECK(hex(open_bytes(1)) + heard(peer) == to_hex(traced("1", true)));
    CHECK(value == 9);
}

TEST_CASE("the calls of the document's app are those of a pipe, and so are their answers") {
    asio::io_context io;
    auto [mine, peer] = bare_pair(io);
    std::string one, other;
    const bytes said = traced("2", false);
    write_bytes(peer, std::span(said).first(window_size));
    asio::co_spawn(io, ask_by_call(mine, "+", one), asio::detached);
    asio::co_spawn(io, ask_by_call(mine, "?", other), asio::detached);
    io.poll();
    const std::string asked = heard(peer);
    write_bytes(peer, std::span(said).subspan(window_size));
    io.restart();
    io.poll();
    mine = pipe();
    io.restart();
    io.poll();
    CHECK(hex(open_bytes(2)) + asked + heard(peer) == to_hex(traced("2", true)));
    CHECK(one == "9");
    CHECK(other == "\"what?\"");
}

/// The words of a row of one of the document's tables, "| 1 | no_server | ...".
std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    for (std::size_t at = line.find('|'), next = 0; at != std::string::npos; at = next) {
        next = line.find('|', at + 1);
        if (next == std::string::npos) break;
        auto cell = line.substr(at + 1, next - at - 1);
        std::erase_if(cell, [](char c) { return c == ' ' || c == '`'; });
        cells.push_back(cell);
    }
    return cells;
}

const std::vector<std::pair<errc, std::string>> codes{
    {errc::no_server, "no_server"},
    {errc::server_gone, "server_gone"},
    {errc::app_gone, "app_gone"},
    {errc::refused, "refused"},
    {errc::version_mismatch, "version_mismatch"},
    {errc::start_timeout, "start_timeout"},
    {errc::no_such_pipe, "no_such_pipe"},
    {errc::bad_name, "bad_name"},
    {errc::closed, "closed"},
    {errc::broken_pipe, "broken_pipe"},
    {errc::receive_in_progress, "receive_in_progress"},
    {errc::timed_out, "timed_out"},
    {errc::type_mismatch, "type_mismatch"},
    {errc::field_mismatch, "field_mismatch"},
    {errc::truncated, "truncated"},
    {errc::bad_value, "bad_value"},
    {errc::over_budget, "over_budget"},
    {errc::too_deep, "too_deep"},
    {errc::message_too_large, "message_too_large"},
    {errc::protocol_error, "protocol_error"},
    {errc::service_failed, "service_failed"},
    {errc::stopping, "stopping"},
    {errc::already_running, "already_running"},
    {errc::bad_option, "bad_option"},
    {errc::overloaded, "overloaded"},
    {errc::no_transport, "no_transport"},
    {errc::handler_failed, "handler_failed"},
    {errc::unknown_request, "unknown_request"},
    {errc::cancelled, "cancelled"}};

TEST_CASE("the document has the number of every code") {
    std::vector<std::string> rows;
    for (const auto& line : lines_below("### Codes")) {
        const auto cells = cells_of(line);
        if (cells.size() == 3 && std::isdigit(cells[0][0])) rows.push_back(cells[0] + cells[1]);
    }
    std::vector<std::string> expected;
    for (const auto& [code, name] : codes)
        expected.push_back(std::to_string(static_cast<int>(code)) + name);
    CHECK(rows == expected);
    const auto next = static_cast<std::int32_t>(codes.size()) + 1;
    CHECK_MESSAGE(!remora::wire::close_reason::known(next),
                  "a new code: add it to lib/wire/protocol.md");
}

}  // namespace
