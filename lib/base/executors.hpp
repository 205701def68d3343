// SPDX-License-Identifier: MIT
/// What can be found out about an executor, and made of it.
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

/// A strand on it. One of Asio's own executors stays what it is within: so small an executor is
/// copied without an allocation, which Asio does in each operation and takes to be without failure.
asio::any_io_executor as_strand(const asio::any_io_executor& executor);

}  // namespace remora::detail
