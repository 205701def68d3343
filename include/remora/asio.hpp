// SPDX-License-Identifier: MIT
/// The one header that includes Asio: the settings that both sides of the library's boundary must
/// share, and the differences between the Asio releases that Remora supports (1.22 to 1.38).
#pragma once

#include <remora/detail/base/standard.hpp>

#if defined(__clang__) && !defined(ASIO_HAS_CO_AWAIT)
#define ASIO_HAS_CO_AWAIT 1
#define ASIO_HAS_STD_COROUTINE 1
#endif

// Before Asio: whether it allocates with std::aligned_alloc depends on what a standard header
// defines, and every translation unit has to agree with the one in which Asio is compiled.
#include <cstddef>

#if defined(__GNUC__) && !defined(__clang__)
// A false alarm of g++ 12 and later, wherever the frame of a coroutine is made and destroyed in one
// function: in the code of users too.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/co_spawn.hpp>
#include <asio/defer.hpp>
#include <asio/detached.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/multiple_exceptions.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/version.hpp>

namespace remora::detail {

struct separate;
struct header_only;
#ifdef ASIO_SEPARATE_COMPILATION
using asio_form = separate;
#else
using asio_form = header_only;
#endif

// They mangle some of Asio's templates differently.
struct gcc;
struct clang;
#ifdef __clang__
using compiler = clang;
#else
using compiler = gcc;
#endif

/// A function whose name has Asio's version and settings, and the compiler. The library defines one
/// and every user refers to it: a program that was compiled otherwise than the library does not
/// link. It is exported by an attribute: for a template's definition g++ forgets the pragma.
template <int version, class Form, int allocator_cache_size, class Compiler>
[[gnu::visibility("default")]] void compiled_with_asio();

[[gnu::used]] inline void (*const asio_abi)() =
    &compiled_with_asio<ASIO_VERSION, asio_form, ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE, compiler>;

}  // namespace remora::detail
