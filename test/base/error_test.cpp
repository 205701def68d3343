// SPDX-License-Identifier: MIT
#include "base/error_text.hpp"
#include "base/path_text.hpp"
#include "support/support.hpp"

#include <remora/call.hpp>
#include <remora/event.hpp>
#include <remora/transport.hpp>

#include <set>

TEST_CASE("an error carries its code and where it happened") {
    const remora::error e(remora::errc::no_such_pipe, "pipe \"maths\"");
    CHECK(e.code() == test::code(remora::errc::no_such_pipe));
    CHECK(std::string(e.what()) == "pipe \"maths\": no such pipe");
}

TEST_CASE("a time limit is told in the largest unit that has a whole one of it") {
    using namespace std::chrono_literals;
    using remora::detail::duration_text;
    CHECK(duration_text(100ms) == "100 ms");
    CHECK(duration_text(1500ms) == "1.5 s");
    CHECK(duration_text(1h) == "3600 s");
    CHECK(duration_text(2'030us) == "2.03 ms");
    CHECK(duration_text(1'000'000'001ns) == "1 s");
    CHECK(duration_text(999us) == "999 us");
    CHECK(duration_text(0ns) == "0 ns");
}

TEST_CASE("a path is told without dots and slashes that say nothing") {
    using remora::detail::path_text;
    CHECK(path_text("/a//b/./c") == "/a/b/c");
    CHECK(path_text("./build//app") == "build/app");
    CHECK(path_text("./app") == "./app");
    CHECK(path_text(".//./app") == "./app");
    CHECK(path_text("app") == "app");
    CHECK(path_text("/tmp/") == "/tmp");
    CHECK(path_text("/") == "/");
    CHECK(path_text(".") == ".");
    CHECK(path_text("/link/../a//b") == "/link/../a//b");
    CHECK(path_text("") == "");
}

TEST_CASE("text of the other process is escaped and cut when it is shown") {
    CHECK(remora::quote("a\"b\n\x1b[31m") == R"("a\"b\n\x1b[31m")");
    CHECK(remora::quote("abcdef", 3) == R"("abc...")");
}

// Names of the values from `first` to `last`, and of one that there is not.
template <class Kind>
std::set<std::string> names_of(Kind first, Kind last) {
    std::set<std::string> names{to_string(static_cast<Kind>(99))};
    for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i)
        names.insert(to_string(static_cast<Kind>(i)));
    return names;
}

TEST_CASE("each kind has a name of its own") {
    using remora::failure_kind;
    using remora::transport_kind;
    using remora::wait_policy;
    CHECK(names_of(failure_kind::failed, failure_kind::timed_out).size() == 7);
    CHECK(names_of(transport_kind::automatic, transport_kind::shared_memory).size() == 4);
    CHECK(names_of(wait_policy::adaptive, wait_policy::spin).size() == 4);
    CHECK(std::string(remora::category().name()) == "remora");
    CHECK(remora::category().message(9999) == "unknown error");
}
