// SPDX-License-Identifier: MIT
// What the app and all its servers share. Which server keeps the notes, and where, is not in here.
#pragma once

#include <remora/request.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace notes {

struct note {
    std::int64_t id = 0;
    std::int64_t time = 0;  // when it was written: seconds since 1970
    std::string text;
};

// A note has to fit into a message, whatever else stands there.
constexpr std::size_t longest_text = 1 << 20;

// Answered with the note's number, once the note is safe. Fails with message_size for a text that
// is longer than longest_text.
struct add {
    using reply = std::int64_t;

    std::string text;
};

// Fails with no_such_file_or_directory if there is no such note.
struct remove {
    using reply = void;

    std::int64_t id = 0;
};

struct count {
    using reply = std::int64_t;
};

struct list {
    using reply = remora::stream<note>;
};

// The notes with all these words. Fails with invalid_argument for a query that is none. Every
// server takes words, and beginnings of words as `mil*`; some take more.
struct find {
    using reply = remora::stream<note>;

    std::string query;
};

// Notes come along and get new numbers. Each item says how many of them are safe by now. Fails as
// `add` does.
struct import_notes {
    using reply = remora::stream<std::int64_t>;
    using upload = note;
};

struct begun {};  // what happens from now on will come
struct added {
    note what;
};
struct removed {
    std::int64_t id = 0;
};
struct missed {  // whoever watches was too slow for so many changes
    std::uint64_t changes = 0;
};
using change = std::variant<begun, added, removed, missed>;

struct watch {
    using reply = remora::stream<change>;
};

}  // namespace notes
