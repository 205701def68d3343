// SPDX-License-Identifier: MIT
/// The record of a failed call.
#pragma once

#include "wire/close_reason.hpp"

#include <remora/archive.hpp>
#include <remora/call.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

namespace remora::wire {

struct call_failure {
    /// The categories of a code that mean the same on both sides.
    enum : std::uint8_t { no_code = 0, of_remora = 1, of_generic = 2, of_system = 3 };
    static constexpr std::size_t max_text = 1024;

    std::uint8_t kind = 0;  ///< a failure_kind
    std::uint8_t category = no_code;
    std::int32_t code = 0;
    std::string text;

    call_failure() = default;
    call_failure(failure_kind what, std::error_code why, std::string message)
        : kind(static_cast<std::uint8_t>(what)),
          category(category_of(why)),
          text(std::move(message)) {
        if (category != no_code) code = why.value();
        if (text.size() > max_text) text.resize(max_text);
    }

    /// What a kind of a newer peer counts as is `failed`.
    failure_kind known_kind() const noexcept {
        const bool is_known = kind >= static_cast<std::uint8_t>(failure_kind::failed) &&
                              kind <= static_cast<std::uint8_t>(failure_kind::timed_out);
        return is_known ? static_cast<failure_kind>(kind) : failure_kind::failed;
    }
    /// The code that was sent along, if it is known here; otherwise none.
    std::error_code known_code() const {
        if (code == 0) return {};
        switch (category) {
            case of_remora:
                return close_reason::known(code);
            case of_generic:
                return {code, std::generic_category()};
            case of_system:
                return {code, std::system_category()};
            default:
                return {};
        }
    }

    template <class Archive>
    void serialize(Archive& ar) {
        ar(kind, category, code, text);
    }

private:
    static std::uint8_t category_of(const std::error_code& why) {
        if (!why) return no_code;
        if (why.category() == remora::category()) return of_remora;
        if (why.category() == std::generic_category()) return of_generic;
        return why.category() == std::system_category() ? of_system : no_code;
    }
};

}  // namespace remora::wire
