// SPDX-License-Identifier: MIT
#include <remora/pipe.hpp>

#include "transport/in_process.hpp"
#include "wire/control_records.hpp"

#include <remora/detail/call/call_access.hpp>
#include <remora/detail/call/call_session.hpp>
#include <remora/service.hpp>

namespace remora {

const std::shared_ptr<detail::pipe_end>& detail::call_access::end_of(const pipe& which) {
    return which.checked();
}

pipe detail::call_access::make_pipe(std::shared_ptr<pipe_end> end) noexcept {
    return pipe(std::move(end));
}

pipe& pipe::operator=(pipe&& other) noexcept {
    if (this != &other) {
        if (end_) end_->handle_gone();
        end_ = std::move(other.end_);
    }
    return *this;
}

pipe::~pipe() {
    if (end_) end_->handle_gone();
}

const pipe::end_ptr& pipe::checked() const {
    if (!end_)
        detail::throw_error(errc::closed, "a pipe that was never opened, or has been moved from");
    return end_;
}

writable_bytes pipe::allocate(std::size_t size) {
    return detail::block_access::make(checked()->allocate(size));
}

namespace {
asio::awaitable<void> wait_readable(std::shared_ptr<detail::pipe_end> end,
                                    receive_options options) {
    const detail::pipe_state::receiving guard(*end);
    const auto until = detail::deadline_of(options.timeout);
    const auto how = detail::peeking_before(options.timeout);
    for (;;) {
        if (end->must_yield_after()) co_await end->yield_to_receive();
        if (end->has_news(how)) co_return;
        if (!end->poll_briefly()) co_await end->wait_message(until);
    }
}
}  // namespace

asio::awaitable<void> pipe::readable(receive_options options) {
    return wait_readable(checked(), options);
}

bool pipe::skip() {
    const detail::pipe_state::receiving guard(*checked());
    if (end_->peek_frame() == nullptr) return false;
    end_->pop_frame();
    return true;
}

asio::awaitable<void> pipe::close() {
    return detail::close_end(checked());
}

void pipe::attach(const service& what) {
    detail::call_session::attach(checked(), detail::call_access::handlers_of(what), what.options());
}

namespace {
asio::awaitable<void> serve_end(std::shared_ptr<detail::pipe_end> end, detail::service_ptr services,
                                service_options options) {
    detail::call_session::attach(end, std::move(services), options);
    co_await detail::call_session::wait_over(end);
}
}  // namespace

asio::awaitable<void> pipe::serve(const service& what) {
    return serve_end(checked(), detail::call_access::handlers_of(what), what.options());
}

asio::awaitable<void> pipe::finished() {
    return detail::call_session::wait_over(checked());
}

pipe_counts pipe::counts() const noexcept {
    return end_ ? end_->counts() : pipe_counts{};
}

bool served_call::is_cancelled() const {
    return until_ <= clock::now() || !pipe_.end_ || pipe_.end_->dispatcher->is_cancelled(id_);
}

asio::awaitable<served_call> this_call() {
    const auto* const serves = detail::call_context_of(co_await asio::this_coro::executor);
    if (serves == nullptr || serves->end == nullptr)
        detail::throw_error(errc::bad_option, "this_call: this is no coroutine of a handler");
    co_return served_call(serves->end->shared_from_this(), serves->id, serves->until);
}

std::pair<pipe, pipe> make_pipe_pair(const asio::any_io_executor& executor, const std::string& name,
                                     const pipe_limits& limits) {
    detail::check_limits(limits);
    auto [one, other] = detail::make_in_process_transports(executor);
    const auto make = [&](std::unique_ptr<detail::transport> over) {
        const auto end = std::make_shared<detail::pipe_end>(executor, std::move(over), name, limits,
                                                            errc::broken_pipe);
        end->set_features(wire::all_features);
        return detail::call_access::make_pipe(end);
    };
    return {make(std::move(one)), make(std::move(other))};
}

std::pair<pipe, pipe> make_pipe_pair(asio::io_context& io, const std::string& name,
                                     const pipe_limits& limits) {
    return make_pipe_pair(io.get_executor(), name, limits);
}

}  // namespace remora
