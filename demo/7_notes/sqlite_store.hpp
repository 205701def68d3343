// SPDX-License-Identifier: MIT
// A store in an SQLite database, which has a thread of its own: no pipe waits for the disk.
#pragma once

#include "database.hpp"
#include "store.hpp"

#include <asio/thread_pool.hpp>

#include <exception>
#include <memory>

namespace notes {

class sqlite_store : public store {
public:
    explicit sqlite_store(const std::string& path);
    // Waits until what was begun is done.
    ~sqlite_store() override;

    asio::awaitable<std::vector<std::int64_t>> add(std::vector<note> notes) override;
    asio::awaitable<bool> remove(std::int64_t id) override;
    asio::awaitable<std::int64_t> count() override;
    asio::awaitable<std::vector<note>> list(std::int64_t after) override;
    asio::awaitable<std::vector<note>> find(std::string query, std::int64_t after) override;
    asio::awaitable<void> watch() override;

private:
    struct transaction {
        std::exception_ptr failure;
    };
    using transaction_ptr = std::shared_ptr<transaction>;

    // All below run on the thread.
    template <class Work>
    auto read(Work work) -> asio::awaitable<decltype(work())>;
    template <class Work>
    auto write(Work work) -> asio::awaitable<decltype(work())>;
    transaction_ptr join();
    void commit() noexcept;
    void fail() noexcept;
    void tell() noexcept;
    void begin_to_look();
    asio::awaitable<void> look_for_changes();

    database database_;
    transaction_ptr open_;  // what has been written, and not committed yet; null: nothing
    bool is_looking_ = false;
    bool is_over_ = false;  // the store is about to end
    asio::thread_pool thread_{1};
    asio::steady_timer pause_{thread_};
};

}  // namespace notes
