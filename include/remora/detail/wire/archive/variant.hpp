// SPDX-License-Identifier: MIT
/// Values of which there may be none, or one of several.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include <remora/detail/wire/archive/construct.hpp>
#include <remora/detail/wire/archive/tuple.hpp>

namespace remora::detail {

/// An owning pointer and a std::optional look alike: which it is, is C++'s affair.
template <class T>
struct optional_of {
    static constexpr kind its_kind = kind::optional;
    static constexpr std::size_t least_encoded_size = 1;
    static consteval auto name() { return join("optional<", codec<T>::name(), ">"); }

    static void put_if(output_archive& out, const T* value) {
        out.put_number(static_cast<std::uint8_t>(value != nullptr));
        if (value != nullptr) out.put_with_kind(*value);
    }
    /// Whether there is a value; its kind has been read then.
    static bool get_head(input_archive& in) {
        auto present = in.get_number<std::uint8_t>();
        if (present > 1) [[unlikely]]
            in.fail_bad_value("an optional is 0 or 1");
        if (present == 1) in.expect(codec<T>::its_kind);
        return present == 1;
    }
};

template <class T>
struct codec<std::optional<T>> : optional_of<T> {
    static void put(output_archive& out, const std::optional<T>& value) {
        optional_of<T>::put_if(out, value ? &*value : nullptr);
    }
    static void get(input_archive& in, std::optional<T>& value) {
        if (optional_of<T>::get_head(in))
            codec<T>::get(in, value.emplace());
        else
            value.reset();
    }
};

template <class T, class D>
struct codec<std::unique_ptr<T, D>> : optional_of<std::remove_const_t<T>> {
    using target = std::remove_const_t<T>;
    static_assert(!std::is_polymorphic_v<T>,
                  "remora: a pointer to a polymorphic class is not a value: the reader cannot know "
                  "which derived class to make; use std::variant");
    static_assert(!std::is_array_v<T>,
                  "remora: a pointer to an array does not know its length; use std::vector");

    static void put(output_archive& out, const std::unique_ptr<T, D>& value) {
        optional_of<target>::put_if(out, value.get());
    }
    static void get(input_archive& in, std::unique_ptr<T, D>& value) {
        value.reset();
        if (!optional_of<target>::get_head(in)) return;
        in.charge(1, sizeof(T) + sizeof(void*));
        value.reset(make_object<target>(in).release());
    }
};

template <class... T>
struct codec<std::variant<T...>> {
    using variant = std::variant<T...>;
    static_assert(sizeof...(T) <= 256, "remora: a variant has at most 256 alternatives");

    static constexpr kind its_kind = kind::variant;
    static constexpr std::size_t least_encoded_size = 3;
    static consteval auto name() { return join("variant<", list_names<T...>(), ">"); }

    static void put(output_archive& out, const variant& value) {
        if (value.valueless_by_exception()) [[unlikely]]
            fail_valueless();
        out.put_number(static_cast<std::uint8_t>(value.index()));
        std::visit([&](const auto& alternative) { out.put_with_kind(alternative); }, value);
    }
    static void get(input_archive& in, variant& value) {
        auto index = in.get_number<std::uint8_t>();
        if (index >= sizeof...(T)) [[unlikely]]
            in.fail_bad_value("an alternative that this program does not know");
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((index == I && (in.get_with_kind(value.template emplace<I>()), true)) || ...);
        }(std::index_sequence_for<T...>{});
    }
};

}  // namespace remora::detail
