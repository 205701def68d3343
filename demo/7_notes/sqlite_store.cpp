// SPDX-License-Identifier: MIT
#include "sqlite_store.hpp"

#include <remora/run_on.hpp>

#include <chrono>
#include <utility>

namespace notes {

sqlite_store::sqlite_store(const std::string& path) : database_(path) {
}

sqlite_store::~sqlite_store() {
    asio::post(thread_, [this] {
        is_over_ = true;
        pause_.cancel();
    });
    thread_.join();
}

// A read sees what is safe, and nothing else.
template <class Work>
auto sqlite_store::read(Work work) -> asio::awaitable<decltype(work())> {
    commit();
    co_return work();
}

// Those that wait for the thread write into one transaction, and the first of them commits it for
// all: a commit takes as long for many as for one. What has begun is not cancelled.
template <class Work>
auto sqlite_store::write(Work work) -> asio::awaitable<decltype(work())> {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    const auto mine = join();
    decltype(work()) result{};
    try {
        result = work();
    } catch (...) {
        fail();
    }
    co_await asio::post(thread_, asio::use_awaitable);  // now they write
    if (open_ == mine) commit();
    if (mine->failure) std::rethrow_exception(mine->failure);
    co_return result;
}

sqlite_store::transaction_ptr sqlite_store::join() {
    if (!open_) {
        database_.begin();
        open_ = std::make_shared<transaction>();
    }
    return open_;
}

void sqlite_store::commit() noexcept {
    if (!open_) return;
    try {
        database_.commit();
    } catch (...) {
        return fail();
    }
    open_ = nullptr;
    tell();
}

// Of all that have written into the transaction: nothing of it is kept.
void sqlite_store::fail() noexcept {
    database_.roll_back();
    std::exchange(open_, nullptr)->failure = std::current_exception();
}

void sqlite_store::tell() noexcept try {
    for (auto& each : database_.changes())
        changes().send(std::move(each));
} catch (...) {  // some are lost
    changes().close();
}

void sqlite_store::begin_to_look() {
    tell();
    if (std::exchange(is_looking_, true)) return;
    asio::co_spawn(thread_, look_for_changes(), [this](std::exception_ptr) { changes().close(); });
}

// Others, with a server of their own, may share the file. A look sees what is safe, as a read does.
asio::awaitable<void> sqlite_store::look_for_changes() {
    while (!is_over_) {
        pause_.expires_after(std::chrono::milliseconds(200));
        co_await pause_.async_wait(asio::use_awaitable);  // throws at the end of the store
        commit();
        if (database_.has_changed()) tell();
    }
}

asio::awaitable<std::vector<std::int64_t>> sqlite_store::add(std::vector<note> notes) {
    auto work = write([this, notes = std::move(notes)] {
        std::vector<std::int64_t> ids;
        for (const auto& each : notes)
            ids.push_back(database_.add(each));
        return ids;
    });
    return remora::run_on(thread_.get_executor(), std::move(work));
}

asio::awaitable<bool> sqlite_store::remove(std::int64_t id) {
    return remora::run_on(thread_.get_executor(),
                          write([this, id] { return database_.remove(id); }));
}

asio::awaitable<std::int64_t> sqlite_store::count() {
    return remora::run_on(thread_.get_executor(), read([this] { return database_.count(); }));
}

asio::awaitable<std::vector<note>> sqlite_store::list(std::int64_t after) {
    return remora::run_on(thread_.get_executor(),
                          read([this, after] { return database_.list(after); }));
}

asio::awaitable<std::vector<note>> sqlite_store::find(std::string query, std::int64_t after) {
    return remora::run_on(thread_.get_executor(), read([this, query = std::move(query), after] {
                              return database_.find(query, after);
                          }));
}

asio::awaitable<void> sqlite_store::watch() {
    return remora::run_on(thread_.get_executor(), read([this] { begin_to_look(); }));
}

}  // namespace notes
