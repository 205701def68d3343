// SPDX-License-Identifier: MIT
/// Decides whether a wait polls before it sleeps, from the outcome of earlier waits.
#pragma once

#include <remora/transport.hpp>

#include <algorithm>

namespace remora::detail {

/// The decision of one waiter. A wait that ends while it polls is a hit, one that does not is a
/// miss; there is no clock here.
///
/// After misses it polls again after 4 waits, then after twice as many each time, up to 64; a hit
/// starts anew. (How long a sleeping wait took says nothing: waking up takes longer.)
class spin_policy {
public:
    explicit spin_policy(wait_policy policy) : policy_(policy) {}

    wait_policy policy() const noexcept { return policy_; }

    /// At the beginning of each wait: does it poll?
    bool should_poll() noexcept {
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

    /// Whether the waiter may first poll by itself for a moment, and keep the thread.
    /// `only_waiter`: nobody else waits on that executor; then it may.
    bool should_poll_first(bool only_waiter) const noexcept {
        return only_waiter || brief_credit_ >= 0;
    }
    // What came of such a moment, or of the polling after it.
    void found_briefly() noexcept {
        brief_credit_ = 0;
        brief_backoff_ = first_backoff;
    }
    void found_nothing_briefly() noexcept {
        brief_credit_ = -brief_backoff_;
        brief_backoff_ = std::min(2 * brief_backoff_, longest_backoff);
    }
    void found_while_polling() noexcept { brief_credit_ = std::min(brief_credit_ + 1, 0); }

private:
    static constexpr int most_credit = 8;
    static constexpr int price_of_a_miss = 4;
    static constexpr int first_pause = 4;
    static constexpr int longest_pause = 64;
    static constexpr int first_backoff = 8;
    static constexpr int longest_backoff = 256;

    wait_policy policy_;
    int credit_ = 0;           ///< hits in store, against misses; below 0 it polls but now and then
    int pause_ = first_pause;  ///< waits between two attempts
    int slept_ = 0;            ///< waits since the last one
    /// Of polling briefly, before anything else runs. Below 0: it is left out until the polling
    /// that follows has found something so many times.
    int brief_credit_ = 0;
    int brief_backoff_ = first_backoff;  ///< how often it is left out after the next miss
};

}  // namespace remora::detail
