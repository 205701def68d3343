// SPDX-License-Identifier: MIT
/// When libnats may touch a socket over TLS: as long as a record is not there as a whole, its read
/// waits for the rest, for ever, though it is told that an event loop does that.
#pragma once

#include <atomic>
#include <optional>

namespace remora::nats {

/// Of the sockets of one connection, one after the other. Without TLS it lets all pass.
class tls_gate {
public:
    /// From now on the socket is another one, of which nothing was read. On any thread.
    void renew() noexcept { is_new_ = true; }
    /// Whether a record can be read at once, or the system takes in no more of it: then reading
    /// waits for the rest. If not, the socket does not become readable before one of both is so. Of
    /// a record without data libnats waits for the next one: servers of NATS send none.
    bool may_read(int fd) noexcept;
    /// Whether some of what is written can leave at once.
    bool may_write(int fd) const noexcept;

private:
    void wait_for(int fd, int bytes) noexcept;

    std::atomic<bool> is_new_{true};
    std::optional<bool> is_tls_;  ///< not known before something has come
    int awaited_ = 1;             ///< bytes that make the socket readable
};

}  // namespace remora::nats
