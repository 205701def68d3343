// SPDX-License-Identifier: MIT
/// Gives the library access to private members of values in bytes, and of what has them.
#pragma once

#include <remora/any.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace remora::detail {

struct upload_source;

struct any_access {
    /// The name of the type, or its tag, to be shown.
    static std::string shown_name(const any_value& value);
    /// A copy of what has arrived.
    static any_value make_value(const pipe_end& end, std::uint64_t tag,
                                std::span<const std::byte> bytes, std::span<const block_ref> loans);
    /// The same without the type: bytes by reference have become bytes of the value.
    static byte_buffer copy_with_loans(const pipe_end& end, std::span<const std::byte> bytes,
                                       std::span<const block_ref> loans);
    /// The value of the frame at the head.
    static any_value value_of(const pipe_end& end, const frame& f);

    /// The call that a handler serves, with its upload.
    static any_call make_call(possible_upload& upload, any_value request,
                              bool is_idempotent) noexcept;
    /// The same, for a message.
    static any_call make_message(any_value message) noexcept;
    /// As call_bytes() does; `upload` is sent along once it begins, and outlives the answer's
    /// items.
    static asio::awaitable<any_answer> call(pipe& on, const any_value& request,
                                            upload_source& upload, call_options options);

    /// Null once that was answered.
    static possible_upload*& upload(any_call& call) noexcept { return call.upload_; }
    /// Of an answer with items: those that are made here, if they are.
    static std::optional<generator<any_value>>& made_items(any_answer& answer) noexcept {
        return answer.items_->made;
    }
};

/// The items of a stream, to be sent on.
generator<any_value> items_of(stream<any_value> items);

}  // namespace remora::detail
