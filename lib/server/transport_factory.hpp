// SPDX-License-Identifier: MIT
/// Makes the FIFOs and rings of one app's pipes.
#pragma once

#include "transport/run_directory.hpp"
#include "transport/shared_memory.hpp"

#include <remora/event.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace remora::detail {

/// Makes the FIFOs of the app's pipes, in a directory of the run, and their rings, in one arena.
class transport_factory {
public:
    /// Makes the directory, and the arena unless only FIFOs are allowed. Throws what the system
    /// says of the directory. `emit` must live as long as this object. `name` is that of a
    /// directory with a fixed path, see run_directory.
    transport_factory(transport_kind allowed, const event_hook& emit, const std::string& name = {});

    std::string directory() const { return directory_->path().string(); }
    /// None: only FIFOs.
    const std::shared_ptr<shm_arena>& arena() const noexcept { return arena_; }

    /// A socket that listens in the directory.
    unique_fd listen(const std::string& name) { return directory_->listen(name); }
    /// The server's ends of a new pair of FIFOs.
    fifo_ends make_fifos(const std::string& base);
    /// What a connection has of shared memory: the size of a ring, and of what each side may lend.
    struct sizes {
        std::size_t ring;
        std::uint64_t lent_size = 0;
    };
    /// The server's ends of a connection over the first of `kinds` that can be had.
    transport_parts make(const std::string& base, std::uint32_t kinds, sizes of);
    /// Makes the ends of the first connection before it is asked for, unless make() has been
    /// called. Without success make() does it.
    void prepare(sizes of) noexcept;
    /// Removes the names of a pair of FIFOs.
    void unlink(const std::string& base) noexcept;
    /// Removes the directory. What a dead app has not given back goes to the system.
    void close(bool app_is_dead) noexcept;

private:
    void make_arena();
    transport_parts take_prepared(const std::string& base, std::uint32_t kinds, std::size_t ring);
    shared_rings make_rings(std::uint32_t kinds, sizes of);
    shared_rings allocate_rings(sizes of);
    void drop_prepared() noexcept;

    const event_hook& emit_;
    std::optional<run_directory> directory_;
    std::shared_ptr<shm_arena> arena_;
    std::optional<transport_parts> prepared_;  ///< of the first connection, until it is made
    bool has_made_ = false;
};

}  // namespace remora::detail
