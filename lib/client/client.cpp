// SPDX-License-Identifier: MIT
#include <remora/client.hpp>

#include "client/client_session.hpp"

#include <remora/detail/call/call_access.hpp>
#include <remora/run_on.hpp>

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace remora {
namespace {

constexpr std::string_view option = "--remora.pipes=";

// The first client of the process takes the address: there is none for another one.
std::atomic<bool> address_taken = false;

// Not for the app's own children either.
std::string extract_trace() {
    const char* const value = ::secure_getenv(detail::trace_file::variable);
    const std::string address = value == nullptr ? "" : value;
    ::unsetenv(detail::trace_file::variable);
    return address;
}

// The directory of the pipes. The option is taken out of argv; the variable, out of the
// environment, so that the app's own children do not find it.
std::string extract_directory(int& argc, char** argv) {
    std::string directory;
    if (const char* const value = std::getenv("REMORA_PIPES")) directory = value;
    ::unsetenv("REMORA_PIPES");
    int kept = 0;
    bool found = false;
    for (int i = 0; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (i > 0 && !found && word.starts_with(option)) {
            directory = word.substr(option.size());
            found = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    if (kept < argc) argv[kept] = nullptr;
    argc = kept;
    while (directory.size() > 1 && directory.ends_with('/'))
        directory.pop_back();  // with one at the end a link would be followed
    if (!directory.empty()) address_taken = true;
    return directory;
}

}  // namespace

client::client(asio::io_context& io, int& argc, char** argv, client_options options)
    : client(io.get_executor(), argc, argv, std::move(options)) {
}

client::client(asio::any_io_executor executor, int& argc, char** argv, client_options options)
    : session_(std::make_shared<detail::client_session>(std::move(executor), std::move(options))) {
    detail::check_limits(session_->options().limits);
    detail::check_call_timeout(session_->options().call_timeout);
    const std::string directory = extract_directory(argc, argv);
    const std::string trace = extract_trace();
    if (directory.empty()) {
        session_->no_server(address_taken);
    } else {
        if (!trace.empty()) session_->trace_into(trace);
        session_->start_handshake(directory);
    }
}

asio::any_io_executor client::get_executor() const noexcept {
    return session_->executor();
}

client::~client() {
    asio::dispatch(session_->strand(), [session = session_] { session->hang_up(); });
}

namespace {
asio::awaitable<pipe> connect_to(std::shared_ptr<detail::client_session> session, std::string name,
                                 connect_options options) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    auto opening = detail::client_session::open(session, executor, std::move(name), options);
    auto end = co_await run_on(session->strand(), std::move(opening));
    co_return detail::call_access::make_pipe(std::move(end));
}
}  // namespace

asio::awaitable<std::vector<std::string>> client::services() {
    return run_on(session_->strand(), detail::client_session::list(session_));
}

asio::awaitable<pipe> client::connect(std::string name, connect_options options) {
    return connect_to(session_, std::move(name), options);
}

}  // namespace remora
