// SPDX-License-Identifier: MIT
#include "server/server_core.hpp"

#include "base/exceptions.hpp"
#include "base/executors.hpp"
#include "base/print_line.hpp"
#include "server/app_session.hpp"

#include <algorithm>
#include <set>

namespace remora::detail {

server_core::server_core(asio::any_io_executor where, server_options what)
    : executor(std::move(where)),
      strand(as_strand(executor)),
      options(std::move(what)),
      emit(with_log(options.on_event, "server")) {
}

void server_core::serve(const std::string& name, service_entry entry) {
    services_[name] = std::move(entry);
    if (const auto app = current.lock()) app->connections().name_served(name);
}

bool server_core::is_known(const std::string& name) const {
    return services_.contains(name) || listeners_.contains(name);
}

const service_entry* server_core::service(const std::string& name) const {
    const auto found = services_.find(name);
    return found == services_.end() ? nullptr : &found->second;
}

std::set<std::string_view> server_core::names() const {
    std::set<std::string_view> all;
    for (const auto& [known, entry] : services_)
        all.insert(known);
    for (const auto& [known, listener] : listeners_)
        all.insert(known);
    return all;
}

wire::name_list server_core::names_after(const std::string& name) const {
    constexpr std::size_t at_once = 256;
    const auto all = names();
    wire::name_list some;
    for (auto next = all.upper_bound(name); next != all.end(); ++next) {
        some.more = some.names.size() == at_once;
        if (some.more) break;
        some.names.emplace_back(*next);
    }
    return some;
}

// So that it can be shown whole.
std::string server_core::names_in_words() const {
    constexpr std::size_t most_names = 8, most_bytes = 180;
    const auto all = names();
    std::string words;
    std::size_t count = 0;
    for (const std::string_view name : all) {
        if (count == most_names || words.size() + name.size() > most_bytes) break;
        words += (count++ == 0 ? "" : ", ") + std::string(name);
    }
    if (count < all.size()) words += " and " + std::to_string(all.size() - count) + " more";
    return words.empty() ? "nothing" : words;
}

listener& server_core::listen(const std::string& name) {
    const bool is_new = !is_known(name);
    listener& here = listeners_.try_emplace(name, name).first->second;
    const auto app = current.lock();
    if (is_new && app) app->connections().name_served(name);
    return here;
}

asio::awaitable<listener*> server_core::await_pipe(std::shared_ptr<server_core> self,
                                                   std::string name) {
    listener& here = self->listen(name);
    while (!self->has_pipe(here)) {
        co_await here.waiting.wait();
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
    co_return &here;
}

bool server_core::has_pipe(const listener& here) {
    const std::lock_guard lock(handing_over);
    return !here.to_accept.empty();
}

end_ptr server_core::accept_next(listener& here, const asio::any_io_executor& executor) {
    const std::lock_guard lock(handing_over);
    if (here.to_accept.empty()) return nullptr;
    pipe_to_accept taken = std::move(here.to_accept.front());
    here.to_accept.pop_front();
    return taken.app->connections().make_pipe(executor, std::move(taken.ends), taken.id, here.name,
                                              {});
}

// Whoever comes first takes it; the others go on waiting.
void server_core::add_pipe(const std::string& name, pipe_to_accept pipe) {
    listener& here = listeners_.at(name);
    {
        const std::lock_guard lock(handing_over);
        here.to_accept.push_back(std::move(pipe));
    }
    here.waiting.notify_all();
}

void server_core::forget(const app_session& app) {
    const std::lock_guard lock(handing_over);
    for (auto& [name, here] : listeners_) {
        std::erase_if(here.to_accept, [&](const auto& pipe) { return pipe.app.get() == &app; });
    }
}

std::size_t server_core::count_to_accept(const app_session& app) const {
    std::size_t count = 0;
    for (const auto& [name, here] : listeners_) {
        count += static_cast<std::size_t>(std::ranges::count(
            here.to_accept, &app, [](const auto& pipe) { return pipe.app.get(); }));
    }
    return count;
}

void server_core::report_failure(std::string_view name, std::exception_ptr why) const {
    if (options.on_failure) return options.on_failure(name, why);
    std::string text = "an exception";
    try {
        std::rethrow_exception(why);
    } catch (const std::exception& e) {
        text = e.what();
    } catch (...) {
    }
    print_line("remora: service " + quote(name) + " failed: " + text);
}

asio::any_io_executor server_core::connection_executor(const service_entry& entry) {
    if (entry.options.executor) return entry.options.executor;
    if (single_threaded) return executor;
    return as_strand(executor);
}

}  // namespace remora::detail
