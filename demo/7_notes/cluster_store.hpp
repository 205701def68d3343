// SPDX-License-Identifier: MIT
// A store in a bucket of NATS, which many workers share. It has a thread of its own for what waits
// for the cluster.
#pragma once

#include "bucket.hpp"
#include "mirror.hpp"
#include "store.hpp"

#include <asio/thread_pool.hpp>

#include <chrono>
#include <random>

namespace notes {

class cluster_store : public store {
public:
    // Throws std::exception. `replicas` of a bucket that is made; 0: as many as the cluster takes.
    cluster_store(const cluster& where, int replicas);
    // Waits until what was begun is done.
    ~cluster_store() override;

    asio::awaitable<std::vector<std::int64_t>> add(std::vector<note> notes) override;
    asio::awaitable<bool> remove(std::int64_t id) override;
    asio::awaitable<std::int64_t> count() override;
    asio::awaitable<std::vector<note>> list(std::int64_t after) override;
    asio::awaitable<std::vector<note>> find(std::string query, std::int64_t after) override;
    asio::awaitable<void> watch() override;

private:
    // How long a change is tried.
    class patience {
    public:
        void check() const;  // throws timed_out

    private:
        std::chrono::steady_clock::time_point end_ =
            std::chrono::steady_clock::now() + std::chrono::seconds(20);
    };

    // All below run on the thread.
    template <class Work>
    static auto work(Work now) -> asio::awaitable<decltype(now())>;
    asio::awaitable<std::vector<std::int64_t>> write_all(std::vector<note> notes);
    std::int64_t write_added(note what);
    bool has_written(const kept& mine, const patience& left);
    bool write_removed(std::int64_t id);
    bool write(const kept& value, std::uint64_t last);
    std::vector<note> page(std::int64_t after, const mirror::filter& matches);

    bucket bucket_;
    mirror mirror_;
    std::int64_t last_id_ = 0;  // that this store has given
    std::mt19937_64 random_;
    asio::thread_pool thread_{1};
};

}  // namespace notes
