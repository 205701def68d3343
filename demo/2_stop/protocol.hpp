// SPDX-License-Identifier: MIT
// What the two executables share.
#pragma once

struct heartbeat {
    int count = 0;
};
