// SPDX-License-Identifier: MIT
/// Looking into a run, as remora-inspect does.
#pragma once

#include "support/coroutine.hpp"

#include "base/unique_fd.hpp"
#include "process/children.hpp"
#include "transport/open_directory.hpp"
#include "transport/socket_address.hpp"
#include "wire/run_report.hpp"

#include <remora/asio.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <vector>

namespace test {

/// One who has connected to the socket `inspect` in the directory; none, and errno, if nobody can.
inline remora::detail::unique_fd connect_to(const std::filesystem::path& directory) {
    const remora::detail::unique_fd at(::open(directory.c_str(), remora::detail::directory_flags));
    remora::detail::unique_fd socket(
        ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_un address =
        remora::detail::address_in(at.get(), directory, remora::wire::inspect_name);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        socket.reset();
    return socket;
}

/// All that comes, while the context runs.
inline std::vector<std::byte> read_all(asio::io_context& io, int socket) {
    std::vector<std::byte> all;
    run_until(io, [&] {
        std::array<std::byte, 4096> part;
        ssize_t count = 0;
        while ((count = ::recv(socket, part.data(), part.size(), MSG_DONTWAIT)) > 0)
            all.insert(all.end(), part.begin(), part.begin() + count);
        return count == 0 || errno != EAGAIN;
    });
    return all;
}

/// What the server tells of its run in that directory, while its context runs.
inline remora::wire::run_report look(asio::io_context& io, const std::filesystem::path& directory) {
    const auto socket = connect_to(directory);
    REQUIRE(socket);
    return remora::decode<remora::wire::run_report>(read_all(io, socket.get()));
}

}  // namespace test
