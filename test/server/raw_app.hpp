// SPDX-License-Identifier: MIT
/// The app's side of the protocol by hand. What should not happen ends the program, with a code
/// from 80 on.
#pragma once

#include "support/wire_bytes.hpp"

#include "transport/shared_memory.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace test {

/// The app's ends of a pair of FIFOs, blocking.
class raw_pipe {
public:
    raw_pipe(const std::string& directory, const std::string& base)
        : up(::open((directory + "/" + base + ".up").c_str(), O_WRONLY | O_CLOEXEC)),
          down(::open((directory + "/" + base + ".down").c_str(), O_RDONLY | O_CLOEXEC)) {
        if (!up || !down) std::exit(80);
    }
    void say(const std::string& bytes) const {
        for (std::size_t done = 0; done < bytes.size();) {
            const ssize_t count = ::write(up.get(), bytes.data() + done, bytes.size() - done);
            if (count < 0) std::exit(81);
            done += static_cast<std::size_t>(count);
        }
    }
    bool read(void* to, std::size_t size) const {
        for (auto* at = static_cast<char*>(to); size != 0;) {
            const ssize_t count = ::read(down.get(), at, size);
            if (count <= 0) return false;
            at += count;
            size -= static_cast<std::size_t>(count);
        }
        return true;
    }
    void hear_to_the_end() const {
        for (char byte = 0; ::read(down.get(), &byte, 1) > 0;) {
        }
    }

    remora::detail::unique_fd up, down;
};

/// The kind of the next frame, which goes to `bytes`; 0 at the end.
frame_kind hear(auto& pipe, std::vector<std::byte>& bytes) {
    bytes.resize(frame_header::size);
    if (!pipe.read(bytes.data(), bytes.size())) return {};
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    bytes.resize(bytes.size() + length);
    if (!pipe.read(bytes.data() + frame_header::size, length)) return {};
    return static_cast<frame_kind>(bytes[4]);
}

template <class T>
T value_of(const std::vector<std::byte>& bytes) {
    std::size_t wanted = 0;
    return remora::decode<T>(remora::detail::parse_frame(bytes, 64u << 20, wanted)->payload);
}

/// A connection, over FIFOs or over rings whose wake bytes go there.
class raw_connection {
public:
    explicit raw_connection(raw_pipe fifo, remora::detail::shared_rings rings = {},
                            void* said = nullptr)
        : fifo_(std::move(fifo)), rings_(std::move(rings)), said_(static_cast<std::byte*>(said)) {
        if (!rings_) return;
        reader_ = rings_.reader();
        writer_ = rings_.writer();
    }

    /// False if the server has left.
    bool say(const std::string& bytes) {
        if (!rings_) {
            fifo_.say(bytes);
            return true;
        }
        for (std::size_t done = 0; done < bytes.size();) {
            const auto rest = std::as_bytes(std::span(bytes)).subspan(done);
            const std::size_t count = writer_.write(rest);
            if (count != 0 && writer_.must_wake()) fifo_.say("!");
            if (count == 0 && !wait()) return false;
            done += count;
        }
        return true;
    }
    bool read(void* to, std::size_t size) {
        if (!rings_) return fifo_.read(to, size);
        for (auto* at = static_cast<std::byte*>(to); size != 0;) {
            const auto unread = reader_.unread();
            const std::size_t count = std::min(size, unread.size());
            if (count != 0) std::memcpy(at, unread.data(), count);
            reader_.release_now(count);
            if (count != 0 && reader_.must_wake(true)) fifo_.say("!");
            if (count == 0 && !wait()) return false;
            at += count;
            size -= count;
        }
        return true;
    }

    remora::detail::shared_rings& rings() noexcept { return rings_; }
    /// Writes over 8 bytes of what was said, which the server may be reading.
    void scribble(std::uint64_t random) const {
        std::memcpy(said_ + random % (rings_.size() - sizeof random), &random, sizeof random);
    }

private:
    // For a wake byte, or a moment. False at the end, when nothing is left in the ring.
    bool wait() {
        reader_.sleeps(true);
        pollfd wake{fifo_.down.get(), POLLIN, 0};
        if (reader_.unread().empty() && ::poll(&wake, 1, 1) > 0) {
            char bytes[64];
            ended_ = ::read(wake.fd, bytes, sizeof bytes) <= 0;
        }
        reader_.sleeps(false);
        return !ended_ || !reader_.unread().empty();
    }

    raw_pipe fifo_;
    remora::detail::shared_rings rings_;
    std::byte* said_;  ///< the ring from here to the server
    remora::detail::ring_reader reader_;
    remora::detail::ring_writer writer_;
    bool ended_ = false;
};

/// An app that has been welcomed.
class raw_app {
public:
    explicit raw_app(std::string directory)
        : directory_(std::move(directory)), control(directory_, "control") {
        control.say(hello_bytes(1, 1,
                                remora::wire::shared_memory | remora::wire::pieces |
                                    remora::wire::express | remora::wire::lending));
        if (hear(control, bytes_) != frame_kind::welcome) std::exit(82);
        terms = value_of<remora::wire::welcome>(bytes_);
    }
    /// What the server offers; exits with the code of its refusal.
    remora::wire::connection_offer ask(std::uint64_t id, const std::string& name,
                                       std::uint32_t transports = remora::wire::over_fifo) {
        control.say(connect_bytes(id, name, 0, transports));
        const frame_kind answer = hear(control, bytes_);
        if (answer == frame_kind::rejected)
            std::exit(value_of<remora::wire::close_reason>(bytes_).code);
        if (answer != frame_kind::connected) std::exit(83);
        return value_of<remora::wire::connection_offer>(bytes_);
    }
    raw_connection connect(const std::string& name, bool over_fifos) {
        using namespace remora::wire;
        const auto id = ++last_id_;
        const auto offer = ask(id, name, over_fifos ? over_fifo : over_shared_memory);
        raw_pipe fifo(directory_, offer.base);
        fifo.say(open_bytes(id));
        if (over_fifos) return raw_connection(std::move(fifo));
        remora::detail::shared_rings rings(arena(), offer.offset, offer.ring,
                                           remora::detail::side::app, offer.lent_size);
        const auto up = static_cast<off_t>(offer.offset + remora::detail::page_size());
        void* const said =
            ::mmap(nullptr, offer.ring, PROT_READ | PROT_WRITE, MAP_SHARED, arena()->fd(), up);
        if (said == MAP_FAILED) std::exit(84);
        return raw_connection(std::move(fifo), std::move(rings), said);
    }

private:
    std::shared_ptr<remora::detail::shm_arena> arena() {
        if (!arena_) {
            arena_ = remora::detail::shm_arena::find(
                {terms.arena_fd, terms.arena_server_fd, terms.arena_device, terms.arena_inode},
                terms.pid);
        }
        return arena_;
    }

    std::string directory_;
    std::vector<std::byte> bytes_;
    std::shared_ptr<remora::detail::shm_arena> arena_;
    std::uint64_t last_id_ = 0;

public:
    raw_pipe control;
    remora::wire::welcome terms;
};

}  // namespace test
