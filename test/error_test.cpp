// SPDX-License-Identifier: MIT
#include "support.hpp"

TEST_CASE("an error carries its code and where it happened") {
    const remora::error e(remora::errc::no_such_pipe, "pipe \"maths\"");
    CHECK(e.code() == test::code(remora::errc::no_such_pipe));
    CHECK(std::string(e.what()) == "pipe \"maths\": no such pipe");
}

TEST_CASE("text of the other process is escaped and cut when it is shown") {
    CHECK(remora::quote("a\"b\n\x1b[31m") == R"("a\"b\n\x1b[31m")");
    CHECK(remora::quote("abcdef", 3) == R"("abc...")");
}
