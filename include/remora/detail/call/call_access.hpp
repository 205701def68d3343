// SPDX-License-Identifier: MIT
/// Gives the library access to private members of pipes, services, streams and generators.
#pragma once

#include <remora/request.hpp>

#include <memory>
#include <utility>

namespace remora {

class pipe;
class service;

namespace detail {

class incoming_stream;
class pipe_end;
class service_table;

/// A friend of those types, for what is not for users.
struct call_access {
    static pipe make_pipe(std::shared_ptr<pipe_end> end) noexcept;
    static const std::shared_ptr<pipe_end>& end_of(const pipe& which);
    /// The handlers, as they are now.
    static std::shared_ptr<const service_table> handlers_of(const service& what);
    template <class T>
    static stream<T> make_stream(std::shared_ptr<incoming_stream> state) noexcept {
        return stream<T>(std::move(state));
    }
    /// Takes an item if there is one.
    template <class T>
    static bool take_item(stream<T>& from, T& into) {
        if (!from.state_ || from.state_->inbox.empty()) return false;
        into = stream<T>::pop(*from.state_);
        return true;
    }
    /// The promise of a generator, of which its items are taken.
    template <class T>
    static auto& source_of(const generator<T>& items) noexcept {
        return items.promise();
    }
};

}  // namespace detail
}  // namespace remora
