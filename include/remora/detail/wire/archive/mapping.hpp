// SPDX-License-Identifier: MIT
/// Maps.
#pragma once

#include <map>
#include <unordered_map>

#include <remora/detail/wire/archive/filling.hpp>
#include <remora/detail/wire/archive/sequence.hpp>

namespace remora::detail {

template <class C>
struct mapping {
    using key = typename C::key_type;
    using value = typename C::mapped_type;

    static constexpr kind its_kind = kind::map;
    static constexpr std::size_t least_encoded_size = 6;
    static consteval auto name() {
        return join("map<", codec<key>::name(), ",", codec<value>::name(), ">");
    }

    static void put(output_archive& out, const C& c) {
        out.put_kind(codec<key>::its_kind);
        out.put_kind(codec<value>::its_kind);
        out.put_count(c.size());
        for (auto& item : c) {
            codec<key>::put(out, item.first);
            codec<value>::put(out, item.second);
        }
    }

    static void get(input_archive& in, C& c) {
        in.expect(codec<key>::its_kind);
        in.expect(codec<value>::its_kind);
        auto count =
            in.get_count(codec<key>::least_encoded_size + codec<value>::least_encoded_size);
        in.charge(count, sizeof(typename C::value_type) + node_size);
        detail::fill(in, c, count);
    }
};

template <class K, class V, class L, class A>
struct codec<std::map<K, V, L, A>> : mapping<std::map<K, V, L, A>> {};
template <class K, class V, class L, class A>
struct codec<std::multimap<K, V, L, A>> : mapping<std::multimap<K, V, L, A>> {};
template <class K, class V, class H, class Q, class A>
struct codec<std::unordered_map<K, V, H, Q, A>> : mapping<std::unordered_map<K, V, H, Q, A>> {};
template <class K, class V, class H, class Q, class A>
struct codec<std::unordered_multimap<K, V, H, Q, A>>
    : mapping<std::unordered_multimap<K, V, H, Q, A>> {};

}  // namespace remora::detail
