// SPDX-License-Identifier: MIT
/// What the texts of errors are put together from.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

namespace remora::detail {

/// The text of an exception, which ends with that of its code, without that end. Refers to `text`.
std::string_view without_code(std::string_view text, const std::error_code& code);

/// A time limit: "100 ms", "1.5 s". Three digits behind the point at most.
std::string duration_text(std::chrono::nanoseconds time);

}  // namespace remora::detail
