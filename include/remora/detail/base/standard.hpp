// SPDX-License-Identifier: MIT
/// What the compiler has to know, in a sentence that comes before all that it would say itself.
#pragma once

#if __cplusplus < 202002L
#error "remora: compile this program as C++20: -std=c++20, or cpp_std=c++20 in a Meson project"
// Ends the compilation: hundreds of errors would follow.
#include "the error above says what to do"
#endif
