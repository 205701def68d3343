// SPDX-License-Identifier: MIT
/// The uploads of calls whose request may have any type.
#pragma once

#include <remora/any.hpp>
#include <remora/detail/call/dispatcher.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace remora::detail {

/// An upload of which nobody knows whether there is one: it begins with its first item, or its end.
struct upload_source {
    virtual ~upload_source() = default;

    /// True if it has begun, and nobody has taken it.
    virtual bool is_there() const noexcept = 0;
    /// Takes it.
    virtual generator<any_value> items() = 0;

    std::function<void()> on_begin;  ///< called once, if an item begins it
};

/// That of a call which a handler serves. It begins when the handler asks for it, too. Lives in the
/// coroutine that serves the call.
struct possible_upload : upload_source {
    possible_upload(const end_ptr& of, std::uint64_t call) : end(of), id(call) {
        end->dispatcher->offer_upload(*this);
    }
    possible_upload(const possible_upload&) = delete;
    possible_upload& operator=(const possible_upload&) = delete;
    ~possible_upload() override;

    bool is_there() const noexcept override { return incoming != nullptr; }
    generator<any_value> items() override;

    /// What has begun, if nobody has taken it; otherwise one of which nothing comes.
    stream<any_value> take();

    const end_ptr& end;
    const std::uint64_t id;
    any_call* call = nullptr;  ///< the handler's, as long as it lives
    bool has_begun = false;
    std::shared_ptr<incoming_stream> incoming;  ///< until it is taken
};

}  // namespace remora::detail
