// SPDX-License-Identifier: MIT
#include "pipe/frame_words.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace remora::detail {
namespace {

constexpr std::array<std::pair<frame_kind, const char*>, 23> kind_words{{
    {frame_kind::open, "open"},         {frame_kind::message, "message"},
    {frame_kind::close, "close"},       {frame_kind::hello, "hello"},
    {frame_kind::welcome, "welcome"},   {frame_kind::refused, "refused"},
    {frame_kind::connect, "connect"},   {frame_kind::connected, "connected"},
    {frame_kind::rejected, "rejected"}, {frame_kind::withdraw, "withdraw"},
    {frame_kind::goodbye, "goodbye"},   {frame_kind::list, "list"},
    {frame_kind::listed, "listed"},     {frame_kind::request, "request"},
    {frame_kind::reply, "reply"},       {frame_kind::failure, "failure"},
    {frame_kind::cancel, "cancel"},     {frame_kind::item, "item"},
    {frame_kind::end, "end"},           {frame_kind::credit, "credit"},
    {frame_kind::window, "window"},     {frame_kind::time_left, "time_left"},
    {frame_kind::piece, "piece"},
}};

}  // namespace

// One of a newer peer has its number.
std::string word_of(frame_kind kind) {
    const auto known =
        std::ranges::find(kind_words, kind, &std::pair<frame_kind, const char*>::first);
    if (known != kind_words.end()) return known->second;
    return "kind " + std::to_string(static_cast<int>(kind));
}

bool has(const frame_header& header, std::uint8_t flag) noexcept {
    return (header.flags & flag) != 0;
}

bool is_of_a_call(const frame_header& header) noexcept {
    return header.kind >= frame_kind::request && header.kind != frame_kind::window;
}

bool is_answer(const frame_header& header) noexcept {
    return header.kind == frame_kind::reply || header.kind == frame_kind::failure ||
           (header.kind == frame_kind::end && !has(header, frame_header::of_sender));
}

// Where the kind says it, the flag does not count.
bool is_call_of_sender(const frame_header& header) noexcept {
    switch (header.kind) {
        case frame_kind::request:
        case frame_kind::cancel:
        case frame_kind::time_left:
            return true;
        case frame_kind::reply:
        case frame_kind::failure:
            return false;
        default:
            return has(header, frame_header::of_sender);
    }
}

std::span<const std::byte> without_name(const frame_header& header,
                                        std::span<const std::byte> payload) noexcept {
    if (!has(header, frame_header::named) || payload.empty()) return payload;
    const auto length = std::min(1 + std::to_integer<std::size_t>(payload.front()), payload.size());
    return payload.subspan(length);
}

}  // namespace remora::detail
