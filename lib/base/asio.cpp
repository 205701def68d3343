// SPDX-License-Identifier: MIT
#include <remora/asio.hpp>

#include "base/executors.hpp"

#include <asio/thread_pool.hpp>

#ifdef ASIO_SEPARATE_COMPILATION
#include <asio/impl/src.hpp>
#endif

namespace remora::detail {

template <int version, class Form, int allocator_cache_size, class Compiler>
void compiled_with_asio() {
}
template void
compiled_with_asio<ASIO_VERSION, asio_form, ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE, compiler>();

asio::any_io_executor as_strand(const asio::any_io_executor& executor) {
    using of_context = asio::io_context::executor_type;
    using of_pool = asio::thread_pool::executor_type;
    if (executor.target_type() == typeid(of_context))
        return asio::make_strand(*executor.target<of_context>());
    if (executor.target_type() == typeid(of_pool))
        return asio::make_strand(*executor.target<of_pool>());
    return asio::make_strand(executor);
}

}  // namespace remora::detail
