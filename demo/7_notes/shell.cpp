// SPDX-License-Identifier: MIT
#include "shell.hpp"

#include "command_line.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

namespace notes {

namespace {

// Lines of standard input. It stays a blocking descriptor, which a terminal shares with others:
// what is awaited is that there is something to read.
class input {
public:
    explicit input(const asio::any_io_executor& executor)
        : descriptor_(executor, ::dup(STDIN_FILENO)) {
        const int flags = ::fcntl(STDIN_FILENO, F_GETFL);
        descriptor_.non_blocking(true);  // or Asio makes it so at the first wait
        ::fcntl(STDIN_FILENO, F_SETFL, flags);
    }

    asio::awaitable<std::optional<std::string>> next() {
        for (;;) {
            if (const auto end = read_.find('\n'); end != read_.npos) co_return take(end);
            std::error_code ec;  // a file has no wait
            co_await descriptor_.async_wait(descriptor_.wait_read,
                                            asio::redirect_error(asio::use_awaitable, ec));
            if (ec == asio::error::operation_aborted) throw std::system_error(ec);
            char bytes[4096];
            const auto size = ::read(descriptor_.native_handle(), bytes, sizeof bytes);
            if (size <= 0) break;
            read_.append(bytes, static_cast<std::size_t>(size));
        }
        if (read_.empty()) co_return std::nullopt;
        co_return take(read_.size());
    }

private:
    std::string take(std::size_t end) {
        std::string line = read_.substr(0, end);
        read_.erase(0, end + 1);
        return line;
    }

    asio::posix::stream_descriptor descriptor_;
    std::string read_;
};

class shell : public std::enable_shared_from_this<shell> {
public:
    shell(remora::pipe& server, const asio::any_io_executor& executor)
        : server_(server),
          input_(executor),
          counted_(executor, asio::steady_timer::time_point::max()) {}

    asio::awaitable<int> run() {
        for (;;) {
            if (is_terminal_) show_prompt();
            auto line = co_await input_.next();
            if (!line || *line == "quit") break;
            code_ = co_await run_line(recalled(*line));
        }
        while (watches_ != 0) {
            std::error_code woken;
            co_await counted_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        }
        co_return code_;
    }

private:
    static void show_prompt() {
        std::fputs("> ", stdout);
        std::fflush(stdout);
    }

    // `!3` stands for line 3 of the history.
    std::string recalled(std::string line) {
        if (line.starts_with('!')) {
            const auto number = static_cast<std::size_t>(std::atoll(line.c_str() + 1));
            if (number == 0 || number > history_.size()) return "history";
            line = history_[number - 1];
            std::printf("%s\n", line.c_str());
        }
        if (line.find_first_not_of(' ') == line.npos) return "";
        if (line != "history") history_.push_back(line);
        return line;
    }

    asio::awaitable<int> run_line(std::string line) {
        if (line.empty()) co_return code_;
        if (line == "history") co_return show_history();
        if (line == "help") line = "--help";
        const auto chosen = parse([&](CLI::App& cli) { cli.parse(line); }, &within_);
        if (!chosen.run) co_return chosen.code;
        co_return co_await explained(chosen.run, server_);
    }

    int show_history() const {
        for (std::size_t i = 0; i != history_.size(); ++i)
            std::printf("%4zu  %s\n", i + 1, history_[i].c_str());
        return code::done;
    }

    // Goes on beside the next commands. One with a count is waited for at the end.
    asio::awaitable<int> watch(remora::pipe& server, int most) {
        const auto changes = std::make_shared<remora::stream<change>>(co_await begin_watch(server));
        const command show = [changes, most](auto&) {
            return show_changes(std::move(*changes), most);
        };
        watches_ += most != 0;
        asio::co_spawn(counted_.get_executor(), explained(show, server),
                       [self = shared_from_this(), most](std::exception_ptr, int) {
                           self->watches_ -= most != 0;
                           self->counted_.cancel();
                       });
        co_return code::done;
    }

    remora::pipe& server_;
    input input_;
    const bool is_terminal_ = ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO);
    const within_shell within_{[this](auto& server, int most) { return watch(server, most); }};
    std::vector<std::string> history_;
    asio::steady_timer counted_;
    int watches_ = 0;
    int code_ = 0;
};

}  // namespace

asio::awaitable<int> run_shell(remora::pipe& server) {
    const auto executor = co_await asio::this_coro::executor;
    const auto session = std::make_shared<shell>(server, executor);
    co_return co_await session->run();
}

}  // namespace notes
