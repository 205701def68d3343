// SPDX-License-Identifier: MIT
/// Where a run takes place, and what it was built with.
#pragma once

#include <string>

namespace bench {

/// "AMD EPYC, 2 CPUs, Linux 6.1.0"
std::string machine();

/// "g++ 12.2.0, Asio 1.22.1, Remora 0.1.0"
std::string build();

}  // namespace bench
