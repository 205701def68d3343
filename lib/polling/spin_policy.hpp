// SPDX-License-Identifier: MIT
/// Whether to look again before sleeping, learnt from the waits before.
#pragma once

#include <remora/transport.hpp>

#include <algorithm>

namespace remora::detail {

/// The judgement of one waiter. No clock here: a wait that ends while it polls is a hit, one
/// that outlasts the polling is a miss.
///
/// A sleeping wait never looks short, since waking up takes longer than the wait would have: so
/// whoever has stopped to look tries again now and then, more rarely each time, every 64th wait in
/// the end. A hit then makes up for all misses.
class spin_policy {
public:
    explicit spin_policy(wait_policy policy) : policy_(policy) {}

    wait_policy policy() const noexcept { return policy_; }

    /// At the beginning of each wait: does it poll?
    bool polls() noexcept {
        if (policy_ != wait_policy::adaptive) return policy_ == wait_policy::spin;
        if (credit_ >= 0) return true;
        if (++slept_ < pause_) return false;
        slept_ = 0;
        return true;
    }
    void hit() noexcept {
        credit_ = credit_ < 0 ? 0 : std::min(credit_ + 1, most_credit);
        pause_ = first_pause;
    }
    void miss() noexcept {
        if (credit_ < 0) pause_ = std::min(2 * pause_, longest_pause);
        credit_ = std::max(credit_ - price_of_a_miss, -1);
    }
    /// The CPU was taken away meanwhile: others want it, and looking costs more than it can gain.
    void lost_cpu() noexcept {
        credit_ = -1;
        pause_ = longest_pause;
    }

    /// Before that: may the waiter look by itself for a moment, and keep the thread? `alone`: if
    /// nobody else waits there, it may.
    bool looks_first(bool alone) const noexcept { return alone || eager_credit_ >= 0; }
    void found_first() noexcept {
        eager_credit_ = 0;
        backoff_ = first_backoff;
    }
    void found_nothing_first() noexcept {
        eager_credit_ = -backoff_;
        backoff_ = std::min(2 * backoff_, longest_backoff);
    }
    void found_later() noexcept { eager_credit_ = std::min(eager_credit_ + 1, 0); }

private:
    static constexpr int most_credit = 8;
    static constexpr int price_of_a_miss = 4;
    static constexpr int first_pause = 4;
    static constexpr int longest_pause = 64;
    static constexpr int first_backoff = 8;
    static constexpr int longest_backoff = 256;

    wait_policy policy_;
    int credit_ = 0;
    int pause_ = first_pause;  ///< waits between two attempts
    int slept_ = 0;            ///< waits since the last one
    int eager_credit_ = 0;
    int backoff_ = first_backoff;  ///< waits before the next such moment
};

}  // namespace remora::detail
