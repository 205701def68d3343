// SPDX-License-Identifier: MIT
/// How one server is asked for its report.
#pragma once

#include "base/unique_fd.hpp"
#include "inspect/answers.hpp"

#include <cstddef>
#include <filesystem>
#include <vector>

namespace remora::inspect {

/// Connects to the socket in a run's directory and reads what comes, without waiting.
class inquiry {
public:
    /// `directory` stands at `path`, and is this user's.
    inquiry(std::filesystem::path path, detail::unique_fd directory)
        : directory_(std::move(directory)), answer_{.directory = std::move(path)} {}

    /// Does what can be done now.
    void go_on();
    /// What can be waited for until it is readable; -1 as long as there is nothing.
    int descriptor() const { return socket_.get(); }
    bool is_over() const { return over_; }
    /// Whether the directory is that of a server that has ended.
    bool is_dead() const { return dead_; }
    /// The time limit has passed.
    void give_up(const std::string& after);
    answer take() { return std::move(answer_); }

private:
    void connect();
    void on_refusal(int error_number);
    void read();
    void decode();
    void fail(std::string problem);

    detail::unique_fd directory_;
    detail::unique_fd socket_;
    std::vector<std::byte> bytes_;
    answer answer_;
    bool over_ = false;
    bool dead_ = false;
};

}  // namespace remora::inspect
