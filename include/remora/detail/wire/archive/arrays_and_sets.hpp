// SPDX-License-Identifier: MIT
/// The other sequences: arrays, sets, lists that cannot grow at their end.
#pragma once

#include <array>
#include <forward_list>
#include <iterator>
#include <set>
#include <unordered_set>
#include <valarray>

#include <remora/detail/wire/archive/filling.hpp>
#include <remora/detail/wire/archive/sequence.hpp>

namespace remora::detail {

template <class E, class A>
struct codec<std::forward_list<E, A>> : sequence<E> {
    using list = std::forward_list<E, A>;
    static void put(output_archive& out, const list& c) {
        sequence<E>::put_kind_and_count(
            out, static_cast<std::size_t>(std::distance(c.begin(), c.end())));
        sequence<E>::put_each(out, c);
    }
    static void get(input_archive& in, list& c) {
        sequence<E>::get_elements(in, [&](std::size_t count) {
            in.charge(count, sizeof(E) + node_size);
            c.clear();
            for (auto last = c.before_begin(); count != 0; --count) {
                last = c.emplace_after(last);
                codec<E>::get(in, *last);
            }
        });
    }
};

/// Sets.
template <class C, class E>
struct set_sequence : sequence<E> {
    static void put(output_archive& out, const C& c) {
        sequence<E>::put_kind_and_count(out, c.size());
        sequence<E>::put_each(out, c);
    }
    static void get(input_archive& in, C& c) {
        sequence<E>::get_elements(in, [&](std::size_t count) {
            in.charge(count, sizeof(E) + node_size);
            detail::fill(in, c, count);
        });
    }
};

template <class E, class L, class A>
struct codec<std::set<E, L, A>> : set_sequence<std::set<E, L, A>, E> {};
template <class E, class L, class A>
struct codec<std::multiset<E, L, A>> : set_sequence<std::multiset<E, L, A>, E> {};
template <class E, class H, class Q, class A>
struct codec<std::unordered_set<E, H, Q, A>> : set_sequence<std::unordered_set<E, H, Q, A>, E> {};
template <class E, class H, class Q, class A>
struct codec<std::unordered_multiset<E, H, Q, A>>
    : set_sequence<std::unordered_multiset<E, H, Q, A>, E> {};

/// Sequences whose length is part of the type. Elements stay where they are, and so do their fields
/// that the message does not have.
template <class C, class E, std::size_t N>
struct fixed_sequence : sequence<E> {
    static void put(output_archive& out, const C& c) {
        if constexpr (is_raw<E>) {
            sequence<E>::put_raw(out, std::data(c), N);
        } else {
            sequence<E>::put_kind_and_count(out, N);
            sequence<E>::put_each(out, c);
        }
    }
    static void get(input_archive& in, C& c) {
        if constexpr (is_raw<E>) {
            const auto bytes = sequence<E>::get_raw(in);
            check_size(in, bytes.size() / sizeof(E));
            sequence<E>::copy_raw(bytes, std::data(c));
        } else {
            sequence<E>::get_elements(in, [&](std::size_t count) {
                check_size(in, count);
                for (auto& element : c)
                    codec<E>::get(in, element);
            });
        }
    }
    static void fill_missing(input_archive& in, C& c) {
        if constexpr (is_raw<E>) return;
        for (auto& element : c)
            in.fill_missing(element);
    }

private:
    static void check_size(const input_archive& in, std::size_t count) {
        if (count != N) [[unlikely]]
            in.fail_size(N, count);
    }
};

template <class E, std::size_t N>
struct codec<std::array<E, N>> : fixed_sequence<std::array<E, N>, E, N> {};
template <class E, std::size_t N>
struct codec<E[N]> : fixed_sequence<E[N], E, N> {};

template <class E>
struct codec<std::valarray<E>> : sequence<E> {
    static void put(output_archive& out, const std::valarray<E>& c) {
        if constexpr (is_raw<E>) {
            sequence<E>::put_raw(out, c.size() == 0 ? nullptr : std::begin(c), c.size());
        } else {
            sequence<E>::put_kind_and_count(out, c.size());
            sequence<E>::put_each(out, c);
        }
    }
    static void get(input_archive& in, std::valarray<E>& c) {
        if constexpr (is_raw<E>) {
            const auto bytes = sequence<E>::get_raw(in);
            const std::size_t count = bytes.size() / sizeof(E);
            in.charge(count, sizeof(E));
            c.resize(count);
            if (count != 0) sequence<E>::copy_raw(bytes, std::begin(c));
        } else {
            get_each(in, c);
        }
    }

private:
    static void get_each(input_archive& in, std::valarray<E>& c) {
        std::vector<E> elements;  // a valarray cannot grow
        growing_sequence<std::vector<E>, E>::get(in, elements);
        c.resize(elements.size());
        std::copy(elements.begin(), elements.end(), std::begin(c));
    }
};

}  // namespace remora::detail
