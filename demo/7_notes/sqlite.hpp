// SPDX-License-Identifier: MIT
// A little C++ around SQLite's connections and statements. Failures are std::system_error.
#pragma once

#include <cstdint>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace notes {

// A statement that is compiled once. Not to be used by two at a time.
class statement {
public:
    statement(sqlite3* database, const char* sql);
    ~statement();
    statement(const statement&) = delete;
    statement& operator=(const statement&) = delete;

    // Begins anew, with these values in place of the question marks.
    template <class... Values>
    statement& operator()(const Values&... values) {
        reset();
        int index = 0;
        (bind(++index, values), ...);
        return *this;
    }
    // Goes on to the next row. False if there is none.
    bool step();
    // Ends it before its last row.
    void reset();
    // step() to the end, for one whose rows are of no interest.
    void run();
    std::int64_t number(int column) const;
    std::string text(int column) const;

private:
    void bind(int index, std::int64_t value);
    void bind(int index, const std::string& value);

    sqlite3* database_;
    sqlite3_stmt* statement_ = nullptr;
};

class connection {
public:
    // Opens the file, or makes it.
    explicit connection(const std::string& path);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Executes any number of statements that have no rows of interest.
    void execute(const char* sql);
    // The number that a statement has as its only row.
    std::int64_t number_of(const char* sql);
    std::int64_t last_id() const;
    operator sqlite3*() const { return handle_; }

private:
    sqlite3* handle_ = nullptr;
};

}  // namespace notes
