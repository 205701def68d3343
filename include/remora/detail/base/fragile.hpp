// SPDX-License-Identifier: MIT
/// Temporaries that g++ 12 destroys twice within a co_await or co_yield expression. Not for users.
#pragma once

#include <type_traits>
#include <utility>

namespace remora::detail {

/// True if it does damage to destroy a temporary T twice.
template <class T>
inline constexpr bool is_fragile = std::is_aggregate_v<T> && !std::is_trivially_destructible_v<T>;

/// Wraps a T, so that the temporary is not an aggregate.
template <class T>
class wrapped_item {
public:
    template <class... Args>
    explicit wrapped_item(std::in_place_t, Args&&... args);
    const T& get() const noexcept { return value_; }
    T&& take() noexcept { return std::move(value_); }

private:
    T value_;
};

template <class T>
inline constexpr bool is_wrapped = false;
template <class T>
inline constexpr bool is_wrapped<wrapped_item<T>> = true;

/// An argument, or what it wraps: that is moved out of a temporary, and copied from what has a
/// name.
template <class Arg>
decltype(auto) unwrapped(Arg&& arg) noexcept {
    if constexpr (!is_wrapped<std::remove_cvref_t<Arg>>) {
        return static_cast<Arg&&>(arg);
    } else if constexpr (std::is_lvalue_reference_v<Arg> || std::is_const_v<Arg>) {
        return arg.get();
    } else {
        return arg.take();
    }
}

// A field without an initialiser may be left out.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/// T{args...}, of arguments that may be wrapped.
template <class T, class... Args>
T built_from(Args&&... args) {
    return T{unwrapped(std::forward<Args>(args))...};
}

template <class T>
template <class... Args>
wrapped_item<T>::wrapped_item(std::in_place_t, Args&&... args)
    : value_{unwrapped(std::forward<Args>(args))...} {
}

#pragma GCC diagnostic pop

/// Says what to write, if one of the arguments, deduced as Args for Args&&..., is such a temporary,
/// or may be one.
template <class... Args>
consteval void check_temporaries() {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    static_assert(!(is_fragile<Args> || ...),
                  "remora: g++ before 13 destroys a struct that is made within co_await or "
                  "co_yield twice: write remora::item<point>(1, 2) for such an argument, or name "
                  "it, and pass it without std::move");
#endif
}

}  // namespace remora::detail
