// SPDX-License-Identifier: MIT
#include "nats/tls_gate.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace remora::nats {
namespace {

// Of a record: its type, two bytes of version, and the size that follows.
constexpr int head_size = 5;

bool is_ready(int fd, short events) noexcept {
    pollfd socket = {fd, events, 0};
    return ::poll(&socket, 1, 0) > 0;
}

// Whoever has no TLS sends text first.
bool begins_record(unsigned char first) noexcept {
    constexpr int first_type = 20, last_type = 23;
    return first >= first_type && first <= last_type;
}

}  // namespace

bool tls_gate::may_read(int fd) noexcept {
    if (is_new_.exchange(false)) {
        is_tls_.reset();
        awaited_ = 1;
    }
    if (is_tls_ && !*is_tls_) return true;
    std::array<unsigned char, head_size> head{};
    const auto count = ::recv(fd, head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT);
    if (count <= 0) return count == 0 || is_ready(fd, POLLRDHUP);
    if (!is_tls_) is_tls_ = begins_record(head.front());
    if (!*is_tls_) return true;
    const int size = count < head_size ? head_size : head_size + (head[3] << 8) + head[4];
    int there = 0;
    ::ioctl(fd, FIONREAD, &there);
    // The system may not wait for as much as it was told, as when it is short of memory.
    const bool is_early = awaited_ == size && is_ready(fd, POLLIN);
    const bool may = there >= size || is_early || is_ready(fd, POLLRDHUP);
    wait_for(fd, may ? 1 : size);
    return may;
}

bool tls_gate::may_write(int fd) const noexcept {
    return !is_tls_.value_or(false) || is_ready(fd, POLLOUT);
}

void tls_gate::wait_for(int fd, int bytes) noexcept {
    if (std::exchange(awaited_, bytes) != bytes)
        ::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

}  // namespace remora::nats
