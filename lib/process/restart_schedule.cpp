// SPDX-License-Identifier: MIT
#include "process/restart_schedule.hpp"

#include <remora/error.hpp>

#include <cmath>
#include <cstdint>

namespace remora::detail {

restart_schedule::restart_schedule(const restart_options& options) : options_(options) {
    if (!(options.factor >= 1)) throw_error(errc::bad_option, "restart: a factor below 1");
    if (options.first_delay.count() < 0 || options.max_delay.count() < 0)
        throw_error(errc::bad_option, "restart: a delay below 0");
}

std::optional<std::chrono::nanoseconds> restart_schedule::next(time_point now) {
    while (!restarts_.empty() && now - restarts_.front() >= options_.window)
        restarts_.pop_front();
    if (restarts_.size() >= options_.limit) return {};
    const std::chrono::nanoseconds wait = delay();
    restarts_.push_back(now);
    return wait;
}

std::chrono::nanoseconds restart_schedule::delay() const {
    const double longest = static_cast<double>(options_.max_delay.count());
    const double wait = static_cast<double>(options_.first_delay.count()) *
                        std::pow(options_.factor, static_cast<double>(restarts_.size()));
    if (!(wait < longest)) return options_.max_delay;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(wait));
}

}  // namespace remora::detail
