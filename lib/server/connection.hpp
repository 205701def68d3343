// SPDX-License-Identifier: MIT
/// A connection in each of its states: waiting for a service, being opened, served.
#pragma once

#include "server/connection_table.hpp"

#include <remora/detail/base/canceller.hpp>

namespace remora::detail {

/// A pipe with a service that runs on it.
struct connection_table::served_connection {
    std::uint64_t id = 0;
    std::string name;
    end_ptr end;
    canceller stop;  ///< of the service, on the pipe's executor
    bool cancelled = false;
};

/// What the app has been told of and has not opened yet.
struct connection_table::opening {
    opening(std::uint64_t number, std::string pipe, service_entry serves, transport_parts what,
            const asio::any_io_executor& executor)
        : id(number),
          name(std::move(pipe)),
          service(std::move(serves)),
          ends(std::move(what)),
          in(executor),
          timer(executor) {
        in.assign(ends.fifo.in.get());
        ends.fifo.in.release();
    }

    // Rings that were not handed over were not opened by the app.
    ~opening() { ends.rings.discard(); }
    opening(const opening&) = delete;
    opening& operator=(const opening&) = delete;

    /// Waits no longer.
    void give_up(std::error_code because) {
        why = because;
        std::error_code ignored;
        in.cancel(ignored);
    }
    /// Reads the opening frame; false if anything else has come, or nothing.
    bool read_open_frame();

    std::uint64_t id;
    std::string name;
    service_entry service;  ///< without a function: accept() takes the pipe
    transport_parts ends;
    asio::posix::stream_descriptor in;
    asio::steady_timer timer;
    std::error_code why = errc::protocol_error;  ///< if the app does not open it
};

/// A request for a name that is not served yet.
struct connection_table::pending {
    std::string name;
    std::uint32_t transports = 0;
    asio::steady_timer timer;
};

}  // namespace remora::detail
