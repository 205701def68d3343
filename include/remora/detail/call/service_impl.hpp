// SPDX-License-Identifier: MIT
/// The bodies of service's templates.
#pragma once

#include <remora/detail/call/typed_handler.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace remora {

template <class Handler>
service& service::on(Handler handler) {
    if constexpr (detail::is_handler<Handler>()) {
        using message = typename detail::handler_traits<Handler>::request;
        table_ = detail::service_table::with(
            table_, type_tag_of<message>(), type_name_of<message>(),
            std::make_shared<const detail::typed_handler<Handler>>(std::move(handler)));
    }
    return *this;
}

template <class C, class Result, class... Taken, bool is_noexcept>
service& service::on(Result (C::*f)(Taken...) noexcept(is_noexcept), std::type_identity_t<C>& of) {
    return on([f, &of](Taken... what) { return (of.*f)(std::forward<Taken>(what)...); });
}

template <class C, class Result, class... Taken, bool is_noexcept>
service& service::on(Result (C::*f)(Taken...) const noexcept(is_noexcept),
                     const std::type_identity_t<C>& of) {
    return on([f, &of](Taken... what) { return (of.*f)(std::forward<Taken>(what)...); });
}

}  // namespace remora
