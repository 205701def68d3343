// SPDX-License-Identifier: MIT
#include "nats/message.hpp"

#include <concepts>

namespace remora::nats {
namespace {

void put(std::vector<std::byte>& into, std::unsigned_integral auto value) {
    for (std::size_t i = 0; i != sizeof value; ++i)
        into.push_back(static_cast<std::byte>(value >> (8 * i)));
}

template <std::unsigned_integral T>
T take(std::span<const std::byte>& from) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i != sizeof(T); ++i)
        value |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
    from = from.subspan(sizeof(T));
    return static_cast<T>(value);
}

bool has_value(message_kind kind) {
    return kind == message_kind::request || kind == message_kind::message ||
           kind == message_kind::reply || kind == message_kind::item;
}

}  // namespace

void write(std::vector<std::byte>& into, const message& what) {
    into.clear();
    into.reserve(header_size + what.name.size() + what.body.size());
    put(into, static_cast<std::uint8_t>(what.kind));
    put(into, what.sequence);
    put(into, what.number);
    put(into, static_cast<std::uint8_t>(what.name.size()));
    const auto name = std::as_bytes(std::span(what.name));
    into.insert(into.end(), name.begin(), name.end());
    into.insert(into.end(), what.body.begin(), what.body.end());
}

std::optional<message> read(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return {};
    message found;
    const auto kind = take<std::uint8_t>(bytes);
    found.kind = static_cast<message_kind>(kind);
    found.sequence = take<std::uint32_t>(bytes);
    found.number = take<std::uint64_t>(bytes);
    const std::size_t name = take<std::uint8_t>(bytes);
    const bool is_known = kind >= static_cast<std::uint8_t>(message_kind::request) &&
                          kind <= static_cast<std::uint8_t>(message_kind::beat);
    if (!is_known || bytes.size() < name || (has_value(found.kind) && name == 0)) return {};
    found.name = {reinterpret_cast<const char*>(bytes.data()), name};
    found.body = bytes.subspan(name);
    return found;
}

std::vector<std::uint64_t> numbers_of(const message& beat) {
    std::vector<std::uint64_t> numbers;
    for (auto rest = beat.body; rest.size() >= sizeof(std::uint64_t);)
        numbers.push_back(take<std::uint64_t>(rest));
    return numbers;
}

std::vector<std::byte> to_body(std::span<const std::uint64_t> numbers) {
    std::vector<std::byte> body;
    for (const auto number : numbers)
        put(body, number);
    return body;
}

}  // namespace remora::nats
