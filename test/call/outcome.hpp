// SPDX-License-Identifier: MIT
/// How a call comes out: what it returns, or what it fails with.
#pragma once

#include <remora/asio.hpp>
#include <remora/call.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace test {

template <class T>
struct outcome {
    std::optional<T> value;
    std::optional<remora::failure_kind> kind;
    std::error_code code;
    std::string text;
    std::string message;
};

template <class T>
asio::awaitable<outcome<T>> outcome_of(asio::awaitable<T> operation) {
    outcome<T> result;
    try {
        result.value.emplace(co_await std::move(operation));
    } catch (const remora::remote_error& e) {
        result = {{}, e.kind(), e.code(), e.what(), e.message()};
    } catch (const std::system_error& e) {
        result = {{}, {}, e.code(), e.what(), {}};
    }
    co_return result;
}

}  // namespace test
