// SPDX-License-Identifier: MIT
// The services on the connections, from the open pipe to their end.
#include "base/exceptions.hpp"
#include "call/dropped_messages.hpp"
#include "process/effective_user.hpp"
#include "server/app_session.hpp"
#include "server/connection.hpp"

#include <remora/detail/call/call_access.hpp>

namespace remora::detail {
namespace {

event failure_of(const std::string& name, std::uint64_t id, const std::exception_ptr& why) {
    event news{.kind = event_kind::service_failed, .pipe = name, .connection = id};
    try {
        if (why) std::rethrow_exception(why);
    } catch (const std::system_error& e) {
        news.code = e.code();
        news.text = e.what();
    } catch (const std::exception& e) {
        news.code = errc::service_failed;
        news.text = e.what();
    } catch (...) {
        news.code = errc::service_failed;
    }
    return news;
}

}  // namespace

end_ptr connection_table::make_pipe(const asio::any_io_executor& executor, transport_parts ends,
                                    std::uint64_t id, const std::string& name,
                                    const serve_options& options) {
    const auto kind = ends.rings ? transport_kind::shared_memory : transport_kind::fifo;
    const auto end = std::make_shared<pipe_end>(executor, make_transport(executor, std::move(ends)),
                                                name, limits_, errc::app_gone,
                                                options.waiting.value_or(server_.options.waiting));
    end->default_timeout = options.call_timeout.value_or(server_.options.call_timeout);
    end->set_features(features_);
    end->life = app_.life();
    end->on_dropped = how_to_tell_dropped(app_.weak_from_this(), name, id);
    if (auto trace = app_.trace_of(name, id)) {
        trace->opened(pipe_trace::way::received, id);
        end->set_trace(std::move(trace));
    }
    if (pipes_failed_) end->fail(*pipes_failed_);
    pipes_.push_back({end, id, kind, std::chrono::steady_clock::now()});
    return end;
}

// A copy: the function that makes one may have the name served by another.
service_entry connection_table::choose_service(std::uint64_t id, const std::string& name) {
    const service_entry* const known = server_.service(name);
    if (known == nullptr) return {};
    service_entry mine = *known;
    const int pid = app_.process().pid_of_app();
    if (mine.make) mine.function = mine.make({name, id, pid, effective_user(pid)});
    return mine;
}

void connection_table::service_not_made(std::uint64_t id, const std::string& name,
                                        std::exception_ptr why) {
    const event news = failure_of(name, id, why);
    app_.emit(news);
    reject(id, name, {news.code, news.text});
    server_.report_failure(name, why);
}

void connection_table::start_service(opening& next) {
    const auto c = std::make_shared<served_connection>();
    c->id = next.id;
    c->name = next.name;
    {
        const std::lock_guard lock(server_.handing_over);
        c->end = make_pipe(server_.connection_executor(next.service), std::move(next.ends), next.id,
                           next.name, next.service.options);
    }
    served_[c->id] = c;
    const std::shared_ptr<canceller> stop(c, &c->stop);
    try {
        asio::co_spawn(
            c->end->executor(), canceller::run(stop, serve(c, std::move(next.service.function))),
            asio::bind_cancellation_slot(
                c->stop.slot(), [c, kept = app_.shared_from_this()](std::exception_ptr) {}));
    } catch (...) {
        served_.erase(c->id);
        throw;
    }
}

asio::awaitable<void> connection_table::serve(std::shared_ptr<served_connection> c,
                                              server::service_function service) {
    std::exception_ptr why;
    try {
        c->end->defer_close();
        co_await service(call_access::make_pipe(c->end));
    } catch (...) {
        why = first_of(std::current_exception());
    }
    service = nullptr;  // with what it holds for this connection
    service_ended(c, why);
}

// On the pipe's executor. It is no failure of the service that the app has died or closed the pipe,
// nor that we have cancelled it.
void connection_table::service_ended(const std::shared_ptr<served_connection>& c,
                                     std::exception_ptr why) {
    event news = failure_of(c->name, c->id, why);
    const bool gone = news.code == errc::app_gone ||
                      (news.code == errc::closed && !c->end->is_closed() && !c->end->can_send());
    const bool cancelled = c->cancelled && news.code == asio::error::operation_aborted;
    if (news.code && !gone && !cancelled) {
        c->end->stop_deferring(errc::service_failed, news.text);
    } else {
        news.kind = event_kind::closed;
        c->end->stop_deferring({}, {});
        why = nullptr;
    }
    asio::dispatch(server_.strand, [this, kept = app_.shared_from_this(), news] {
        served_.erase(news.connection);
        app_.emit(news);
        notify_if_no_services();
    });
    if (why) server_.report_failure(c->name, why);
}

void connection_table::fail_pipes(errc why) {
    const std::lock_guard lock(server_.handing_over);
    pipes_failed_ = why;
    for (const auto& pipe : pipes_) {
        const auto end = pipe.end.lock();
        if (end) asio::post(end->executor(), [end, why] { end->fail(why); });
    }
}

void connection_table::app_ended() {
    pending_.clear();
    fail_pipes(errc::app_gone);
    for (const auto& next : opening_)
        next->give_up(errc::app_gone);
}

void connection_table::cancel_services() {
    for (const auto& [id, c] : served_) {
        asio::post(c->end->executor(), [c = c] {
            c->cancelled = true;
            c->stop.cancel();
        });
    }
}

void connection_table::notify_if_no_services() {
    if (!has_services()) stop_waiting();
}

}  // namespace remora::detail
