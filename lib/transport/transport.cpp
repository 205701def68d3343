// SPDX-License-Identifier: MIT
#include <remora/transport.hpp>

namespace remora {

std::string to_string(transport_kind kind) {
    switch (kind) {
        case transport_kind::automatic:
            return "automatic";
        case transport_kind::fifo:
            return "fifo";
        case transport_kind::shared_memory:
            return "shared_memory";
        case transport_kind::in_process:
            return "in_process";
    }
    return "unknown";
}

std::string to_string(wait_policy policy) {
    switch (policy) {
        case wait_policy::adaptive:
            return "adaptive";
        case wait_policy::block:
            return "block";
        case wait_policy::spin:
            return "spin";
    }
    return "unknown";
}

}  // namespace remora
