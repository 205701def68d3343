// SPDX-License-Identifier: MIT
/// The record of a failed call.
#pragma once

#include <remora/archive.hpp>
#include <remora/call.hpp>

#include <cstdint>
#include <exception>
#include <string>

namespace remora::wire {

struct call_failure {
    /// The categories of a code that mean the same on both sides.
    enum : std::uint8_t { no_code = 0, of_remora = 1, of_generic = 2, of_system = 3 };

    std::uint8_t kind = 0;  ///< a failure_kind
    std::uint8_t category = no_code;
    std::int32_t code = 0;
    std::string text;

    call_failure() = default;
    call_failure(failure_kind what, std::error_code code, std::string text);
    /// Of what a handler has thrown.
    static call_failure of(std::exception_ptr why);
    /// Of a call that was passed on: what has arrived, if it has, otherwise what was found here.
    static call_failure passed(const remote_error& why);

    remote_error to_error(const std::string& context) const;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(kind, category, code, text);
    }

private:
    static constexpr std::size_t max_text = 1024;

    std::error_code to_code(failure_kind what) const;
    void set(std::error_code why);
};

}  // namespace remora::wire
