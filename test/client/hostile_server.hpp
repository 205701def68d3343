// SPDX-License-Identifier: MIT
/// The server's side of the control pipe by hand, for clients in this process.
#pragma once

#include "support/runs.hpp"
#include "support/wire_bytes.hpp"

#include "transport/fifo.hpp"
#include "transport/run_directory.hpp"

#include <remora/client.hpp>

#include <sys/file.h>

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace test {

/// A server that says what it is told to, and makes no pipe but by hand.
class hostile_server {
public:
    hostile_server() { make_pipe("control"); }

    void make_pipe(const std::string& base) {
        directory_.make_fifo(base + ".up");
        directory_.make_fifo(base + ".down");
        for (const std::string& name : {base + ".up", base + ".down"}) {
            fds_.push_back(remora::detail::open_fifo(directory_.fd(), name, O_RDONLY));
            fds_.push_back(remora::detail::open_fifo(directory_.fd(), name, O_WRONLY));
        }
    }
    /// On the control pipe.
    void say(const std::string& bytes) const {
        REQUIRE(::write(fds_[3].get(), bytes.data(), bytes.size()) == std::ssize(bytes));
    }
    void vanish() {
        fds_.clear();
        ::flock(directory_.fd(), LOCK_UN);
    }
    /// As one that is dying: only the control pipe is still open.
    void vanish_but_for_control() {
        fds_.resize(4);
        ::flock(directory_.fd(), LOCK_UN);
    }
    /// Whether the app fails with what `app` failed with.
    bool passes_on = false;
    bool passes_on_two = false;
    /// What to say to the hello, and to each request for a connection.
    std::string answer_to_hello;
    std::vector<std::string> answers;

    /// Lets a client run `app`; `why` is what that failed with, `code` what client::run returned,
    /// `printed` what it wrote to stderr.
    void serve(const std::function<asio::awaitable<void>(remora::client&)>& app) {
        std::string words[] = {"app", "--remora.pipes=" + directory_.path().string()};
        char* argv[] = {words[0].data(), words[1].data(), nullptr};
        int argc = 2;
        asio::io_context io;
        remora::client_options options;
        options.limits.message = 5000;
        remora::client client{io, argc, argv, options};
        asio::steady_timer time_limit(io, patience);
        time_limit.async_wait([&](std::error_code ec) {
            if (!ec) FAIL("the client hangs");
        });
        asio::posix::stream_descriptor requests(io);
        if (!fds_.empty()) requests.assign(::dup(fds_[0].get()));
        asio::co_spawn(io, answer(requests), asio::detached);
        const captured_errors errors(printed);
        code = client.run([&](remora::client& c) -> asio::awaitable<int> {
            why = co_await failure_of(app(c));
            const auto thrown = std::make_exception_ptr(std::system_error(why.code));
            if (passes_on && why.code) std::rethrow_exception(thrown);
            if (passes_on_two && why.code) throw asio::multiple_exceptions(thrown);
            co_return 0;
        });
    }
    failure why;
    int code = -1;
    std::string printed;

private:
    asio::awaitable<void> answer(asio::posix::stream_descriptor& requests) {
        std::string bytes;
        for (auto next = answers.begin();;) {
            co_await requests.async_wait(asio::posix::stream_descriptor::wait_read,
                                         asio::use_awaitable);
            std::array<char, 4096> part{};
            const ssize_t count = ::read(requests.native_handle(), part.data(), part.size());
            bytes.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
            std::size_t wanted = 0;
            while (const auto f = remora::detail::parse_frame(std::as_bytes(std::span(bytes)),
                                                              1u << 20, wanted)) {
                const auto size = f->size();
                if (f->header.kind == frame_kind::hello) say(answer_to_hello);
                const bool asks =
                    f->header.kind == frame_kind::connect || f->header.kind == frame_kind::list;
                if (asks && next != answers.end()) say(*next++);
                bytes.erase(0, size);
            }
        }
    }

    remora::detail::run_directory directory_{run_parent()};
    std::vector<remora::detail::unique_fd> fds_;  ///< of each pair: reader, writer; up, down
};

}  // namespace test
