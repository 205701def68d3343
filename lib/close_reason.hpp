// SPDX-License-Identifier: MIT
/// Why something ended or was refused, as it travels.
#pragma once

#include <remora/archive.hpp>
#include <remora/error.hpp>

#include <cstdint>
#include <string>

namespace remora::wire {

struct close_reason {
    std::int32_t code = 0;  ///< an errc; 0 for a clean end
    std::string text;

    close_reason() = default;
    close_reason(std::error_code why, std::string what)
        : code(why.category() == category() ? why.value()
               : why                        ? to_int(errc::service_failed)
                                            : 0),
          text(std::move(what)) {}

    /// Codes of a newer peer that are unknown here come as `service_failed`.
    std::error_code to_code() const {
        if (code == 0) return {};
        const bool known = code > 0 && code <= to_int(last_errc);
        return make_error_code(known ? static_cast<errc>(code) : errc::service_failed);
    }

    template <class Archive>
    void serialize(Archive& ar) {
        ar(code, text);
    }

private:
    static constexpr errc last_errc = errc::bad_option;
    static constexpr std::int32_t to_int(errc e) { return static_cast<std::int32_t>(e); }
};

}  // namespace remora::wire
