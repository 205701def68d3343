// SPDX-License-Identifier: MIT
/// The signals that stop apps: SIGINT, SIGQUIT, SIGTERM and SIGHUP. All runs of the process share
/// them: each run that catches a signal gets it.
#pragma once

#include <remora/asio.hpp>

#include <vector>

namespace remora::detail {

/// What one run catches. catch_all() may be called from any thread, before the rest, which belongs
/// to the executor.
///
/// A third signal in a row that no run has answered ends the process by its default action: the
/// context does not run, as when a handler computes for ever.
class stop_signals {
public:
    explicit stop_signals(const asio::any_io_executor& executor) : set_(executor) {}
    ~stop_signals() { release(); }
    stop_signals(const stop_signals&) = delete;
    stop_signals& operator=(const stop_signals&) = delete;

    /// Catches those that have their default action, or that another run catches. What the host
    /// handles is the host's, and what nohup(1) ignores stays ignored.
    const std::vector<int>& catch_all();

    /// The next one; 0 after release(). *this must live until then.
    asio::awaitable<int> next();

    /// Whether this run catches it, and the terminal has sent it to this process since a run has
    /// caught it. Before release().
    bool came_from_terminal(int signal) const;

    /// Gives them back. Their action is what it was before, or what the host has made it since.
    void release();

private:
    asio::signal_set set_;
    std::vector<int> caught_;
};

/// Ends this process by the signal's default action, without a core file.
void die_by(int signal);

}  // namespace remora::detail
