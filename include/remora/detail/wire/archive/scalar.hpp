// SPDX-License-Identifier: MIT
/// Numbers, enumerations, atomics, and what is not a value.
#pragma once

#include <atomic>
#include <memory>

#include <remora/detail/wire/archive/functions.hpp>
#include <remora/detail/wire/archive/input.hpp>
#include <remora/detail/wire/archive/output.hpp>
#include <remora/detail/wire/archive/type_name.hpp>

namespace remora::detail {

/// What a node of a list, a tree or a hash table costs beside its element.
inline constexpr std::size_t node_size = 48;

template <class T>
consteval auto number_name() {
    if constexpr (std::is_same_v<T, bool>)
        return as_fixed_string("bool");
    else if constexpr (std::is_floating_point_v<T>)
        return join("f", decimal<8 * sizeof(T)>());
    else if constexpr (is_unsigned_on_wire<T>)
        return join("u", decimal<8 * sizeof(T)>());
    else
        return join("i", decimal<8 * sizeof(T)>());
}

template <class T>
    requires(std::is_arithmetic_v<T> || std::is_same_v<T, std::byte>)
struct codec<T> {
    static_assert(!std::is_same_v<T, wchar_t>,
                  "remora: the width of wchar_t is up to the platform; use char32_t or UTF-8");
    static_assert(!std::is_floating_point_v<T> || sizeof(T) <= 8,
                  "remora: the layout of long double is up to the platform; use double");
    static_assert(sizeof(T) <= 8, "remora: there are no numbers of more than 64 bits on the wire");

    static constexpr kind its_kind = kind_of_number<T>();
    static constexpr std::size_t least_encoded_size = sizeof(T);
    static consteval auto name() { return number_name<T>(); }

    static void put(output_archive& out, T value) { out.put_number(value); }
    static void get(input_archive& in, T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            auto byte = in.get_number<std::uint8_t>();
            if (byte > 1) [[unlikely]]
                in.fail_bad_value("a bool is 0 or 1");
            value = byte != 0;
        } else {
            value = in.get_number<T>();
        }
    }
};

template <class T>
    requires(std::is_enum_v<T> && !std::is_same_v<T, std::byte> && !own_minimal_enumeration<T>)
struct codec<T> {
    static_assert(
        requires { T{0}; },
        "remora: the width of this enumeration is up to the compiler: give it a type, "
        "enum name : int");
    static_assert(traits::detail::count_output_serializers<T, output_archive>::value <= 1,
                  "remora: an enumeration is a number, or what its one save_minimal without a "
                  "version returns: other functions are not used");
    using number = std::underlying_type_t<T>;

    static constexpr kind its_kind = codec<number>::its_kind;
    static constexpr std::size_t least_encoded_size = sizeof(T);
    static consteval auto name() { return class_name<T>(); }

    static void put(output_archive& out, T value) {
        codec<number>::put(out, static_cast<number>(value));
    }
    static void get(input_archive& in, T& value) {
        number n{};
        codec<number>::get(in, n);
        value = static_cast<T>(n);
    }
};

template <class T>
struct codec<std::atomic<T>> {
    static constexpr kind its_kind = codec<T>::its_kind;
    static constexpr std::size_t least_encoded_size = codec<T>::least_encoded_size;
    static consteval auto name() { return codec<T>::name(); }

    static void put(output_archive& out, const std::atomic<T>& value) {
        codec<T>::put(out, value.load());
    }
    static void get(input_archive& in, std::atomic<T>& value) {
        T plain{};
        codec<T>::get(in, plain);
        value.store(plain);
    }
};

template <class T>
struct codec<T*> {
    static_assert(always_false<T>,
                  "remora: a raw pointer is not a value: its address means nothing in the other "
                  "process; send the object, a std::optional or a std::unique_ptr");
};

template <class Char, class Traits>
struct codec<std::basic_string_view<Char, Traits>> {
    static_assert(
        always_false<Char>,
        "remora: a std::string_view is not a value: it owns no text that the other process "
        "could have; send a std::string");
};

template <class T>
struct codec<std::shared_ptr<T>> {
    static_assert(always_false<T>,
                  "remora: std::shared_ptr is not a value: two processes cannot share an object; "
                  "send the object, or a std::unique_ptr that owns it alone");
};

template <class T>
struct codec<std::weak_ptr<T>> {
    static_assert(always_false<T>,
                  "remora: std::weak_ptr is not a value: two processes cannot share an object; "
                  "send the object itself");
};

/// Whether a run of T can be copied to and from the wire as it lies in memory.
template <class T>
consteval bool is_raw_number() {
    if constexpr (std::is_enum_v<T>)
        return !std::is_same_v<std::underlying_type_t<T>, bool> && !own_minimal_enumeration<T>;
    else
        return std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
}

template <class T>
inline constexpr bool is_raw = is_raw_number<T>();

}  // namespace remora::detail
