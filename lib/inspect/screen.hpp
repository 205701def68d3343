// SPDX-License-Identifier: MIT
/// A terminal that shows something again and again.
#pragma once

#include "base/unique_fd.hpp"

#include <signal.h>
#include <termios.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace remora::inspect {

/// Takes the whole terminal while it lives, and gives it back as it was. Signals that end the
/// program are noticed by wait().
class screen {
public:
    screen();
    ~screen();
    screen(const screen&) = delete;
    screen& operator=(const screen&) = delete;

    /// As many of the lines as there is room for.
    void show(const std::vector<std::string>& lines);
    /// Until so much time has passed or the size has changed: true. False at `q`, or at a signal
    /// that ends the program.
    bool wait(std::chrono::milliseconds time);

private:
    bool read_keys();
    bool read_signals();

    detail::unique_fd signals_;
    sigset_t signals_before_{};
    std::optional<termios> terminal_before_;
};

}  // namespace remora::inspect
