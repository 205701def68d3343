// SPDX-License-Identifier: MIT
/// Bytes that are sent as a reference where both ends share memory.
#pragma once

#include <remora/archive.hpp>
#include <remora/detail/wire/byte_block.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace remora {

namespace detail {
struct block_access;
}

/// Bytes that only their maker has yet, who may write to them: what pipe::allocate() returns.
/// Move-only. Moved into a shared_bytes, they are not written any more.
///
/// Thread safety: none; distinct ones are independent, also of the pipe.
class writable_bytes {
public:
    writable_bytes() = default;
    /// Leaves the other one empty.
    writable_bytes(writable_bytes&&) = default;
    /// The same; drops what this one had.
    writable_bytes& operator=(writable_bytes&&) = default;

    /// The first byte.
    std::byte* data() const noexcept { return block_.bytes().data(); }
    /// How many there are.
    std::size_t size() const noexcept { return block_.bytes().size(); }
    /// As data().
    std::byte* begin() const noexcept { return data(); }
    /// One past the last byte.
    std::byte* end() const noexcept { return data() + size(); }
    /// False if they will travel in the message.
    bool is_shared() const noexcept { return block_ && block_->is_shared(); }

private:
    friend class shared_bytes;
    friend struct detail::block_access;

    detail::block_ref block_;
};

/// Bytes that do not change, for a field of any message, request, reply or item, or for one of
/// these as a whole. Copies are cheap: they refer to the same memory.
///
///     auto pixels = pipe.allocate(size);  // writable_bytes
///     render(pixels);                     // takes a std::span<std::byte>
///     co_await pipe.send<picture>(width, height, std::move(pixels));  // there a shared_bytes
///
/// If they come from pipe::allocate() of the pipe that sends them, and lie in shared memory, only a
/// reference travels: the receiver's bytes are the sender's. They may be sent several times. The
/// memory is used again once both processes have dropped their last copy, or the other one has
/// died. All other bytes travel in the message, and count towards pipe_limits::message. The
/// receiver sees no difference, and may have std::vector<std::byte>, or any other type that is
/// `bytes` on the wire, in the place of shared_bytes, and the other way round.
///
/// Whoever is not trusted may still write to what is_shared(): look at such bytes once, or take a
/// copy() first, where a change in between could do harm. A server does so with what an app has
/// sent, unless it only passes the bytes on.
///
/// The bytes stay readable as long as there is a copy, also when the pipe, and the peer, are gone.
/// They keep memory of the connection; one that does not end should not be kept by a small rest of
/// it: copy() that.
///
/// Thread safety: as of std::shared_ptr. Copies may be used and dropped on any thread.
class shared_bytes {
public:
    shared_bytes() = default;
    /// Takes over what its maker has written.
    shared_bytes(writable_bytes&& written) noexcept : block_(std::move(written.block_)) {}
    /// A copy in memory of this process's own. It travels in the message. Throws std::bad_alloc.
    explicit shared_bytes(std::span<const std::byte> bytes);

    /// The first byte.
    const std::byte* data() const noexcept { return block_.bytes().data(); }
    /// How many there are.
    std::size_t size() const noexcept { return block_.bytes().size(); }
    /// True if there are none.
    bool empty() const noexcept { return size() == 0; }
    /// As data().
    const std::byte* begin() const noexcept { return data(); }
    /// One past the last byte.
    const std::byte* end() const noexcept { return data() + size(); }

    /// True if they lie in memory to which the other process can write.
    bool is_shared() const noexcept { return block_ && block_->is_shared(); }
    /// The bytes as they are now, which nobody else can change. Throws std::bad_alloc.
    std::vector<std::byte> copy() const { return {begin(), end()}; }

    /// That the bytes are equal.
    friend bool operator==(const shared_bytes& one, const shared_bytes& other) noexcept {
        return std::ranges::equal(one, other);
    }

private:
    friend struct detail::block_access;

    detail::block_ref block_;
};

namespace detail {

struct block_access {
    static writable_bytes make(block_ref block) noexcept {
        writable_bytes made;
        made.block_ = std::move(block);
        return made;
    }
    static const block_ref& of(const shared_bytes& bytes) noexcept { return bytes.block_; }
    static void set(shared_bytes& bytes, block_ref block) noexcept {
        bytes.block_ = std::move(block);
    }
};

template <>
struct codec<shared_bytes> {
    static constexpr kind its_kind = kind::bytes;
    static constexpr std::size_t least_encoded_size = 4;
    static consteval auto name() { return as_fixed_string("bytes"); }

    static void put(output_archive& out, const shared_bytes& bytes) {
        out.put_block(block_access::of(bytes));
    }
    static void get(input_archive& in, shared_bytes& bytes) {
        block_access::set(bytes, in.get_block());
    }
};

template <std::same_as<writable_bytes> T>
struct codec<T> {
    static_assert(always_false<T>,
                  "remora: writable_bytes are not a value, since whoever has them may still write: "
                  "move them into a field of type shared_bytes");
};

}  // namespace detail
}  // namespace remora
