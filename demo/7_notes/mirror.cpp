// SPDX-License-Identifier: MIT
#include "mirror.hpp"

#include <remora/archive.hpp>

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

namespace notes {

namespace {

using namespace std::chrono_literals;

// What is no note takes a number, too.
kept read(std::span<const std::byte> bytes) try {
    return remora::decode<kept>(bytes);
} catch (const remora::error&) {
    return {.added_by = 0, .removed_by = 1, .what = {}};
}

// 0 for the fence.
std::int64_t id_of(std::string_view key) {
    std::int64_t id = 0;
    std::from_chars(key.begin(), key.end(), id);
    return id;
}

}  // namespace

mirror::mirror(bucket& of, change_function tell)
    : bucket_(of), tell_(std::move(tell)), thread_([this] { run(); }) {
    try {
        catch_up();
    } catch (...) {
        is_over_ = true;
        thread_.join();
        throw;
    }
    const std::lock_guard lock(mutex_);
    is_told_ = true;
}

mirror::~mirror() {
    is_over_ = true;
    thread_.join();
}

void mirror::catch_up() {
    const auto revision = bucket_.fence();
    std::unique_lock lock(mutex_);
    if (advanced_.wait_for(lock, 20s, [&] { return revision_ >= revision; })) return;
    throw std::system_error(std::make_error_code(std::errc::timed_out),
                            "the notes are not up to date");
}

std::int64_t mirror::last_id() const {
    const std::lock_guard lock(mutex_);
    return entries_.empty() ? 0 : entries_.rbegin()->first;
}

std::int64_t mirror::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

std::optional<mirror::entry> mirror::find(std::int64_t id) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<note> mirror::page(std::int64_t after, const filter& matches) const {
    const std::lock_guard lock(mutex_);
    std::vector<note> found;
    std::size_t size = 0;  // 1 MiB is enough for a page
    for (auto at = entries_.upper_bound(after);
         at != entries_.end() && found.size() < 100 && size < (1u << 20); ++at) {
        const kept& value = at->second.value;
        if (value.removed_by != 0 || !matches(value.what)) continue;
        found.push_back(value.what);
        size += value.what.text.size();
    }
    return found;
}

// A watch that has lost its server may stay silent: then it begins anew.
void mirror::run() {
    while (!is_over_) {
        const auto watched = bucket_.watch();
        if (!watched) std::this_thread::sleep_for(100ms);
        expected_ = 0;
        while (watched && !is_over_ && follow(watched.get())) {
        }
    }
}

bool mirror::follow(kvWatcher* watched) {
    kvEntry* arrived = nullptr;
    const auto status = kvWatcher_Next(&arrived, watched, 500);
    if (status == NATS_TIMEOUT) return !is_stale();
    if (status == NATS_OK && arrived) take(arrived);  // null: what was there is over
    return status == NATS_OK;
}

// If what was written before the last silence has not come in this one, either.
bool mirror::is_stale() {
    if (revision_ < expected_) return true;
    expected_ = bucket_.last_revision();
    return false;
}

void mirror::take(kvEntry* arrived) {
    const std::unique_ptr<kvEntry, destroyer<kvEntry_Destroy>> held(arrived);
    const auto id = id_of(kvEntry_Key(arrived));
    entry now{.revision = kvEntry_Revision(arrived), .value = {}};
    if (now.revision <= revision_) return;  // seen, before the watch began anew
    if (id != 0) {
        const auto* const data = static_cast<const char*>(kvEntry_Value(arrived));
        const auto bytes =
            std::as_bytes(std::span(data, static_cast<std::size_t>(kvEntry_ValueLen(arrived))));
        now.value = read(bytes);
    }
    apply(id, std::move(now));
}

void mirror::apply(std::int64_t id, entry now) {
    const std::lock_guard lock(mutex_);
    revision_ = now.revision;
    advanced_.notify_all();
    if (id == 0) return;
    const bool was_there = entries_.contains(id) && entries_[id].value.removed_by == 0;
    const bool is_there = now.value.removed_by == 0;
    count_ += is_there - was_there;
    if (is_told_ && is_there && !was_there) tell_(added{now.value.what});
    if (is_told_ && was_there && !is_there) tell_(removed{id});
    entries_[id] = std::move(now);
}

}  // namespace notes
