// SPDX-License-Identifier: MIT
/// Gives the library access to private constructors of its handles.
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
