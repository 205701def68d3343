// SPDX-License-Identifier: MIT
// The usual server: keeps notes in an SQLite database.
//
//     notes-sqlite add buy milk
#include "server.hpp"
#include "service.hpp"
#include "sqlite_store.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace {

constexpr int no_database = 66;  // EX_NOINPUT

std::filesystem::path usual_path() {
    const char* data = std::getenv("XDG_DATA_HOME");
    const char* home = std::getenv("HOME");
    const auto in_home = std::filesystem::path(home ? home : ".") / ".local/share";
    return (data && *data == '/' ? std::filesystem::path(data) : in_home) / "notes/notes.db";
}

// Makes the directory, if there is none, for nobody else.
void make_private(const std::filesystem::path& directory) {
    using std::filesystem::perms;
    if (std::filesystem::create_directories(directory))
        std::filesystem::permissions(directory, perms::owner_all);
}

}  // namespace

int main(int argc, char** argv) {
    const auto usual = usual_path();
    std::string path = usual;
    notes::server_program program("notes-sqlite", "Keeps notes in an SQLite database.");
    program.options()
        .add_option("--database", path, "The file; it is made if there is none")
        ->envname("NOTES_DATABASE")
        ->capture_default_str();
    if (int code = 0; !program.parse(argc, argv, code)) return code;
    asio::io_context io;
    std::optional<notes::sqlite_store> kept;
    try {
        if (path == usual) make_private(usual.parent_path());
        kept.emplace(path);
    } catch (const std::system_error& e) {
        std::fprintf(stderr, "notes-sqlite: %s: %s\nChoose another file with --database.\n",
                     path.c_str(), e.what());
        return no_database;
    }
    return program.run(io, notes::make_service(*kept));
}
