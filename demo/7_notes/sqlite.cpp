// SPDX-License-Identifier: MIT
#include "sqlite.hpp"

#include <sqlite3.h>

#include <system_error>

namespace notes {

namespace {

std::errc meaning_of(int code) {
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return std::errc::device_or_resource_busy;
        case SQLITE_FULL:
            return std::errc::no_space_on_device;
        case SQLITE_NOMEM:
            return std::errc::not_enough_memory;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH:
            return std::errc::permission_denied;
        case SQLITE_ERROR:  // of a query for FTS5
        case SQLITE_NOTADB:
            return std::errc::invalid_argument;
        default:
            return std::errc::io_error;
    }
}

// The text of a failure is that of SQLite, without that of the code.
void check(int code, sqlite3* database) {
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
    throw std::system_error(std::make_error_code(meaning_of(code)), sqlite3_errmsg(database));
}

}  // namespace

statement::statement(sqlite3* database, const char* sql) : database_(database) {
    check(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr),
          database);
}

statement::~statement() {
    sqlite3_finalize(statement_);
}

void statement::reset() {
    sqlite3_reset(statement_);  // says again how the last run has ended
    sqlite3_clear_bindings(statement_);
}

bool statement::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    try {
        check(code, database_);
    } catch (...) {
        reset();
        throw;
    }
    reset();
    return false;
}

void statement::run() {
    while (step()) {
    }
}

void statement::bind(int index, std::int64_t value) {
    check(sqlite3_bind_int64(statement_, index, value), database_);
}

void statement::bind(int index, const std::string& value) {
    check(sqlite3_bind_text64(statement_, index, value.data(), value.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8),
          database_);
}

std::int64_t statement::number(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes ? std::string(bytes, size) : std::string();
}

connection::connection(const std::string& path) {
    const int code = sqlite3_open(path.c_str(), &handle_);
    if (code == SQLITE_OK) return;
    const std::error_code why(sqlite3_system_errno(handle_), std::system_category());
    const std::string text = sqlite3_errmsg(handle_);
    sqlite3_close(handle_);
    throw std::system_error(why ? why : make_error_code(meaning_of(code)), text);
}

connection::~connection() {
    sqlite3_close(handle_);
}

void connection::execute(const char* sql) {
    check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr), handle_);
}

std::int64_t connection::number_of(const char* sql) {
    statement query(handle_, sql);
    return query.step() ? query.number(0) : 0;
}

std::int64_t connection::last_id() const {
    return sqlite3_last_insert_rowid(handle_);
}

}  // namespace notes
