// SPDX-License-Identifier: MIT
#include "cluster_store.hpp"

#include "words.hpp"

#include <remora/archive.hpp>
#include <remora/run_on.hpp>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace notes {

namespace {

std::mt19937_64 seeded() {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
}

}  // namespace

void cluster_store::patience::check() const {
    if (std::chrono::steady_clock::now() < end_) return;
    throw std::system_error(std::make_error_code(std::errc::timed_out),
                            "the cluster takes no changes");
}

cluster_store::cluster_store(const cluster& where, int replicas)
    : bucket_(where, replicas),
      mirror_(bucket_, [this](change what) { changes().send(std::move(what)); }),
      random_(seeded()) {
}

cluster_store::~cluster_store() {
    thread_.join();
}

bool cluster_store::write(const kept& value, std::uint64_t last) {
    remora::byte_buffer bytes;
    remora::encode(bytes, value);
    return bucket_.write(std::to_string(value.what.id), bytes.bytes(), last);
}

// Of several workers that try a number one gets it.
std::int64_t cluster_store::write_added(note what) {
    kept mine{.added_by = random_(), .what = std::move(what)};
    const patience left;
    do {
        mine.what.id = std::max(last_id_, mirror_.last_id()) + 1;
    } while (!has_written(mine, left));
    return last_id_ = mine.what.id;
}

// False if somebody else has its number. What nobody has acknowledged may still be on its way: it
// is tried again under the same number, so that it cannot be there twice.
bool cluster_store::has_written(const kept& mine, const patience& left) {
    while (!write(mine, 0)) {
        mirror_.catch_up();
        if (const auto there = mirror_.find(mine.what.id))
            return there->value.added_by == mine.added_by;
        left.check();
    }
    return true;
}

// Of several workers that remove a note one has done it.
bool cluster_store::write_removed(std::int64_t id) {
    const auto me = random_();
    for (const patience left;; left.check()) {
        mirror_.catch_up();
        auto there = mirror_.find(id);
        if (!there) return false;
        if (there->value.removed_by != 0) return there->value.removed_by == me;
        there->value.removed_by = me;
        there->value.what.text.clear();
        if (write(there->value, there->revision)) return true;
    }
}

asio::awaitable<std::vector<std::int64_t>> cluster_store::write_all(std::vector<note> notes) {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    std::vector<std::int64_t> ids;
    for (auto& each : notes) {
        ids.push_back(write_added(std::move(each)));
        co_await asio::post(thread_, asio::use_awaitable);  // others do not wait for all of them
    }
    co_return ids;
}

template <class Work>
auto cluster_store::work(Work now) -> asio::awaitable<decltype(now())> {
    co_return now();
}

// Sees all that was acknowledged before, by whichever worker. The next page need not see more.
std::vector<note> cluster_store::page(std::int64_t after, const mirror::filter& matches) {
    if (after == 0) mirror_.catch_up();
    return mirror_.page(after, matches);
}

asio::awaitable<std::vector<std::int64_t>> cluster_store::add(std::vector<note> notes) {
    return remora::run_on(thread_.get_executor(), write_all(std::move(notes)));
}

asio::awaitable<bool> cluster_store::remove(std::int64_t id) {
    return remora::run_on(thread_.get_executor(), work([this, id] { return write_removed(id); }));
}

asio::awaitable<std::int64_t> cluster_store::count() {
    return remora::run_on(thread_.get_executor(), work([this] {
                              mirror_.catch_up();
                              return mirror_.count();
                          }));
}

asio::awaitable<std::vector<note>> cluster_store::list(std::int64_t after) {
    return remora::run_on(thread_.get_executor(),
                          work([this, after] { return page(after, [](auto&) { return true; }); }));
}

asio::awaitable<std::vector<note>> cluster_store::find(std::string words, std::int64_t after) {
    return remora::run_on(
        thread_.get_executor(), work([this, wanted = query(words), after] {
            return page(after, [&](const note& each) { return wanted.matches(each.text); });
        }));
}

asio::awaitable<void> cluster_store::watch() {
    return remora::run_on(thread_.get_executor(), work([this] { mirror_.catch_up(); }));
}

}  // namespace notes
