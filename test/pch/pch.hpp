// SPDX-License-Identifier: MIT
// Precompiled for the tests: what most of them include. It may be absent (b_pch=false).
#include <doctest/doctest.h>
#include <remora.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
