// SPDX-License-Identifier: MIT
// When libnats may read a socket over TLS: records that come in parts.
#include "nats/tls_gate.hpp"

#include "support/support.hpp"

#include <remora/asio.hpp>

#include <asio/ip/tcp.hpp>

#include <poll.h>

#include <string>

using namespace test;

namespace {

using remora::nats::tls_gate;

/// Two ends over TCP: what is written to one is for the gate to see at the other.
struct tcp_pair {
    tcp_pair() {
        using asio::ip::tcp;
        tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        here.connect(acceptor.local_endpoint());
        acceptor.accept(there);
    }
    void arrive(const std::string& bytes, std::size_t in_all) {
        REQUIRE(there.write_some(asio::buffer(bytes)) == bytes.size());
        while (here.available() < in_all) {
        }
    }
    bool is_readable() {
        pollfd socket = {here.native_handle(), POLLIN, 0};
        return ::poll(&socket, 1, 0) != 0;
    }

    asio::io_context io;
    asio::ip::tcp::socket here{io}, there{io};
};

const std::string head = {23, 3, 3, 0, 10};

TEST_CASE("a record of TLS may be read when all of it is there, and does not wake before") {
    tcp_pair ends;
    tls_gate gate;
    const int fd = ends.here.native_handle();
    CHECK(!gate.may_read(fd));
    ends.arrive(head.substr(0, 2), 2);
    CHECK(!gate.may_read(fd));
    CHECK(!ends.is_readable());
    ends.arrive(head.substr(2), 5);
    CHECK(ends.is_readable());
    CHECK(!gate.may_read(fd));
    CHECK(!ends.is_readable());
    ends.arrive("123456789", 14);
    CHECK(!ends.is_readable());
    ends.arrive("0", 15);
    CHECK(ends.is_readable());
    CHECK(gate.may_read(fd));
}

TEST_CASE("a record of TLS whose rest does not come may be read when the other end hangs up") {
    tcp_pair ends;
    tls_gate gate;
    ends.arrive(head, 5);
    CHECK(!gate.may_read(ends.here.native_handle()));
    ends.there.close();
    while (!ends.is_readable()) {
    }
    CHECK(gate.may_read(ends.here.native_handle()));
}

TEST_CASE(
    "a record of TLS for which the system has no room may be read before all of it is there") {
    tcp_pair ends;
    tls_gate gate;
    const int fd = ends.here.native_handle();
    ends.here.set_option(asio::socket_base::receive_buffer_size(1));
    ends.arrive({23, 3, 3, 64, 0}, 5);
    CHECK(!gate.may_read(fd));
    ends.there.non_blocking(true);
    std::error_code full;
    while (!full)
        ends.there.write_some(asio::buffer(std::string(4096, 'x')), full);
    bool may = false;
    for (int tries = 0; tries != 1000 && !may; ++tries)
        may = gate.may_read(fd);
    CHECK(may);
    CHECK(ends.here.available() < 5 + 64 * 256);
}

TEST_CASE("what begins without TLS may always be read, whatever follows, until the socket is new") {
    tcp_pair ends;
    tls_gate gate;
    const int fd = ends.here.native_handle();
    ends.arrive("PING", 4);
    CHECK(gate.may_read(fd));
    char taken[4];
    REQUIRE(ends.here.read_some(asio::buffer(taken)) == 4);
    ends.arrive(head, 5);
    CHECK(gate.may_read(fd));
    gate.renew();
    CHECK(!gate.may_read(fd));
}

}  // namespace
