// SPDX-License-Identifier: MIT
#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/archive/input.hpp>
#include <remora/detail/wire/archive/output.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>

#include <remora/error.hpp>

namespace remora {

std::string detail::text_of(kind value) {
    switch (value) {
        case kind::boolean:
            return "bool";
        case kind::i8:
            return "i8";
        case kind::i16:
            return "i16";
        case kind::i32:
            return "i32";
        case kind::i64:
            return "i64";
        case kind::u8:
            return "u8";
        case kind::u16:
            return "u16";
        case kind::u32:
            return "u32";
        case kind::u64:
            return "u64";
        case kind::f32:
            return "f32";
        case kind::f64:
            return "f64";
        case kind::bytes:
            return "bytes";
        case kind::list:
            return "list";
        case kind::map:
            return "map";
        case kind::optional:
            return "optional";
        case kind::variant:
            return "variant";
        case kind::tuple:
            return "tuple";
        case kind::record:
            return "record";
        case kind::duration:
            return "duration";
        case kind::version:
            return "version";
        case kind::time_point:
            return "time_point";
    }
    static constexpr char digits[] = "0123456789abcdef";
    auto number = static_cast<unsigned>(value);
    return std::string("kind 0x") + digits[number >> 4] + digits[number & 15];
}

byte_buffer::~byte_buffer() {
    std::free(begin_);
}

void byte_buffer::swap(byte_buffer& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(room_, other.room_);
    std::swap(capacity_, other.capacity_);
    std::swap(max_size_, other.max_size_);
    std::swap(offset_, other.offset_);
}

void byte_buffer::resize(std::size_t n) {
    if (n <= size()) return truncate(n);
    auto added = n - size();
    std::memset(extend(added), 0, added);
}

void byte_buffer::erase_front(std::size_t n) noexcept {
    if (n == 0) return;
    std::memmove(begin_, begin_ + n, size() - n);
    end_ -= n;
}

void byte_buffer::grow(std::size_t n) {
    auto limit = std::max(max_size_, size());
    if (n > limit - size())
        detail::throw_error(errc::message_too_large,
                            "at least " + std::to_string(size() - offset_ + n) +
                                " bytes, the limit is " + std::to_string(max_size_ - offset_));
    reallocate(std::min(std::max({size() + n, capacity_ * 2, std::size_t{256}}), limit));
}

void byte_buffer::reallocate(std::size_t capacity) {
    auto used = size();
    auto* memory = static_cast<std::byte*>(std::realloc(begin_, capacity));
    if (memory == nullptr) throw std::bad_alloc();
    begin_ = memory;
    end_ = begin_ + used;
    capacity_ = capacity;
    set_room();
}

void input_archive::fail(errc code, const std::string& what) const {
    std::string context(name_ == nullptr ? "value" : *name_);
    if (field_ != 0) context += ", field " + std::to_string(field_);
    context += ", at byte " + std::to_string(at_ - begin_) + ": " + what;
    detail::throw_error(code, context);
}

void input_archive::fail_bad_value(std::string_view what) const {
    fail(errc::bad_value, std::string(what));
}

void input_archive::fail_size(std::size_t expected, std::size_t found) const {
    fail(errc::bad_value,
         std::to_string(expected) + " elements expected, " + std::to_string(found) + " found");
}

void input_archive::fail_collisions(std::size_t inserted) const {
    fail(errc::over_budget,
         "the keys of a hash table collide far more often than by chance, after " +
             std::to_string(inserted) + " elements");
}

void input_archive::fail_truncated(std::size_t needed) const {
    fail(errc::truncated,
         std::to_string(needed) + " bytes needed, " + std::to_string(left()) + " left");
}

void input_archive::fail_kind(detail::kind expected) const {
    fail(errc::field_mismatch,
         text_of(expected) + " expected, " + text_of(static_cast<detail::kind>(*at_)) + " found");
}

void input_archive::fail_count(std::size_t count) const {
    fail(errc::truncated, std::to_string(count) + " elements or bytes announced, " +
                              std::to_string(left()) + " bytes left");
}

void input_archive::fail_memory() const {
    fail(errc::over_budget, "more than " + std::to_string(memory_) + " bytes of memory needed");
}

void input_archive::fail_depth() const {
    fail(errc::too_deep, "more than " + std::to_string(depth_) + " records within each other");
}

void input_archive::fail_rest() const {
    fail(errc::bad_value, std::to_string(left()) + " bytes after the value");
}

namespace detail {

void fail_too_many(std::size_t count) {
    throw_error(errc::message_too_large, std::to_string(count) + " elements or bytes in one value");
}

void fail_too_deep(unsigned limit) {
    throw_error(errc::too_deep,
                "more than " + std::to_string(limit) + " records within each other");
}

void fail_valueless() {
    throw_error(errc::bad_value, "a variant that has no value");
}

}  // namespace detail
}  // namespace remora
