// SPDX-License-Identifier: MIT
// Export and import: a stream of notes from the server, and one to it.
#include "commands.hpp"
#include "lines.hpp"
#include "progress.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <vector>

namespace notes {

namespace {

// What was under the name of an export stays until that is complete: it is written to this one,
// which nobody else has.
struct temporary {
    std::string path;

    // False, with errno, if there is such a file, or it cannot be made.
    bool make(const std::string& wanted) {
        const int fd = ::open(wanted.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0) return false;
        ::close(fd);
        path = wanted;
        return true;
    }
    ~temporary() {
        if (!path.empty()) std::remove(path.c_str());  // there is none any more after a success
    }
};

int complain(const std::string& file, const std::string& why, int result) {
    std::fprintf(stderr, "%s: %s\n", file.c_str(), why.c_str());
    return result;
}

// All of it, before the first note is sent: a file with a mistake changes nothing.
std::vector<note> read_all(std::istream& in) {
    std::vector<note> notes;
    try {
        for (std::string line; std::getline(in, line);)
            notes.push_back(from_line(line));
        return notes;
    } catch (const std::invalid_argument& e) {
        throw std::invalid_argument("line " + std::to_string(notes.size() + 1) + ": " + e.what() +
                                    "; nothing was imported");
    }
}

remora::generator<note> each_of(const std::vector<note>& notes) {
    for (const auto& each : notes)
        co_yield each;
}

asio::awaitable<void> write_all(remora::pipe& server, std::ostream& out, progress& shown) {
    auto found = co_await server.stream<list>();
    while (const auto each = co_await found.next()) {
        out << to_line(*each) << '\n';
        shown.advance();
    }
    out.flush();
}

asio::awaitable<void> send_all(remora::pipe& server, const std::vector<note>& notes,
                               progress& shown) {
    auto safe = co_await server.stream(import_notes(), each_of(notes));
    while (const auto so_many = co_await safe.next())
        shown.advance_to(*so_many);
}

}  // namespace

asio::awaitable<int> export_notes(remora::pipe& server, std::string file) {
    const bool is_file = file != "-";
    temporary part;
    const auto wanted = file + ".part" + std::to_string(::getpid());
    if (is_file && !part.make(wanted))
        co_return complain(wanted, std::strerror(errno), code::failed);
    std::ofstream opened;
    if (is_file) opened.open(part.path, std::ios::binary);
    std::ostream& out = is_file ? opened : std::cout;

    const auto total = co_await server.call<count>();
    progress shown("Exported", total);
    co_await write_all(server, out, shown);
    if (is_file) opened.close();
    if (!out || (is_file && std::rename(part.path.c_str(), file.c_str()) != 0))
        co_return complain(file, std::strerror(errno), code::failed);
    shown.end();
    co_return code::done;
}

asio::awaitable<int> import_from(remora::pipe& server, std::string file) {
    std::ifstream opened;
    if (file != "-") opened.open(file, std::ios::binary);
    if (!opened) co_return complain(file, std::strerror(errno), code::failed);
    std::vector<note> notes;
    try {
        std::istream& in = file == "-" ? std::cin : opened;
        notes = read_all(in);
        if (in.bad()) co_return complain(file, std::strerror(errno), code::failed);
    } catch (const std::invalid_argument& e) {
        co_return complain(file, e.what(), code::wrong_usage);
    }
    progress shown("Imported", static_cast<std::int64_t>(notes.size()));
    try {
        co_await send_all(server, notes, shown);
    } catch (...) {
        shown.end();
        if (shown.so_far() != 0) {
            std::fprintf(stderr, "To go on, import the lines behind the first %lld.\n",
                         static_cast<long long>(shown.so_far()));
        }
        throw;
    }
    shown.end();
    co_return code::done;
}

}  // namespace notes
