// SPDX-License-Identifier: MIT
/// The upload of a call whose request may have any type.
#pragma once

#include <remora/any.hpp>
#include <remora/detail/call/dispatcher.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace remora::detail {

/// Nobody knows whether there is one, so it begins when its first item arrives, or when the handler
/// asks for it. Lives in the coroutine that serves the call.
struct possible_upload {
    possible_upload(const end_ptr& of, std::uint64_t call) : end(of), id(call) {
        end->dispatcher->offer_upload(*this);
    }
    possible_upload(const possible_upload&) = delete;
    possible_upload& operator=(const possible_upload&) = delete;
    ~possible_upload();

    /// What has begun, if nobody has taken it; otherwise one of which nothing comes.
    stream<any_value> take();

    const end_ptr& end;
    const std::uint64_t id;
    any_call* call = nullptr;  ///< the handler's, as long as it lives
    bool has_begun = false;
    std::shared_ptr<incoming_stream> incoming;  ///< until it is taken
    std::function<void()> on_begin;             ///< called once, if an item begins it
};

}  // namespace remora::detail
