// SPDX-License-Identifier: MIT
/// How long an end of a pipe may keep the thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace remora::detail {

/// The operations of one end of a pipe that found everything at hand, since it has last left the
/// thread. It is to leave it after many of them; where others want the thread after few for each of
/// these others, or after more if this end has itself waited for long. `others` says how many they
/// are; it is asked only where that matters. So many bytes more in an operation count like another.
class turn {
public:
    static constexpr unsigned most = 64;
    static constexpr unsigned few = 16;
    static constexpr std::size_t bytes_like_one = 1024;

    using clock = std::chrono::steady_clock;

    /// Before a wait, or a trip through the scheduler: who goes on meanwhile begins to count anew.
    void end() noexcept {
        operations_ = declined_at_ = 0;
        begin_ = {};
    }
    /// The same, if the time is known: what an operation of this end takes is learnt from that.
    void end(clock::time_point now) noexcept;
    /// After others have had the thread for so long.
    void begin(clock::time_point now, std::chrono::nanoseconds waited, std::size_t others) noexcept;

    void count_bytes(std::size_t count) noexcept {
        operations_ += static_cast<unsigned>(std::min<std::size_t>(most, count / bytes_like_one));
    }
    /// Counts; true if now is the time to yield.
    template <std::invocable Others>
    bool must_yield_after(unsigned operations, Others others) noexcept {
        operations_ += operations;
        return is_over(operations_, others);
    }
    /// For an operation that cannot yield: now and then it is not to be done, so that one is
    /// awaited instead, which yields then.
    template <std::invocable Others>
    bool must_decline(Others others) noexcept {
        if (!is_over(++operations_ - declined_at_, others)) return false;
        declined_at_ = operations_;
        return true;
    }

private:
    template <class Others>
    bool is_over(unsigned operations, Others& others) const noexcept {
        return operations > length_ && (operations > most || is_long(operations, others()));
    }
    // Where many want the thread each waits long in any case, and short turns only cost.
    static bool is_long(std::size_t operations, std::size_t others) noexcept {
        return others != 0 && operations > few * others;
    }

    unsigned operations_ = 0;
    unsigned declined_at_ = 0;                  ///< operations_ when must_decline() said yes
    unsigned length_ = few;                     ///< operations that it lasts in any case
    clock::time_point begin_{};                 ///< of the turn, if it is known
    std::chrono::nanoseconds operation_{1000};  ///< the time that one has taken
};

}  // namespace remora::detail
