// SPDX-License-Identifier: MIT
/// Copies a value so that it needs no loans: its bytes by reference become bytes of the value.
#pragma once

#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/byte_block.hpp>

#include <cstddef>
#include <span>

namespace remora::detail {

/// Appends `value` to `out`, of whatever type it is, with a copy of each of the `loans` in the
/// place of its number. Nobody else may write to `value` meanwhile; what is lent is read once.
/// Throws `truncated` and `bad_value` for what is no value, `too_deep` for values more than `depth`
/// deep within each other, and message_too_large beyond the limit of `out`.
void append_copying_loans(byte_buffer& out, std::span<const std::byte> value,
                          std::span<const block_ref> loans, unsigned depth);

}  // namespace remora::detail
