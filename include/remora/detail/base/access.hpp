// SPDX-License-Identifier: MIT
/// What the library may do with its own handles, and users may not.
#pragma once

#include <utility>

namespace remora::detail {

/// The one friend of the handles.
struct access {
    /// The handle of a state.
    template <class Handle, class State>
    static Handle make(State state) {
        return Handle(std::move(state));
    }
};

}  // namespace remora::detail
