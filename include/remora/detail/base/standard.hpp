// SPDX-License-Identifier: MIT
/// One clear error if the program is not compiled as C++20 or newer, or by a compiler that is too
/// old.
#pragma once

#if __cplusplus < 202002L
#error "remora: compile this program as C++20: -std=c++20, or cpp_std=c++20 in a Meson project"
// Ends the compilation: hundreds of errors would follow.
#include "the error above says what to do"
#endif

#if defined(__clang__) ? __clang_major__ < 16 : __GNUC__ < 12
#error "remora: compile this program with g++ 12, or clang 16, or newer"
#include "the error above says what to do"
#endif
