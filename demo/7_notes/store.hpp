// SPDX-License-Identifier: MIT
// What differs between the servers: how notes are kept.
#pragma once

#include "protocol.hpp"

#include <remora/broadcast.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace notes {

class store {
public:
    virtual ~store() = default;

    // Gives the notes numbers, larger than all before, and returns these once the notes are safe.
    virtual asio::awaitable<std::vector<std::int64_t>> add(std::vector<note> notes) = 0;
    // False if there is no such note.
    virtual asio::awaitable<bool> remove(std::int64_t id) = 0;
    virtual asio::awaitable<std::int64_t> count() = 0;
    // The first notes with larger numbers than `after`, in their order; none: there are no more.
    virtual asio::awaitable<std::vector<note>> list(std::int64_t after) = 0;
    // The same, of those that match. Throws invalid_argument.
    virtual asio::awaitable<std::vector<note>> find(std::string query, std::int64_t after) = 0;
    // From its completion on, what is added and removed, by whomever, goes to changes(), which are
    // closed when they cannot be read any more.
    virtual asio::awaitable<void> watch() = 0;

    remora::broadcast<change>& changes() { return changes_; }

private:
    remora::broadcast<change> changes_{{.queue = 1024}};
};

}  // namespace notes
