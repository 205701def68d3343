// SPDX-License-Identifier: MIT
/// The record for the reason of a close or a refusal.
#pragma once

#include "base/error_text.hpp"

#include <remora/archive.hpp>
#include <remora/error.hpp>

#include <cstdint>
#include <string>

namespace remora::wire {

struct close_reason {
    std::int32_t code = 0;  ///< an errc; 0 for a clean end
    std::string text;

    close_reason() = default;
    /// Where `what` ends with the text of a code that travels, this end is cut off: the other end
    /// adds it again.
    close_reason(std::error_code why, std::string what)
        : code(why.category() == category() ? why.value()
               : why                        ? to_int(errc::service_failed)
                                            : 0),
          text(why.category() == category() ? std::string(detail::without_code(what, why))
                                            : std::move(what)) {
        if (text.size() > max_text) text.resize(max_text);
    }

    /// The reason of a close. Codes of a newer peer that are unknown here come as `service_failed`.
    std::error_code to_code() const {
        if (code == 0) return {};
        return is_known() ? static_cast<errc>(code) : errc::service_failed;
    }
    /// The reason why something was not granted: never success; unknown codes come as `refused`.
    std::error_code to_refusal() const {
        return is_known() ? static_cast<errc>(code) : errc::refused;
    }

    /// The code with this number, if it is known here; otherwise none.
    static std::error_code known(std::int32_t code) {
        if (code <= 0 || code > to_int(last_errc)) return {};
        return static_cast<errc>(code);
    }

    template <class Archive>
    void serialize(Archive& ar) {
        ar(code, text);
    }

private:
    static constexpr errc last_errc = errc::cancelled;
    static constexpr std::size_t max_text = 1024;
    bool is_known() const { return bool(known(code)); }
    static constexpr std::int32_t to_int(errc e) { return static_cast<std::int32_t>(e); }
};

}  // namespace remora::wire
