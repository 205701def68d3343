// SPDX-License-Identifier: MIT
#include "database.hpp"

#include <chrono>
#include <system_error>
#include <thread>

namespace notes {

namespace {

constexpr std::int64_t application_id = 0x6e6f7465;  // "note"

// Triggers keep the words in step with the notes, in the same transaction.
constexpr const char* schema = R"(
    CREATE TABLE notes(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, text NOT NULL);
    CREATE TABLE removed(turn INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL);
    CREATE VIRTUAL TABLE words USING fts5(text, content='notes', content_rowid='id');
    CREATE TRIGGER notes_added AFTER INSERT ON notes BEGIN
        INSERT INTO words(rowid, text) VALUES(new.id, new.text);
    END;
    CREATE TRIGGER notes_removed AFTER DELETE ON notes BEGIN
        INSERT INTO words(words, rowid, text) VALUES('delete', old.id, old.text);
        INSERT INTO removed(id) VALUES(old.id);
    END;
    PRAGMA application_id = 1852798053)";

bool is_empty(connection& opened) {
    return opened.number_of("SELECT count(*) FROM sqlite_master") == 0;
}

// For this SQLite does not wait while another server does the same: the busy timeout has no effect.
void write_ahead(connection& opened) {
    for (int left = 100;; --left) {
        try {
            return opened.execute("PRAGMA journal_mode = WAL");
        } catch (const std::system_error& e) {
            if (left == 0 || e.code() != std::errc::device_or_resource_busy) throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

// A file that is empty becomes one; of two servers that find it so the first makes the tables.
// Nothing else is changed.
sqlite3* prepare(connection& opened) {
    opened.execute("PRAGMA busy_timeout = 10000");
    if (!is_empty(opened) && opened.number_of("PRAGMA application_id") != application_id)
        throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                                "it is the database of another program");
    write_ahead(opened);
    opened.execute("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
    if (is_empty(opened)) opened.execute(schema);
    opened.execute("COMMIT");
    return opened;
}

// A page of them. The reader may take its time: the query does not stay open.
std::vector<note> rows_of(statement& query) {
    std::vector<note> found;
    std::size_t size = 0;  // 1 MiB is enough for a page
    while (found.size() < 100 && size < (1u << 20) && query.step()) {
        found.push_back({query.number(0), query.number(1), query.text(2)});
        size += found.back().text.size();
    }
    query.reset();
    return found;
}

}  // namespace

database::database(const std::string& path)
    : connection_(path),
      add_(prepare(connection_), "INSERT INTO notes(time, text) VALUES(?, ?)"),
      remove_(connection_, "DELETE FROM notes WHERE id = ?"),
      list_(connection_, "SELECT id, time, text FROM notes WHERE id > ? ORDER BY id LIMIT 100"),
      find_(connection_,
            "SELECT notes.id, time, notes.text FROM words JOIN notes ON notes.id = words.rowid "
            "WHERE words MATCH ? AND words.rowid > ? ORDER BY words.rowid LIMIT 100"),
      added_(connection_, "SELECT id, time, text FROM notes WHERE id > ? ORDER BY id"),
      removed_(connection_, "SELECT turn, id FROM removed WHERE turn > ? ORDER BY turn"),
      last_added_(connection_.number_of("SELECT max(seq) FROM sqlite_sequence WHERE name='notes'")),
      last_removed_(connection_.number_of("SELECT max(turn) FROM removed")),
      version_(connection_.number_of("PRAGMA data_version")) {
}

void database::roll_back() noexcept try {
    connection_.execute("ROLLBACK");
} catch (const std::system_error&) {  // SQLite has done it by itself
}

std::int64_t database::add(const note& what) {
    add_(what.time, what.text).run();
    return connection_.last_id();
}

bool database::remove(std::int64_t id) {
    remove_(id).run();
    return connection_.number_of("SELECT changes()") != 0;
}

std::vector<note> database::list(std::int64_t after) {
    return rows_of(list_(after));
}

std::vector<note> database::find(const std::string& query, std::int64_t after) {
    return rows_of(find_(query, after));
}

std::vector<change> database::changes() {
    std::vector<change> all;
    for (added_(last_added_); added_.step(); last_added_ = added_.number(0))
        all.emplace_back(added{{added_.number(0), added_.number(1), added_.text(2)}});
    for (removed_(last_removed_); removed_.step(); last_removed_ = removed_.number(0))
        all.emplace_back(removed{removed_.number(1)});
    return all;
}

bool database::has_changed() {
    const auto before = version_;
    version_ = connection_.number_of("PRAGMA data_version");
    return version_ != before;
}

}  // namespace notes
