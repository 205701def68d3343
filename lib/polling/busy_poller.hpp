// SPDX-License-Identifier: MIT
/// Where the waits of one executor watch for news together, before they sleep.
#pragma once

#include <remora/asio.hpp>

#include <sched.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace remora::detail {

/// How many CPUs this process may use: by its affinity and by the quota of its control groups.
/// At least 1. The quota is read once.
unsigned usable_cpus();

/// How many by affinity, from a function like sched_getaffinity(2); all of the machine's, if that
/// does not tell.
using affinity_call = int(pid_t, std::size_t, cpu_set_t*);
unsigned cpus_by_affinity(affinity_call* get);

/// Yields the CPU, unless that has cost this thread too much lately.
void give_cpu() noexcept;

/// Between two looks at memory that another CPU writes.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// How a watched wait has ended: something has come; the time is over; others are watched instead;
/// somebody wants the waiter to look round.
enum class watched { news, nothing, replaced, interrupted };

/// Looks for all that wait on one executor, in slices of about 1 µs with a trip through the
/// scheduler between two of them: whatever else is ready runs meanwhile. In a context, only the
/// lookout that was asked last goes on; the others' waits are sent to sleep. Belongs to its
/// executor.
class lookout : public std::enable_shared_from_this<lookout> {
public:
    using clock = std::chrono::steady_clock;

    /// The rest of a coroutine that waits.
    using waiter = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

    /// One that waits, or will.
    struct watch {
        watch(std::function<bool()> has_news, bool is_a_system_call)
            : look(std::move(has_news)), costly(is_a_system_call) {}

        /// Somebody wants the waiter to look round.
        void interrupt() noexcept;
        /// How it has ended. An interruption counts, whenever it came.
        watched outcome() const noexcept { return interrupted ? watched::interrupted : result; }
        /// Completes when the watching is over; to be awaited within a `watching`, by a coroutine
        /// on the lookout's executor.
        asio::awaitable<void> over();

        std::function<bool()> look;
        bool costly;  ///< only the newest of these is looked for
        lookout* place = nullptr;
        std::size_t index = 0;        ///< among those of the place, if it is listed
        std::optional<waiter> waits;  ///< it is listed then, or about to be resumed
        clock::time_point until{};
        clock::time_point until_at_most{};  ///< as long as others have news
        watched result = watched::nothing;
        bool waiting = false;
        bool interrupted = false;
        bool listed = false;
        bool lost_cpu = false;  ///< to another thread, while it was being watched
    };

    /// The one for `executor`.
    static std::shared_ptr<lookout> of(const asio::any_io_executor& executor);

    explicit lookout(asio::any_io_executor executor);
    ~lookout();

    /// True if looking makes sense here: with one CPU it only keeps the other side from running.
    bool can_watch() const noexcept { return cpus_ > 1; }
    bool is_idle() const noexcept { return watches_.empty(); }
    /// A wait that was not watched has ended: there is work, and others may have to wait for it.
    void note_work() noexcept { last_news_ = clock::now(); }

    /// Watches as long as it lives: until `look` is true, or `limit` has passed. It is not worth a
    /// coroutine of its own, whose frame would have to be allocated for each wait.
    class watching {
    public:
        watching(lookout& place, watch& w, std::chrono::nanoseconds limit) : place_(place), w_(w) {
            place.add(w, limit);
        }
        ~watching() {
            w_.waiting = false;
            place_.remove(w_);
        }
        watching(const watching&) = delete;
        watching& operator=(const watching&) = delete;

    private:
        lookout& place_;
        watch& w_;
    };

private:
    class others;

    void add(watch& w, std::chrono::nanoseconds limit);
    void remove(watch& w) noexcept;
    void end(watch& w, watched result) noexcept;
    void go_round();
    void slice();
    bool look_at_all();
    void note_lost_cpu() noexcept;
    void send_to_sleep();
    void resume();
    void drop(std::vector<waiter>& all);

    asio::any_io_executor executor_;
    others& others_;
    std::vector<watch*> watches_;
    std::vector<watch*> with_news_;  ///< to be resumed, by a slice
    bool going_round_ = false;
    clock::time_point last_news_{};
    unsigned cpus_;
};

}  // namespace remora::detail
