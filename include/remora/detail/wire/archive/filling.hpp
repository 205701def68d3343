// SPDX-License-Identifier: MIT
/// How maps and sets are filled with what arrives.
#pragma once

#include <cstddef>
#include <utility>

#include <remora/detail/wire/archive/input.hpp>

namespace remora::detail {

/// Elements up to this size are read on the stack and moved to their place, which is faster.
inline constexpr std::size_t small_element = 256;

template <class C>
concept is_map = requires { typename C::mapped_type; };

template <class C>
concept hash_table = requires(const C& c) { c.bucket_count(); };

/// A hash table of fewer elements is fast, whatever its keys.
inline constexpr std::size_t small_table = 64;

/// Limits the work of inserting into a hash table. An insertion compares the key with the elements
/// of its bucket until one is equal. With random keys that is one comparison on average; with keys
/// chosen to collide, the total grows with the square of their number.
class collisions {
public:
    explicit collisions(std::size_t count) : left_(allowed_always + allowed_each * count) {}

    /// Counts the elements that inserting this key compares.
    template <class C>
    void count(input_archive& in, const C& c, const typename C::key_type& key) {
        if (c.size() < small_table) return;
        const auto bucket = c.bucket(key);
        for (auto at = c.begin(bucket); at != c.end(bucket); ++at) {
            if (left_-- == 0) [[unlikely]]
                in.fail_collisions(c.size());
            if (c.key_eq()(key_of<C>(*at), key)) return;
        }
    }

private:
    template <class C>
    static const typename C::key_type& key_of(const typename C::value_type& element) {
        if constexpr (is_map<C>)
            return element.first;
        else
            return element;
    }

    static constexpr std::size_t allowed_always = 4096;
    static constexpr std::size_t allowed_each = 8;

    std::size_t left_;
};

/// An empty container whose nodes `c` can take over.
template <class C>
C another_like(const C& c) {
    if constexpr (hash_table<C>)
        return C(1, c.hash_function(), c.key_eq(), c.get_allocator());
    else
        return C(c.key_comp(), c.get_allocator());
}

/// Reads the key, or the key and the value, of an element.
template <class... Parts>
void get_parts(input_archive& in, Parts&... parts) {
    (codec<Parts>::get(in, parts), ...);
}

template <class C, class Key, class... Value>
void insert_small(input_archive& in, C& c, collisions& seen, Key key, Value... value) {
    detail::get_parts(in, key, value...);
    if constexpr (hash_table<C>) seen.count(in, c, key);
    c.emplace_hint(c.end(), std::move(key), std::move(value)...);
}

/// Reads an element where it will stay: it may be too large for the stack, and contain containers
/// like this one.
template <class C>
void insert_large(input_archive& in, C& c, collisions& seen, C& maker) {
    auto node = maker.extract(maker.emplace_hint(maker.end()));
    if constexpr (is_map<C>) {
        detail::get_parts(in, node.key(), node.mapped());
        if constexpr (hash_table<C>) seen.count(in, c, node.key());
    } else {
        detail::get_parts(in, node.value());
        if constexpr (hash_table<C>) seen.count(in, c, node.value());
    }
    c.insert(c.end(), std::move(node));
}

/// Replaces what is in `c` by `count` elements. Of keys that are equal for the reader the first
/// stays: an older reader may not know the field in which they differ.
template <class C>
void fill(input_archive& in, C& c, std::size_t count) {
    using key = typename C::key_type;
    c.clear();
    if (count == 0) return;
    if constexpr (hash_table<C>)
        if (count > small_table) c.reserve(count);
    collisions seen(count);
    if constexpr (sizeof(typename C::value_type) > small_element) {
        C maker = another_like(c);
        for (; count != 0; --count)
            detail::insert_large(in, c, seen, maker);
    } else if constexpr (is_map<C>) {
        for (; count != 0; --count)
            detail::insert_small(in, c, seen, key{}, typename C::mapped_type{});
    } else {
        for (; count != 0; --count)
            detail::insert_small(in, c, seen, key{});
    }
}

}  // namespace remora::detail
