// SPDX-License-Identifier: MIT
/// From an executor to the context that somebody can run.
#pragma once

#include <remora/asio.hpp>

#include <typeinfo>

namespace remora::detail {

/// The io_context whose own executor this is; none for a strand or a thread pool.
inline asio::io_context* context_of(const asio::any_io_executor& executor) {
    using own = asio::io_context::executor_type;
    // In Asio 1.22 target() does not compare the types.
    if (executor.target_type() != typeid(own)) return nullptr;
    return &asio::query(*executor.target<own>(), asio::execution::context);
}

}  // namespace remora::detail
