// SPDX-License-Identifier: MIT
#include "wire/copy_loans.hpp"

#include <remora/detail/wire/archive/kind.hpp>
#include <remora/error.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

namespace remora::detail {
namespace {

std::size_t width_of(kind number) noexcept {
    return number == kind::boolean ? 1 : static_cast<std::size_t>(number) & 0xf;
}

/// Copies values from one place to another. Each function copies a part of what
/// lib/wire/protocol.md says under "Values".
class loan_copier {
public:
    loan_copier(byte_buffer& out, std::span<const std::byte> in, std::span<const block_ref> loans,
                unsigned depth)
        : out_(out), in_(in), loans_(loans), depth_left_(depth) {}

    void copy_value() {
        const kind k = copy_kind();
        copy_body(k);
    }
    bool at_end() const noexcept { return in_.empty(); }

private:
    std::span<const std::byte> take(std::size_t count) {
        if (count > in_.size())
            throw_error(errc::truncated, std::to_string(count) + " bytes needed, " +
                                             std::to_string(in_.size()) + " left");
        const auto taken = in_.first(count);
        in_ = in_.subspan(count);
        return taken;
    }
    std::span<const std::byte> copy(std::size_t count) {
        const auto taken = take(count);
        out_.append(taken.data(), count);
        return taken;
    }
    std::uint32_t take_count() {
        std::uint32_t count;
        std::memcpy(&count, take(sizeof count).data(), sizeof count);
        return count;
    }
    void put_count(std::size_t count) {
        const auto n = static_cast<std::uint32_t>(count);
        out_.append(&n, sizeof n);
    }
    std::uint32_t copy_count() {
        const std::uint32_t count = take_count();
        put_count(count);
        return count;
    }
    std::uint8_t copy_byte() { return std::to_integer<std::uint8_t>(copy(1).front()); }
    kind copy_kind() { return static_cast<kind>(copy_byte()); }

    void copy_body(kind k) {
        if (depth_left_-- == 0) throw_error(errc::too_deep, "values too deep within each other");
        copy_inside(k);
        ++depth_left_;
    }
    void copy_inside(kind k);
    void copy_bytes();
    void copy_list();
    void copy_map();
    void copy_values(unsigned count) {
        while (count-- != 0)
            copy_value();
    }
    void copy_optional();
    void copy_record();
    void copy_duration();

    byte_buffer& out_;
    std::span<const std::byte> in_;
    std::span<const block_ref> loans_;
    unsigned depth_left_;
};

void loan_copier::copy_inside(kind k) {
    switch (k) {
        case kind::bytes:
            return copy_bytes();
        case kind::list:
            return copy_list();
        case kind::map:
            return copy_map();
        case kind::optional:
            return copy_optional();
        case kind::variant:
            copy_byte();
            return copy_value();
        case kind::tuple:
            return copy_values(copy_byte());
        case kind::record:
            return copy_record();
        case kind::time_point:
            copy_byte();
            return copy_duration();
        case kind::duration:
            return copy_duration();
        case kind::version:
            copy(sizeof(std::uint32_t));
            return;
        default:
            if (text_of(k).starts_with("kind"))
                throw_error(errc::bad_value, "there is no " + text_of(k) + " of values");
            copy(width_of(k));
    }
}

void loan_copier::copy_bytes() {
    const std::uint32_t count = take_count();
    if (count != of_a_loan) {
        put_count(count);
        copy(count);
        return;
    }
    const std::uint32_t number = take_count();
    if (number >= loans_.size())
        throw_error(errc::bad_value, "loan " + std::to_string(number) + " of " +
                                         std::to_string(loans_.size()) + " in one value");
    const auto lent = loans_[number].bytes();
    const std::size_t size = lent.size();
    std::byte* const to = out_.extend(sizeof count + size);
    const auto as_count = static_cast<std::uint32_t>(size);
    std::memcpy(to, &as_count, sizeof as_count);
    std::memcpy(to + sizeof as_count, lent.data(), size);
}

void loan_copier::copy_list() {
    const kind of = copy_kind();
    for (std::uint32_t count = copy_count(); count != 0; --count)
        copy_body(of);
}

void loan_copier::copy_map() {
    const kind keys = copy_kind();
    const kind values = copy_kind();
    for (std::uint32_t count = copy_count(); count != 0; --count) {
        copy_body(keys);
        copy_body(values);
    }
}

void loan_copier::copy_optional() {
    const auto has_value = copy_byte();
    if (has_value > 1) throw_error(errc::bad_value, "an optional that is neither full nor empty");
    copy_values(has_value);
}

// The length of a record follows from its fields.
void loan_copier::copy_record() {
    const auto fields = take(take_count());
    const auto behind = std::exchange(in_, fields);
    const std::size_t head = out_.size();
    put_count(0);
    while (!in_.empty())
        copy_value();
    in_ = behind;
    const auto length = static_cast<std::uint32_t>(out_.size() - head - sizeof(std::uint32_t));
    out_.patch(head, &length, sizeof length);
}

void loan_copier::copy_duration() {
    if (copy_byte() == 0) copy(2 * sizeof(std::int64_t));
    copy_value();
}

}  // namespace

void append_copying_loans(byte_buffer& out, std::span<const std::byte> value,
                          std::span<const block_ref> loans, unsigned depth) {
    loan_copier copying(out, value, loans, depth);
    copying.copy_value();
    if (!copying.at_end()) throw_error(errc::bad_value, "bytes after the value");
}

}  // namespace remora::detail
