// SPDX-License-Identifier: MIT
/// The interface of a transport: contiguous bytes in, contiguous bytes out, and a wait for each.
#pragma once

#include <remora/asio.hpp>
#include <remora/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

namespace remora::detail {

class shared_rings;

/// What carries the bytes of one end of a pipe. Owned by its pipe_state, and used on its executor.
class transport {
public:
    /// What there is to wait for. `hung_up`: the other end will never write again.
    enum class readiness { readable, writable, hung_up };
    enum class fetched { more, nothing, end };

    virtual ~transport() = default;

    virtual transport_kind kind() const noexcept = 0;

    /// The memory of the connection, if there is some to lend; until it is closed.
    virtual std::shared_ptr<shared_rings> lendable() const noexcept { return nullptr; }

    /// True if the other end is known to wait for the CPU that this one runs on.
    virtual bool shares_cpu() noexcept { return false; }

    /// The bytes that have arrived and are not consumed. Valid until the next fetch or consume.
    std::span<const std::byte> input() const noexcept { return input_; }

    /// Takes in more of what has arrived, without waiting. `wanted` is the size to which the input
    /// shall be able to grow. Throws what the system refuses.
    virtual fetched fetch(std::size_t wanted) = 0;

    /// As fetch, after one that found nothing, again and again: a few in a row may overlook
    /// something.
    virtual fetched poll(std::size_t wanted) { return fetch(wanted); }

    /// True once after a fetch that took all there was, where the next one is a system call that
    /// would hardly find anything.
    bool may_skip_fetch() noexcept { return std::exchange(took_all_, false); }

    /// Drops the first `count` bytes of the input.
    void consume(std::size_t count) noexcept { input_ = input_.subspan(count); }

    /// Sends as many of the bytes as there is room for, or are enough for one turn, without
    /// waiting, and says how many.
    virtual std::size_t write(std::span<const std::byte> bytes) = 0;
    /// After a write() of less than it was given: true if there is no room for more.
    bool is_full() const noexcept { return is_full_; }

    /// Before a wait for readable or writable: false if there is nothing to wait for.
    virtual bool begin_wait(readiness) { return true; }
    /// Completes when it is worth to try again; sometimes too early. `ec` must live until then.
    virtual asio::awaitable<void> wait(readiness what, std::error_code& ec) = 0;

    /// After it.
    virtual void end_wait(readiness) {}

    /// Ends the waits that are going on, with operation_aborted.
    virtual void cancel() noexcept = 0;

    /// Called once, before all else: the features of lib/wire/protocol.md that both ends use.
    virtual void set_features(std::uint64_t) noexcept {}

    /// Called once, when the other end has shown that it is there.
    virtual void on_peer_opened() noexcept {}

    /// Lets the other end see that nothing more will come.
    virtual void close() noexcept = 0;

protected:
    std::span<const std::byte> input_;
    bool took_all_ = false;  ///< see may_skip_fetch()
    bool is_full_ = true;    ///< see is_full()
};

/// From begin_wait to end_wait, however the wait ends.
class begun_wait {
public:
    begun_wait(transport& where, transport::readiness what)
        : where_(where), what_(what), waits_(where.begin_wait(what)) {}
    ~begun_wait() {
        if (waits_) where_.end_wait(what_);
    }
    begun_wait(const begun_wait&) = delete;
    begun_wait& operator=(const begun_wait&) = delete;

    /// False if there is nothing to wait for.
    explicit operator bool() const noexcept { return waits_; }

private:
    transport& where_;
    transport::readiness what_;
    bool waits_;
};

}  // namespace remora::detail
