// SPDX-License-Identifier: MIT
/// Two ends of a pipe's FIFOs within one process, over anonymous pipes.
#pragma once

#include "transport/fifo.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace test {

inline void connect_by_pipe(remora::detail::unique_fd& reader, remora::detail::unique_fd& writer) {
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    reader = remora::detail::unique_fd(ends[0]);
    writer = remora::detail::unique_fd(ends[1]);
}

inline remora::detail::unique_fd duplicate(const remora::detail::unique_fd& fd) {
    return remora::detail::unique_fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

inline std::pair<remora::detail::fifo_ends, remora::detail::fifo_ends> make_connected_ends() {
    remora::detail::fifo_ends one;
    remora::detail::fifo_ends other;
    connect_by_pipe(one.in, other.out);
    connect_by_pipe(other.in, one.out);
    one.spare_reader = duplicate(other.in);
    other.spare_reader = duplicate(one.in);
    return {std::move(one), std::move(other)};
}

}  // namespace test
