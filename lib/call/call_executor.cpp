// SPDX-License-Identifier: MIT
#include <remora/detail/call/call_executor.hpp>

#include <atomic>
#include <typeinfo>

namespace remora::detail {
namespace {

// These executors are made in the library alone, so that there is one type_info of each: comparing
// its address spares comparing names, which are long. Asio 1.22 casts to whatever it is asked for.
template <bool posts>
const call_context* call_context_by(const asio::any_io_executor& executor,
                                    const std::type_info& type) noexcept {
    if (&type != &typeid(call_executor<posts>)) return nullptr;
    return executor.target<call_executor<posts>>()->context();
}

// Asking an executor what it is takes as long as a tenth of a call.
std::atomic<bool> anybody{false};

}  // namespace

call_context::call_context(const asio::any_io_executor& of_pipe)
    : executor(of_pipe), posting(asio::require(of_pipe, asio::execution::blocking.never)) {
    anybody.store(true, std::memory_order_relaxed);
}

bool has_handler_coroutines() noexcept {
    return anybody.load(std::memory_order_relaxed);
}

const call_context* call_context_of(const asio::any_io_executor& executor) noexcept {
    const std::type_info& type = executor.target_type();
    const call_context* const one = call_context_by<false>(executor, type);
    return one != nullptr ? one : call_context_by<true>(executor, type);
}

}  // namespace remora::detail
