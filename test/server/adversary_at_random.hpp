// SPDX-License-Identifier: MIT
/// An app that breaks the protocol in ways drawn from a seed.
#pragma once

#include <cstdint>
#include <string>

namespace test {

/// Connects to "calls" or "echo", if it gets there, breaks what it can for some milliseconds, and
/// leaves in one way or another. A signal ends it if the server does not let it go on.
[[noreturn]] void act_at_random(const std::string& directory, std::uint64_t seed, bool over_fifos);

}  // namespace test
