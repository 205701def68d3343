// SPDX-License-Identifier: MIT
// A request whose reply is a stream: of how far the job is, and of what it has found.
#pragma once

#include <remora/request.hpp>

#include <cstdint>
#include <variant>

struct progress {
    int percent = 0;
    std::int64_t primes = 0;
};

// A gap between two primes that is larger than all before it.
struct gap {
    std::int64_t size = 0;
    std::int64_t after = 0;
};

using news = std::variant<progress, gap>;

struct find_gaps {
    using reply = remora::stream<news>;

    std::int64_t limit = 0;
};
