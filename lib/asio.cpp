// SPDX-License-Identifier: MIT
#include <remora/asio.hpp>

#ifdef ASIO_SEPARATE_COMPILATION
#include <asio/impl/src.hpp>
#endif

namespace remora::detail {
const int REMORA_ASIO_ABI = ASIO_VERSION;
}
