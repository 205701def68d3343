// SPDX-License-Identifier: MIT
/// A bar on the standard error stream, if that is a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace bench {

class progress {
public:
    explicit progress(std::size_t steps);
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress();  ///< leaves an empty line

    /// Before each step.
    void next(const std::string& title);

    /// A line that stays.
    void say(const std::string& message);

private:
    void clear() const;

    std::size_t steps_, begun_ = 0;
    bool visible_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace bench
