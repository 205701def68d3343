// SPDX-License-Identifier: MIT
#include "wire/control_records.hpp"

#include <algorithm>

namespace remora::detail {

std::variant<wire::welcome, close_reason> answer_hello(const wire::hello& theirs,
                                                       std::uint64_t max_message, int pid) {
    const std::uint32_t version = std::min(theirs.newest, wire::newest);
    if (version < wire::oldest || version < theirs.oldest) {
        return close_reason(errc::version_mismatch,
                            "the server speaks versions " + std::to_string(wire::oldest) + " to " +
                                std::to_string(wire::newest) + " of the protocol, the app " +
                                std::to_string(theirs.oldest) + " to " +
                                std::to_string(theirs.newest));
    }
    if (theirs.max_message < wire::least_max_message) {
        return close_reason(errc::protocol_error, "the app's limit of a message is " +
                                                      std::to_string(theirs.max_message) +
                                                      " bytes, the least is " +
                                                      std::to_string(wire::least_max_message));
    }
    return wire::welcome{.version = version,
                         .features = theirs.features & wire::all_features,
                         .max_message = std::min(max_message, theirs.max_message),
                         .pid = pid};
}

wire::hello parse_hello(const frame& f) {
    if (f.header.kind != frame_kind::hello || f.header.tag != wire::magic) {
        throw_error(errc::protocol_error, "the app's first frame is no hello");
    }
    return payload_of<wire::hello>(f);
}

bool is_pipe_name(std::string_view name) noexcept {
    const auto allowed = [](unsigned char c) { return c >= 0x20 && c != 0x7f && c != '/'; };
    return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, allowed);
}

void check_pipe_name(std::string_view name) {
    if (is_pipe_name(name)) return;
    throw_error(
        errc::bad_name,
        quote(name, 64) + ": a name has 1 to 128 bytes, without slashes or control characters");
}

}  // namespace remora::detail
