// SPDX-License-Identifier: MIT
/// The memory behind a shared_bytes, and who uses it.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace remora::detail {

class block_lender;

/// Bytes that several may use: they are counted, and the last one gives the block to its owner. Any
/// thread may use it.
class byte_block {
public:
    byte_block() = default;
    byte_block(const byte_block&) = delete;
    byte_block& operator=(const byte_block&) = delete;

    std::span<std::byte> bytes() const noexcept { return bytes_; }
    /// Who can lend it to the other end of a connection; null: nobody.
    const block_lender* lent_by() const noexcept { return lender_; }
    /// Whether another process can write to it.
    virtual bool is_shared() const noexcept = 0;

    /// One more uses it.
    void use() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
    void drop() noexcept {
        for (auto users = users_.load(std::memory_order_relaxed); users > 1;)
            if (users_.compare_exchange_weak(users, users - 1, std::memory_order_release)) return;
        drop_last();
    }

protected:
    ~byte_block() = default;

    /// Called when perhaps the last user drops it: calls leave(), where nobody else can begin to
    /// use it, and gives the block back if that is true.
    virtual void drop_last() noexcept = 0;
    /// Takes off one user. True if it was the last.
    bool leave() noexcept { return users_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
    bool is_used() const noexcept { return users_.load(std::memory_order_acquire) != 0; }
    void place(std::span<std::byte> bytes, const block_lender* lender = nullptr) noexcept {
        bytes_ = bytes;
        lender_ = lender;
    }

private:
    std::atomic<std::uint32_t> users_{0};
    std::span<std::byte> bytes_;
    const block_lender* lender_ = nullptr;
};

/// One use of a block, or of none.
class block_ref {
public:
    block_ref() = default;
    explicit block_ref(byte_block& block) noexcept : block_(&block) { block.use(); }
    block_ref(const block_ref& other) noexcept : block_(other.block_) {
        if (block_ != nullptr) block_->use();
    }
    block_ref(block_ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    block_ref& operator=(block_ref other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~block_ref() {
        if (block_ != nullptr) block_->drop();
    }

    explicit operator bool() const noexcept { return block_ != nullptr; }
    byte_block* operator->() const noexcept { return block_; }
    byte_block& operator*() const noexcept { return *block_; }
    std::span<std::byte> bytes() const noexcept {
        return block_ == nullptr ? std::span<std::byte>() : block_->bytes();
    }

private:
    byte_block* block_ = nullptr;
};

/// Lends blocks to the other end of a connection, with the frame that is being encoded.
class block_lender {
public:
    /// The number of the loan in that frame, for a block of this lender; none: the bytes have to
    /// travel.
    virtual std::optional<std::uint32_t> lend(byte_block& block) = 0;

protected:
    ~block_lender() = default;
};

/// Memory of this process's own. Throws std::bad_alloc. All bytes are zero.
block_ref make_own_block(std::size_t size);

}  // namespace remora::detail
