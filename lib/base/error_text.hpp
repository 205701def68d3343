// SPDX-License-Identifier: MIT
/// The texts of errors without what they would say twice.
#pragma once

#include <string_view>
#include <system_error>

namespace remora::detail {

/// The text of an exception, which ends with that of its code, without that end. Refers to `text`.
std::string_view without_code(std::string_view text, const std::error_code& code);

}  // namespace remora::detail
