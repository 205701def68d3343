// SPDX-License-Identifier: MIT
// All notes of a bucket, kept in memory by a thread that watches the bucket.
#pragma once

#include "bucket.hpp"
#include "store.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace notes {

// The value of a key, which is the number of the note.
struct kept {
    // Numbers of these changes' own, by which who made them knows them again. A key stays when its
    // note was removed, so that its number is not given again.
    std::uint64_t added_by = 0;
    std::uint64_t removed_by = 0;  // 0: it was not
    note what;
};

class mirror {
public:
    using filter = std::function<bool(const note&)>;
    using change_function = std::function<void(change)>;

    // Waits until all that is there has been read. `tell` is called with what changes from then on,
    // on the thread. Throws timed_out.
    mirror(bucket& of, change_function tell);
    ~mirror();

    // Waits until all that was written before the call, by whomever, is here. Throws timed_out.
    void catch_up();
    // The largest number that was ever given.
    std::int64_t last_id() const;
    std::int64_t count() const;
    struct entry {
        std::uint64_t revision = 0;
        kept value;
    };
    std::optional<entry> find(std::int64_t id) const;
    // The first notes behind `after` that match, not too many.
    std::vector<note> page(std::int64_t after, const filter& matches) const;

private:
    void run();
    bool follow(kvWatcher* watched);
    bool is_stale();
    void take(kvEntry* arrived);
    void apply(std::int64_t id, entry now);

    bucket& bucket_;
    const change_function tell_;
    mutable std::mutex mutex_;
    std::condition_variable advanced_;
    std::map<std::int64_t, entry> entries_;  // of notes that were removed, too
    std::int64_t count_ = 0;
    std::uint64_t revision_ = 0;
    bool is_told_ = false;        // there are no changes before all that was there is read
    std::uint64_t expected_ = 0;  // what a server has written, and was not here then
    std::atomic<bool> is_over_ = false;
    std::thread thread_;
};

}  // namespace notes
