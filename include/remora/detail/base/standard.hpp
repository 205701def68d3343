// SPDX-License-Identifier: MIT
/// One clear error if the program is not compiled as C++20 or newer.
#pragma once

#if __cplusplus < 202002L
#error "remora: compile this program as C++20: -std=c++20, or cpp_std=c++20 in a Meson project"
// Ends the compilation: hundreds of errors would follow.
#include "the error above says what to do"
#endif
