// SPDX-License-Identifier: MIT
/// The vocabulary that the tests share.
#pragma once

#include <doctest/doctest.h>

#include <remora/error.hpp>

namespace doctest {
template <>
struct StringMaker<std::error_code> {
    static String convert(const std::error_code& code) {
        return (std::string(code.category().name()) + ": " + code.message()).c_str();
    }
};
}  // namespace doctest

namespace test {

/// What a call throws: the code of its std::system_error; none if it throws nothing.
struct failure {
    std::error_code code;
    std::string text;
    bool has(const std::string& part) const { return text.find(part) != std::string::npos; }
};

template <std::invocable F>
failure failure_of(F&& call) {
    try {
        call();
    } catch (const std::system_error& e) {
        return {e.code(), e.what()};
    }
    return {};
}

/// The code to compare with: CHECK(failure_of(...).code == code(errc::closed)).
inline std::error_code code(remora::errc value) {
    return value;
}

}  // namespace test
