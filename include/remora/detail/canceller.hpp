// SPDX-License-Identifier: MIT
/// How a spawned coroutine is cancelled.
#pragma once

#include <remora/asio.hpp>

namespace remora::detail {

/// Cancels one coroutine, from that coroutine's executor. A cancellation that comes before its
/// first turn is kept until then: Asio 1.27.0 to 1.30.1 would throw it out of the context's run().
/// One that comes after its last turn is ignored.
class canceller {
public:
    canceller() = default;
    canceller(const canceller&) = delete;
    canceller& operator=(const canceller&) = delete;

    /// For asio::bind_cancellation_slot, when the coroutine is spawned.
    asio::cancellation_slot slot() noexcept { return signal_.slot(); }

    void cancel(asio::cancellation_type how = asio::cancellation_type::terminal) {
        if (stage_ == stage::before) early_ |= how;
        if (stage_ == stage::running) signal_.emit(how);
    }

    /// What the coroutine makes in its first turn and keeps.
    class running {
    public:
        explicit running(canceller& whole) : whole_(whole) {
            whole_.stage_ = stage::running;
            if (whole_.early_ != asio::cancellation_type::none) whole_.cancel(whole_.early_);
        }
        ~running() { whole_.stage_ = stage::over; }
        running(const running&) = delete;
        running& operator=(const running&) = delete;

    private:
        canceller& whole_;
    };

private:
    enum class stage { before, running, over };

    asio::cancellation_signal signal_;
    asio::cancellation_type early_ = asio::cancellation_type::none;
    stage stage_ = stage::before;
};

}  // namespace remora::detail
