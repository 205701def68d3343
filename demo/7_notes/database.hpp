// SPDX-License-Identifier: MIT
// The database of notes: a table, its words in FTS5, and what was removed. For one thread.
#pragma once

#include "protocol.hpp"
#include "sqlite.hpp"

#include <string>
#include <vector>

namespace notes {

class database {
public:
    // Opens the file, or makes it. Throws std::system_error for one that is no database of notes.
    explicit database(const std::string& path);

    // Nothing is kept before commit(); then it is on the disk.
    void begin() { connection_.execute("BEGIN IMMEDIATE"); }
    void commit() { connection_.execute("COMMIT"); }
    void roll_back() noexcept;
    std::int64_t add(const note& what);
    bool remove(std::int64_t id);

    std::int64_t count() { return connection_.number_of("SELECT count(*) FROM notes"); }
    std::vector<note> list(std::int64_t after);
    std::vector<note> find(const std::string& query, std::int64_t after);

    // What was committed since the last time, by others, too.
    std::vector<change> changes();
    // Whether others have committed anything since the last time.
    bool has_changed();

private:
    connection connection_;
    statement add_, remove_, list_, find_, added_, removed_;
    std::int64_t last_added_, last_removed_, version_;
};

}  // namespace notes
