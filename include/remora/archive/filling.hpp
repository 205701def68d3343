// SPDX-License-Identifier: MIT
/// How maps and sets are filled with what arrives.
#pragma once

#include <cstddef>
#include <utility>

#include <remora/archive/input.hpp>

namespace remora::detail {

template <class C>
concept hash_table = requires(const C& c) { c.bucket_count(); };

/// Bounds the work of inserting into a hash table. An insertion passes by the elements of its
/// bucket up to one that is equal. With keys that chance has chosen that is one on average; keys
/// that were chosen to collide would make the work grow with the square of their number.
class collisions {
public:
    explicit collisions(std::size_t count) : left_(allowed_always + allowed_each * count) {}

    /// Counts what inserting an element with this key will pass by.
    template <class C>
    void count(input_archive& in, const C& c, const typename C::key_type& key) {
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
        if constexpr (requires { typename C::mapped_type; })
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

/// Puts `count` elements into `c`. `get(node)` reads one where it will stay, since elements may be
/// too large for the stack and contain containers like this one, and returns its key. Of keys that
/// are equal for the reader the first stays: an older reader may not know the field in which they
/// differ.
template <class C, class Get>
void fill(input_archive& in, C& c, std::size_t count, Get get) {
    c.clear();
    if (count == 0) return;
    if constexpr (hash_table<C>) c.reserve(count);
    collisions passed(count);
    C maker = another_like(c);
    for (; count != 0; --count) {
        auto node = maker.extract(maker.emplace_hint(maker.end()));
        const auto& key = get(node);
        if constexpr (hash_table<C>) passed.count(in, c, key);
        c.insert(c.end(), std::move(node));
    }
}

}  // namespace remora::detail
