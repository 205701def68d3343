// SPDX-License-Identifier: MIT
#include <remora/asio.hpp>

#include "base/executors.hpp"

#include <asio/thread_pool.hpp>

#ifdef ASIO_SEPARATE_COMPILATION
#include <asio/impl/src.hpp>
#endif

namespace remora::detail {

const int REMORA_ASIO_ABI = ASIO_VERSION;

asio::any_io_executor strand_of(const asio::any_io_executor& executor) {
    using of_context = asio::io_context::executor_type;
    using of_pool = asio::thread_pool::executor_type;
    if (executor.target_type() == typeid(of_context))
        return asio::make_strand(*executor.target<of_context>());
    if (executor.target_type() == typeid(of_pool))
        return asio::make_strand(*executor.target<of_pool>());
    return asio::make_strand(executor);
}

}  // namespace remora::detail
