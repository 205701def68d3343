// SPDX-License-Identifier: MIT
// Each source of remora_nats begins with it. The shared library exports what this header declares.
#pragma GCC visibility push(default)
#include <remora/nats.hpp>
#pragma GCC visibility pop
