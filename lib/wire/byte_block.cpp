// SPDX-License-Identifier: MIT
#include <remora/detail/wire/byte_block.hpp>

#include <remora/shared_bytes.hpp>

#include <cstdlib>
#include <cstring>
#include <new>

namespace remora {
namespace detail {
namespace {

// The block, and its bytes after it.
class own_block final : public byte_block {
public:
    static block_ref make(std::size_t size) {
        void* const memory = size < SIZE_MAX - offset ? std::calloc(1, offset + size) : nullptr;
        if (memory == nullptr) throw std::bad_alloc();
        auto* const made = new (memory) own_block();
        made->place({static_cast<std::byte*>(memory) + offset, size});
        return block_ref(*made);
    }

    bool is_shared() const noexcept override { return false; }

    static constexpr std::size_t offset = 64;

private:
    void drop_last() noexcept override {
        if (!leave()) return;
        this->~own_block();
        std::free(this);
    }
};

}  // namespace

block_ref make_own_block(std::size_t size) {
    return own_block::make(size);
}

}  // namespace detail

shared_bytes::shared_bytes(std::span<const std::byte> bytes)
    : block_(bytes.empty() ? detail::block_ref() : detail::make_own_block(bytes.size())) {
    if (!bytes.empty()) std::memcpy(block_.bytes().data(), bytes.data(), bytes.size());
}

void output_archive::put_block(const detail::block_ref& block) {
    if (lender_ != nullptr && block && block->lent_by() == lender_) {
        if (const auto number = lender_->lend(*block)) {
            put_number(detail::of_a_loan);
            return put_number(*number);
        }
    }
    put_counted(block.bytes().size(), block.bytes().data(), block.bytes().size());
}

detail::block_ref input_archive::get_block() {
    const auto count = get_number<std::uint32_t>();
    if (count > left()) return get_loan(count);
    if (count == 0) return {};
    charge(1, detail::own_block::offset + count);
    auto block = detail::make_own_block(count);
    std::memcpy(block.bytes().data(), get_raw(count), count);
    return block;
}

std::span<const std::byte> input_archive::get_bytes_of_loan(std::size_t count) {
    return get_loan(count).bytes();
}

// Of the bytes that `count` announces, if it does not stand for a loan.
const detail::block_ref& input_archive::get_loan(std::size_t count) {
    if (count != detail::of_a_loan || loans_.empty()) fail_count(count);
    const auto number = get_number<std::uint32_t>();
    if (number < loans_.size()) return loans_[number];
    fail_bad_value("bytes of loan " + std::to_string(number) + ", of which the message has " +
                   std::to_string(loans_.size()));
}

}  // namespace remora
