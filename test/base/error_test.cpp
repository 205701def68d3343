// SPDX-License-Identifier: MIT
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
