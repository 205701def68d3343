// SPDX-License-Identifier: MIT
#include <remora/detail/call/serving_executor.hpp>

#include <atomic>
#include <typeinfo>

namespace remora::detail {
namespace {

// These executors are made in the library alone, so that there is one type_info of each: comparing
// its address spares comparing names, which are long. Asio 1.22 casts to whatever it is asked for.
template <bool posts>
const serving* serving_by(const asio::any_io_executor& executor,
                          const std::type_info& type) noexcept {
    if (&type != &typeid(serving_executor<posts>)) return nullptr;
    return executor.target<serving_executor<posts>>()->what();
}

// Asking an executor what it is takes as long as a tenth of a call.
std::atomic<bool> anybody{false};

}  // namespace

serving::serving(const asio::any_io_executor& of_pipe)
    : executor(of_pipe), posting(asio::require(of_pipe, asio::execution::blocking.never)) {
    anybody.store(true, std::memory_order_relaxed);
}

bool anybody_serves() noexcept {
    return anybody.load(std::memory_order_relaxed);
}

const serving* serving_of(const asio::any_io_executor& executor) noexcept {
    const std::type_info& type = executor.target_type();
    const serving* const one = serving_by<false>(executor, type);
    return one != nullptr ? one : serving_by<true>(executor, type);
}

}  // namespace remora::detail
