// SPDX-License-Identifier: MIT
/// Sequences of elements, and the containers that grow at their end.
#pragma once

#include <algorithm>
#include <deque>
#include <list>
#include <span>
#include <string>
#include <vector>

#include <remora/detail/wire/archive/scalar.hpp>

namespace remora::detail {

/// What a deque owns even when it is empty, at least with libstdc++: a block and a table.
inline constexpr std::size_t deque_size = 640;

/// A sequence on the wire: one of u8 is `bytes`, any other a `list` whose head tells the kind.
template <class E>
struct sequence {
    static constexpr bool is_bytes = codec<E>::its_kind == kind::u8;
    static constexpr kind its_kind = is_bytes ? kind::bytes : kind::list;
    static constexpr std::size_t least_encoded_size = is_bytes ? 4 : 5;

    static consteval auto name() {
        if constexpr (std::is_same_v<E, char> || std::is_same_v<E, char8_t>)
            return as_fixed_string("string");
        else if constexpr (is_bytes)
            return as_fixed_string("bytes");
        else
            return join("list<", codec<E>::name(), ">");
    }

    static void put_kind_and_count(output_archive& out, std::size_t count) {
        if constexpr (!is_bytes) out.put_kind(codec<E>::its_kind);
        out.put_count(count);
    }
    /// Reads the elements one by one: `read` is called with their number.
    template <class Read>
    static void get_elements(input_archive& in, Read read) {
        if constexpr (is_bytes) {
            const auto bytes = in.get_bytes();
            const input_archive::detour there(in, bytes);
            read(bytes.size());
        } else {
            in.expect(codec<E>::its_kind);
            read(in.get_count(codec<E>::least_encoded_size));
        }
    }

    /// The whole sequence, whose elements lie in memory as on the wire.
    static void put_raw(output_archive& out, const E* from, std::size_t count) {
        if constexpr (!is_bytes) out.put_kind(codec<E>::its_kind);
        out.put_counted(count, from, count * sizeof(E));
    }
    static std::span<const std::byte> get_raw(input_archive& in) {
        if constexpr (is_bytes) return in.get_bytes();
        in.expect(codec<E>::its_kind);
        const std::size_t size = in.get_count(sizeof(E)) * sizeof(E);
        return {in.get_raw(size), size};
    }
    static void copy_raw(std::span<const std::byte> from, E* to) {
        if (!from.empty()) std::memcpy(to, from.data(), from.size());
    }

    template <class Range>
    static void put_each(output_archive& out, const Range& range) {
        for (auto&& element : range)
            codec<E>::put(out, element);
    }
};

/// A container that grows at its end. Its elements are made anew, so that nothing of what it
/// held before shows through where an element's record has fewer fields.
template <class C, class E, std::size_t Node = 0>
struct growing_sequence : sequence<E> {
    static void put(output_archive& out, const C& c) {
        if constexpr (is_contiguous) {
            sequence<E>::put_raw(out, c.data(), c.size());
        } else {
            sequence<E>::put_kind_and_count(out, c.size());
            put_each(out, c);
        }
    }

    static void get(input_archive& in, C& c) {
        if constexpr (is_contiguous) {
            const auto bytes = sequence<E>::get_raw(in);
            in.charge(bytes.size() / sizeof(E), sizeof(E) + Node);
            assign(c, bytes);
        } else {
            sequence<E>::get_elements(in, [&](std::size_t count) {
                in.charge(count, sizeof(E) + Node);
                if constexpr (std::is_same_v<E, bool>)
                    get_bools(in, c, count);
                else
                    get_each(in, c, count);
            });
        }
    }

    static constexpr bool is_contiguous = is_raw<E> && requires(const C& c) { c.data(); };

private:
    static void assign(C& c, std::span<const std::byte> bytes) {
        if constexpr (sizeof(E) == 1) {
            auto* const from = reinterpret_cast<const E*>(bytes.data());
            c.assign(from, from + bytes.size());
        } else {
            c.resize(bytes.size() / sizeof(E));
            sequence<E>::copy_raw(bytes, c.data());
        }
    }

    static void put_each(output_archive& out, const C& c) {
        if constexpr (std::is_same_v<E, bool>)
            std::copy(c.begin(), c.end(), reinterpret_cast<bool*>(out.extend(c.size())));
        else
            sequence<E>::put_each(out, c);
    }

    /// An element that is nothing but a run of numbers or characters is overwritten whole: then
    /// it may keep its memory.
    static constexpr bool is_reusable = [] {
        if constexpr (requires { codec<E>::is_contiguous; }) return codec<E>::is_contiguous;
        return false;
    }();

    static void get_each(input_archive& in, C& c, std::size_t count) {
        if constexpr (is_reusable) {
            auto at = c.begin();
            for (; count != 0 && at != c.end(); --count)
                codec<E>::get(in, *at++);
            c.erase(at, c.end());
        } else {
            c.clear();
        }
        if constexpr (requires { c.reserve(count); })
            c.reserve(c.size() + std::min(count, 4096 / sizeof(E)));  // never what is announced
        for (; count != 0; --count)
            get_back(in, c);
    }

    static void get_back(input_archive& in, C& c) {
        c.emplace_back();
        codec<E>::get(in, c.back());
    }
    static void get_bools(input_archive& in, C& c, std::size_t count) {
        c.resize(count);  // the bytes are there: get_elements has looked
        for (auto&& element : c) {
            bool value = false;
            codec<E>::get(in, value);
            element = value;
        }
    }
};

template <class E, class R, class A>
struct codec<std::basic_string<E, R, A>> : growing_sequence<std::basic_string<E, R, A>, E> {};
template <class E, class A>
struct codec<std::vector<E, A>> : growing_sequence<std::vector<E, A>, E> {};

template <class E, class A>
struct codec<std::deque<E, A>> : growing_sequence<std::deque<E, A>, E> {
    static void get(input_archive& in, std::deque<E, A>& c) {
        in.charge(1, deque_size);
        growing_sequence<std::deque<E, A>, E>::get(in, c);
    }
    static void fill_missing(input_archive& in, const auto&) { in.charge(1, deque_size); }
};

template <class E, class A>
struct codec<std::list<E, A>> : growing_sequence<std::list<E, A>, E, node_size> {};

}  // namespace remora::detail
