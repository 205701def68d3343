// SPDX-License-Identifier: MIT
/// Values of a fixed shape: tuples, complex numbers, bit sets.
#pragma once

#include <bitset>
#include <complex>
#include <tuple>
#include <utility>

#include <remora/detail/wire/archive/scalar.hpp>

namespace remora::detail {

template <class First, class... Rest>
consteval auto list_names() {
    if constexpr (sizeof...(Rest) == 0)
        return codec<First>::name();
    else
        return join(codec<First>::name(), ",", list_names<Rest...>());
}

template <class... T>
struct tuple_of {
    static_assert(sizeof...(T) <= 255, "remora: a tuple has at most 255 elements");
    static constexpr kind its_kind = kind::tuple;
    static constexpr std::size_t least_encoded_size = 1;
    static consteval auto name() {
        if constexpr (sizeof...(T) == 0)
            return as_fixed_string("tuple<>");
        else
            return join("tuple<", list_names<T...>(), ">");
    }

    static void put_all(output_archive& out, const T&... elements) {
        out.put_number(static_cast<std::uint8_t>(sizeof...(T)));
        (out.put_with_kind(elements), ...);
    }
    static void get_all(input_archive& in, T&... elements) {
        std::size_t count = in.get_number<std::uint8_t>();
        if (count != sizeof...(T)) [[unlikely]]
            in.fail_size(sizeof...(T), count);
        (in.get_with_kind(elements), ...);
    }
    template <class Tuple>
        requires requires { std::tuple_size<Tuple>::value; }
    static void fill_missing(input_archive& in, Tuple& value) {
        std::apply([&](T&... elements) { (in.fill_missing(elements), ...); }, value);
    }
};

template <class... T>
struct codec<std::tuple<T...>> : tuple_of<T...> {
    static void put(output_archive& out, const std::tuple<T...>& value) {
        std::apply([&](const T&... e) { tuple_of<T...>::put_all(out, e...); }, value);
    }
    static void get(input_archive& in, std::tuple<T...>& value) {
        std::apply([&](T&... e) { tuple_of<T...>::get_all(in, e...); }, value);
    }
};

template <class A, class B>
struct codec<std::pair<A, B>> : tuple_of<A, B> {
    static void put(output_archive& out, const std::pair<A, B>& value) {
        tuple_of<A, B>::put_all(out, value.first, value.second);
    }
    static void get(input_archive& in, std::pair<A, B>& value) {
        tuple_of<A, B>::get_all(in, value.first, value.second);
    }
};

template <class T>
struct codec<std::complex<T>> : tuple_of<T, T> {
    static void put(output_archive& out, const std::complex<T>& value) {
        tuple_of<T, T>::put_all(out, value.real(), value.imag());
    }
    static void get(input_archive& in, std::complex<T>& value) {
        T real{};
        T imaginary{};
        tuple_of<T, T>::get_all(in, real, imaginary);
        value = {real, imaginary};
    }
};

/// Bit i is bit i % 8 of byte i / 8. What is left of the last byte is zero.
template <std::size_t N>
struct codec<std::bitset<N>> {
    static constexpr std::size_t byte_count = (N + 7) / 8;
    static constexpr kind its_kind = kind::bytes;
    static constexpr std::size_t least_encoded_size = 4 + byte_count;
    static consteval auto name() {
        return join("bitset<", decimal<static_cast<std::intmax_t>(N)>(), ">");
    }

    static void put(output_archive& out, const std::bitset<N>& bits) {
        out.put_count(byte_count);
        std::byte* to = out.extend(byte_count);
        for (std::size_t i = 0; i < byte_count; ++i) {
            unsigned byte = 0;
            for (std::size_t bit = 0; bit < 8 && i * 8 + bit < N; ++bit)
                byte |= unsigned{bits[i * 8 + bit]} << bit;
            to[i] = static_cast<std::byte>(byte);
        }
    }
    static void get(input_archive& in, std::bitset<N>& bits) {
        const auto bytes = in.get_bytes();
        if (bytes.size() != byte_count) [[unlikely]]
            in.fail_size(byte_count, bytes.size());
        const input_archive::detour there(in, bytes);
        for (std::size_t i = 0; i < byte_count; ++i) {
            unsigned byte = in.get_number<std::uint8_t>();
            for (std::size_t bit = 0; bit < 8 && i * 8 + bit < N; ++bit)
                bits[i * 8 + bit] = (byte >> bit & 1) != 0;
            if (i * 8 + 8 > N && byte >> (N - i * 8) != 0) [[unlikely]]
                in.fail_bad_value("a bit beyond the end of the bit set");
        }
    }
};

}  // namespace remora::detail
