// SPDX-License-Identifier: MIT
#include "server/transport_factory.hpp"

#include "wire/control_records.hpp"

#include <fcntl.h>

#include <chrono>

namespace remora::detail {
namespace {
constexpr int smallest_pipe = 4096;
// An app counts from 1.
constexpr const char* first_connection = "1";
// Of rings that perhaps nobody wants.
constexpr std::size_t largest_prepared = std::size_t{1} << 20;
}  // namespace

transport_factory::transport_factory(transport_kind allowed, const event_hook& emit,
                                     const std::string& name)
    : emit_(emit) {
    // The next start goes on with the rest.
    run_directory::sweep(run_directory::default_parent(), std::chrono::milliseconds(25));
    directory_.emplace(run_directory::default_parent(), name);
    if (allowed != transport_kind::fifo) make_arena();
}

// Without one there are FIFOs.
void transport_factory::make_arena() try { arena_ = shm_arena::make(); } catch (const error& e) {
    emit_({.kind = event_kind::fallback, .code = e.code(), .text = e.context()});
}

// The spare writer keeps the end of file away until the app is there.
fifo_ends transport_factory::make_fifos(const std::string& base) {
    const std::string up = base + wire::up_ending;
    const std::string down = base + wire::down_ending;
    directory_->make_fifo(up);
    directory_->make_fifo(down);
    const int at = directory_->fd();
    fifo_ends ends;
    ends.in = open_fifo(at, up, O_RDONLY);
    ends.spare_writer = open_fifo(at, up, O_WRONLY);
    ends.spare_reader = open_fifo(at, down, O_RDONLY);
    ends.out = open_fifo(at, down, O_WRONLY);
    return ends;
}

transport_parts transport_factory::make(const std::string& base, std::uint32_t kinds, sizes of) {
    if (kinds == 0)
        throw_error(errc::no_transport, "the app and the service allow no common transport");
    has_made_ = true;
    transport_parts ends = take_prepared(base, kinds, of.ring);
    if (!ends.fifo.out) ends.fifo = make_fifos(base);
    if (!ends.rings && (kinds & wire::over_shared_memory) != 0) ends.rings = make_rings(kinds, of);
    if (ends.rings) {  // they only carry wake bytes
        ::fcntl(ends.fifo.in.get(), F_SETPIPE_SZ, smallest_pipe);
        ::fcntl(ends.fifo.out.get(), F_SETPIPE_SZ, smallest_pipe);
    }
    return ends;
}

void transport_factory::prepare(sizes of) noexcept try {
    if (has_made_) return;
    prepared_ = transport_parts{.fifo = make_fifos(first_connection)};
    if (arena_ && of.ring <= largest_prepared) prepared_->rings = allocate_rings(of);
} catch (const std::exception&) {  // who asks for it is told
    if (!prepared_) unlink(first_connection);
}

void transport_factory::drop_prepared() noexcept {
    if (!prepared_) return;
    prepared_->rings.discard();
    if (prepared_->fifo.out) unlink(first_connection);
    prepared_.reset();
}

// As much of a connection as was prepared. The rest goes: there may be no memory for both.
transport_parts transport_factory::take_prepared(const std::string& base, std::uint32_t kinds,
                                                 std::size_t ring) {
    transport_parts ends;
    if (!prepared_) return ends;
    if (base == first_connection) ends.fifo = std::move(prepared_->fifo);
    const bool fit = (kinds & wire::over_shared_memory) != 0 && prepared_->rings.size() == ring;
    if (fit) ends.rings = std::move(prepared_->rings);
    drop_prepared();
    return ends;
}

// None, if there is no memory for them and FIFOs are allowed too.
shared_rings transport_factory::make_rings(std::uint32_t kinds, sizes of) try {
    if (!arena_) throw_error(errc::no_transport, "the server has no shared memory");
    return allocate_rings(of);
} catch (const error& e) {
    if ((kinds & wire::over_fifo) == 0) throw;
    if (arena_) emit_({.kind = event_kind::fallback, .code = e.code(), .text = e.context()});
    return {};
}

// An app that keeps so much of what it was lent by connections that have ended is lent no more.
shared_rings transport_factory::allocate_rings(sizes of) {
    of.lent_size = of.lent_size / page_size() * page_size();
    if (of.lent_size != 0 && arena_->kept() > of.lent_size) of.lent_size = 0;
    const std::uint64_t place = arena_->allocate(of.ring, of.lent_size);
    try {
        return {arena_, place, of.ring, side::server, of.lent_size};
    } catch (...) {
        arena_->punch(place, of.ring, of.lent_size);
        throw;
    }
}

void transport_factory::unlink(const std::string& base) noexcept {
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

void transport_factory::close(bool app_is_dead) noexcept {
    drop_prepared();
    directory_.reset();
    if (arena_ && app_is_dead) arena_->app_ended();
    arena_.reset();
}

}  // namespace remora::detail
