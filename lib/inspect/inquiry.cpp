// SPDX-License-Identifier: MIT
#include "inspect/inquiry.hpp"

#include "transport/open_directory.hpp"
#include "transport/socket_address.hpp"

#include <remora/error.hpp>

#include <array>
#include <cerrno>

namespace remora::inspect {
namespace {

constexpr std::size_t longest_answer = 64u << 20;

}  // namespace

void inquiry::go_on() {
    if (!over_ && !socket_) connect();
    if (!over_ && socket_) read();
}

void inquiry::connect() {
    detail::unique_fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) detail::throw_system_error(errno, "make a socket");
    const sockaddr_un address =
        detail::address_in(directory_.get(), answer_.directory, wire::inspect_name);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        return on_refusal(errno);
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
        (peer.uid != ::geteuid() && peer.uid != 0))
        return fail("another user listens there");
    answer_.pid = peer.pid;
    socket_ = std::move(socket);
}

// Whoever can lock the directory is alone with it.
void inquiry::on_refusal(int error_number) {
    if (error_number == EAGAIN || error_number == EINTR) return;  // others wait to be accepted
    dead_ = detail::lock_directory(directory_.get());
    if (dead_) directory_.reset();  // and the lock
    if (error_number != ENOENT)
        return fail(std::error_code(error_number, std::system_category()).message());
    fail(
        "it cannot be looked into: it has just started, or its options say `inspect = false`, or "
        "its Remora is older than remora-inspect");
}

void inquiry::read() {
    std::array<std::byte, 16384> part;
    while (!over_) {
        const ssize_t count = ::recv(socket_.get(), part.data(), part.size(), 0);
        if (count == 0) return decode();
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return;
        if (count < 0) return fail(std::error_code(errno, std::system_category()).message());
        bytes_.insert(bytes_.end(), part.begin(), part.begin() + count);
        if (bytes_.size() > longest_answer) fail("its answer does not end");
    }
}

// A server that ends now closes what it has accepted.
void inquiry::decode() try {
    if (bytes_.empty()) return fail("it has closed the socket without an answer");
    answer_.report = remora::decode<wire::run_report>(bytes_);
    over_ = true;
} catch (const std::exception& e) {
    fail(std::string("its answer makes no sense: ") + e.what());
}

void inquiry::give_up(const std::string& after) {
    fail("it has not answered within " + after);
}

void inquiry::fail(std::string problem) {
    answer_.problem = std::move(problem);
    over_ = true;
}

}  // namespace remora::inspect
