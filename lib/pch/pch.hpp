// SPDX-License-Identifier: MIT
// Each source of the library begins with it. The shared library exports what a header of include/
// declares; it hides what the headers and sources of lib/ add.
#pragma GCC visibility push(default)
#include <remora.hpp>
#pragma GCC visibility pop
