// SPDX-License-Identifier: MIT
#include "server/transport_maker.hpp"

#include "wire/control_records.hpp"

#include <fcntl.h>

#include <chrono>

namespace remora::detail {
namespace {
constexpr int smallest_pipe = 4096;
// An app counts from 1.
constexpr const char* first_connection = "1";
}  // namespace

transport_maker::transport_maker(transport_kind allowed, const event_hook& emit) : emit_(emit) {
    // The next start goes on with the rest.
    run_directory::sweep(run_directory::default_parent(), std::chrono::milliseconds(25));
    directory_.emplace();
    if (allowed != transport_kind::fifo) make_arena();
}

// Without one there are FIFOs.
void transport_maker::make_arena() try { arena_ = shm_arena::make(); } catch (const error& e) {
    emit_({.kind = event_kind::fallback, .code = e.code(), .text = e.context()});
}

// The dummy writer keeps the end of file away until the app is there.
fifo_ends transport_maker::make_fifos(const std::string& base) {
    const std::string up = base + wire::up_ending;
    const std::string down = base + wire::down_ending;
    directory_->make_fifo(up);
    directory_->make_fifo(down);
    const int at = directory_->fd();
    fifo_ends ends;
    ends.in = open_fifo(at, up, O_RDONLY);
    ends.dummy = open_fifo(at, up, O_WRONLY);
    ends.guard = open_fifo(at, down, O_RDONLY);
    ends.out = open_fifo(at, down, O_WRONLY);
    return ends;
}

connection_ends transport_maker::make(const std::string& base, std::uint32_t kinds,
                                      std::size_t ring) {
    if (kinds == 0) raise(errc::no_transport, "the app and the service allow no common transport");
    has_made_ = true;
    connection_ends ends{.fifo = take_fifos(base)};
    if ((kinds & wire::over_shared_memory) != 0) ends.rings = make_rings(kinds, ring);
    drop_prepared();
    if (ends.rings) {  // they only carry wake bytes
        ::fcntl(ends.fifo.in.get(), F_SETPIPE_SZ, smallest_pipe);
        ::fcntl(ends.fifo.out.get(), F_SETPIPE_SZ, smallest_pipe);
    }
    return ends;
}

void transport_maker::prepare(std::size_t ring) noexcept try {
    if (has_made_) return;
    prepared_.emplace();
    prepared_->fifo = make_fifos(first_connection);
    if (arena_) prepared_->rings = allocate_rings(ring);
} catch (const std::exception&) {  // who asks for it is told
    if (prepared_ && !prepared_->fifo.out) {
        prepared_.reset();
        unlink(first_connection);
    }
}

void transport_maker::drop_prepared() noexcept {
    if (!prepared_) return;
    prepared_->rings.discard();
    if (prepared_->fifo.out) unlink(first_connection);
    prepared_.reset();
}

fifo_ends transport_maker::take_fifos(const std::string& base) {
    const bool are_there = prepared_ && base == first_connection;
    return are_there ? std::move(prepared_->fifo) : make_fifos(base);
}

// None, if there is no memory for them and FIFOs are allowed too.
shared_rings transport_maker::make_rings(std::uint32_t kinds, std::size_t ring) try {
    if (!arena_) raise(errc::no_transport, "the server has no shared memory");
    if (prepared_ && prepared_->rings && prepared_->rings.size() == ring)
        return std::move(prepared_->rings);
    return allocate_rings(ring);
} catch (const error& e) {
    if ((kinds & wire::over_fifo) == 0) throw;
    if (arena_) emit_({.kind = event_kind::fallback, .code = e.code(), .text = e.context()});
    return {};
}

shared_rings transport_maker::allocate_rings(std::size_t ring) {
    const std::uint64_t place = arena_->allocate(ring);
    try {
        return {arena_, place, ring, side::server};
    } catch (...) {
        arena_->punch(place, ring);
        throw;
    }
}

void transport_maker::unlink(const std::string& base) noexcept {
    if (!directory_) return;
    for (const char* ending : {wire::up_ending, wire::down_ending}) {
        try {
            directory_->unlink(base + ending);
        } catch (const std::exception&) {
            // The app has put something else there, or there is no memory. It goes with the
            // directory.
        }
    }
}

void transport_maker::close() noexcept {
    drop_prepared();
    directory_.reset();
    arena_.reset();
}

}  // namespace remora::detail
