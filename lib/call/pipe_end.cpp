// SPDX-License-Identifier: MIT
#include <remora/detail/call/pipe_end.hpp>

#include <remora/detail/call/call_session.hpp>

namespace remora::detail {

pipe_end::~pipe_end() = default;

}  // namespace remora::detail
