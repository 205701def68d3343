// SPDX-License-Identifier: MIT
// Values in bytes: from frames, and into frames.
#include <remora/any.hpp>

#include "call/any_access.hpp"
#include "wire/copy_loans.hpp"

#include <cstring>
#include <utility>

namespace remora {

any_value::any_value(std::string_view type_name, std::span<const std::byte> bytes)
    : any_value(detail::take_any_record()) {
    if (type_name.empty() || type_name.size() > detail::max_type_name)
        detail::throw_error(errc::bad_option,
                            "any_value: a type's name has 1 to 255 characters, not " +
                                std::to_string(type_name.size()));
    record_->type_name = type_name;
    record_->tag = std::max<std::uint64_t>(detail::fnv1a(type_name), 1);
    record_->bytes.append(bytes.data(), bytes.size());
}

void any_value::throw_mismatch(std::string_view wanted) const {
    detail::throw_error(errc::type_mismatch, "expected " + std::string(wanted) + ", the value is " +
                                                 detail::any_access::shown_name(*this));
}

namespace detail {
namespace {

constexpr unsigned most_spare = 64;             // records of a thread that wait to be used again
constexpr std::size_t most_spare_bytes = 4096;  // of one of them

/// What a thread keeps. Trivial: values that are destroyed after the thread's objects still find
/// it.
struct spare_records {
    any_record* first = nullptr;
    unsigned count = 0;
    bool is_closed = false;
};
constinit thread_local spare_records spare;

/// Frees them when the thread ends.
struct spare_guard {
    ~spare_guard() {
        spare.is_closed = true;
        while (spare.first != nullptr)
            delete std::exchange(spare.first, spare.first->next);
    }
};

}  // namespace

any_record* take_any_record() {
    thread_local const spare_guard guard;
    any_record* const first = spare.first;
    if (first == nullptr) return new any_record;
    spare.first = first->next;
    --spare.count;
    return first;
}

void give_back(any_record* record) noexcept {
    if (spare.is_closed || spare.count == most_spare ||
        record->bytes.capacity() > most_spare_bytes) {
        delete record;
        return;
    }
    record->bytes.clear();
    record->next = std::exchange(spare.first, record);
    ++spare.count;
}

std::string any_access::shown_name(const any_value& value) {
    if (!value.type_name().empty()) return quote(value.type_name());
    return "an unnamed type (tag " + std::to_string(value.tag()) + ")";
}

// Lists, optionals and tuples may stand between records.
byte_buffer any_access::copy_with_loans(const pipe_end& end, std::span<const std::byte> bytes,
                                        std::span<const block_ref> loans) try {
    byte_buffer whole;
    whole.max_size(end.limits().message);
    append_copying_loans(whole, bytes, loans, 4 * end.limits().decode.depth);
    whole.max_size(byte_buffer().max_size());  // the memory will be that of other values
    return whole;
} catch (...) {
    end.rethrow_in_context();
}

any_value any_access::make_value(const pipe_end& end, std::uint64_t tag,
                                 std::span<const std::byte> bytes,
                                 std::span<const block_ref> loans) {
    any_value made(take_any_record());
    any_record& into = *made.record_;
    into.tag = tag;
    into.type_name = end.type_name(tag);
    into.bytes.append(bytes.data(), bytes.size());
    if (!loans.empty()) [[unlikely]]
        into.bytes = copy_with_loans(end, into.bytes.bytes(), loans);
    return made;
}

any_value any_access::value_of(const pipe_end& end, const frame& f) {
    return make_value(end, f.header.tag, f.payload, end.loans());
}

void read_item(incoming_stream& from, any_value& into) {
    const auto item = from.inbox.front();
    std::uint64_t tag;
    std::memcpy(&tag, item.data(), sizeof tag);
    into =
        any_access::make_value(*from.end, tag, item.subspan(sizeof tag), from.inbox.front_loans());
}

pipe_state::position put_frame(pipe_state& end, frame_kind kind, std::uint64_t id,
                               std::uint8_t flags, const any_value& value) {
    if (!value.has_value())
        throw_error(errc::bad_option, end.context() + "an any_value that has none");
    auto p = end.begin_frame(kind, id, value.tag(), value.type_name(), flags);
    try {
        const auto bytes = value.bytes();
        end.out().append(bytes.data(), bytes.size());
        end.end_frame(p);
    } catch (...) {
        end.drop_frame(p);
        end.rethrow_in_context();
    }
    return p;
}

}  // namespace detail
}  // namespace remora
