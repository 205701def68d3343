// SPDX-License-Identifier: MIT
/// How a member coroutine is spawned.
#pragma once

#include <remora/asio.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace remora::detail {

/// Spawns `work`, a coroutine that uses the object which `owner` keeps, and keeps that object until
/// `work` has ended or is destroyed. What leaves `work` is ignored. The caller has made `work`: so
/// a lack of memory for it is thrown there, and not lost in a coroutine that never begins.
inline void spawn_member(const asio::any_io_executor& executor, std::shared_ptr<const void> owner,
                         asio::awaitable<void> work) {
    asio::co_spawn(executor, std::move(work), [owner = std::move(owner)](std::exception_ptr) {});
}

}  // namespace remora::detail
