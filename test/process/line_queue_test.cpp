// SPDX-License-Identifier: MIT
#include "process/line_queue.hpp"

#include "support/support.hpp"

#include <vector>

namespace {

using remora::detail::line_queue;

std::vector<std::string> all_of(line_queue& lines) {
    std::vector<std::string> result;
    while (!lines.empty())
        result.push_back(lines.pop());
    return result;
}

using words = std::vector<std::string>;

TEST_CASE("lines are the same however their bytes come") {
    const std::string text = "one\n\ntwo\r\nthree";
    for (std::size_t part = 1; part <= text.size(); ++part) {
        CAPTURE(part);
        line_queue lines;
        for (std::size_t at = 0; at < text.size(); at += part)
            lines.add(std::string_view(text).substr(at, part));
        CHECK(all_of(lines) == words{"one", "", "two\r"});
        lines.finish();
        CHECK(all_of(lines) == words{"three"});
    }
}

TEST_CASE("a line that is too long comes in pieces, and no line is added to it") {
    constexpr std::size_t most = line_queue::longest_line;
    for (const std::size_t part : {std::size_t{1}, most - 1, most, most + 1, 3 * most}) {
        CAPTURE(part);
        const std::string text =
            std::string(most, 'a') + "\n" + std::string(most + 1, 'b') + "\nend\n";
        line_queue lines;
        for (std::size_t at = 0; at < text.size(); at += part)
            lines.add(std::string_view(text).substr(at, part));
        lines.finish();
        CHECK(all_of(lines) == words{std::string(most, 'a'), std::string(most, 'b'), "b", "end"});
        CHECK(lines.dropped() == 0);
    }
}

TEST_CASE("without room lines are dropped and counted until half of the room is free") {
    line_queue lines;
    const std::string line(1000, 'x');
    std::size_t added = 0;
    for (; lines.dropped() == 0; ++added)
        lines.add(line + "\n");
    std::size_t kept = added - 1;
    CHECK(kept * (line.size() + 1) <= line_queue::capacity);
    CHECK(lines.take_gap() == 0);  // it is not over
    lines.pop();
    lines.add("dropped\n");
    CHECK(lines.dropped() == 2);
    for (--kept; lines.take_gap() == 0; --kept)
        lines.pop();
    CHECK(kept >= 2);
    lines.add("taken\n");
    CHECK(lines.dropped() == 2);
    CHECK(all_of(lines).back() == "taken");
}

TEST_CASE("empty lines take room, too") {
    line_queue lines;
    lines.add(std::string(line_queue::capacity, '\n'));
    CHECK(lines.dropped() > 0);
    const std::uint64_t dropped = lines.dropped();
    CHECK(all_of(lines).size() + dropped == line_queue::capacity);
}

TEST_CASE("what is dropped at the end is a gap that is over") {
    line_queue lines;
    lines.add("one\ntwo\nthree");
    lines.finish();
    lines.drop_all();
    CHECK(lines.empty());
    CHECK(lines.take_gap() == 3);
    CHECK(lines.take_gap() == 0);
    CHECK(lines.dropped() == 3);
}

}  // namespace
