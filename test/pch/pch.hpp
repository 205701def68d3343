// SPDX-License-Identifier: MIT
// Precompiled for the tests: what most of them include. It may be absent (b_pch=false).
#include <remora/archive.hpp>
#include <remora/asio.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
