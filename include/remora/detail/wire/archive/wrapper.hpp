// SPDX-License-Identifier: MIT
/// What Cereal lets users wrap around a field.
#pragma once

#include <cereal/cereal.hpp>
#include <cereal/types/base_class.hpp>

#include <remora/detail/wire/archive/record.hpp>

namespace remora::detail {

/// Names are for texts; on the wire fields go by their position.
template <class T>
struct codec<cereal::NameValuePair<T>> {
    using inner = codec<std::remove_cvref_t<T>>;
    static constexpr kind its_kind = inner::its_kind;
    static void put(output_archive& out, const cereal::NameValuePair<T>& pair) {
        inner::put(out, pair.value);
    }
    static void get(input_archive& in, cereal::NameValuePair<T>& pair) {
        inner::get(in, pair.value);
    }
    static void fill_missing(input_archive& in, cereal::NameValuePair<T>& pair) {
        in.fill_missing(pair.value);
    }
};

template <class T>
struct codec<cereal::DeferredData<T>> {
    using inner = codec<std::remove_cvref_t<T>>;
    static constexpr kind its_kind = inner::its_kind;
    static void put(output_archive& out, const cereal::DeferredData<T>& deferred) {
        inner::put(out, deferred.value);
    }
    static void get(input_archive& in, cereal::DeferredData<T>& deferred) {
        inner::get(in, deferred.value);
    }
    static void fill_missing(input_archive& in, cereal::DeferredData<T>& deferred) {
        in.fill_missing(deferred.value);
    }
};

/// The size of a container that a user's own function reads element by element, each a field:
/// so there cannot be more of them than bytes. Such functions resize by what they get, without
/// having set it before.
template <class T>
struct codec<cereal::SizeTag<T>> {
    static constexpr kind its_kind = kind::u64;
    static void put(output_archive& out, const cereal::SizeTag<T>& tag) {
        out.put_number(static_cast<std::uint64_t>(tag.size));
    }
    static void get(input_archive& in, cereal::SizeTag<T>& tag) {
        auto size = in.get_number<std::uint64_t>();
        if (size > in.left()) [[unlikely]]
            in.fail(errc::truncated, "a size of " + std::to_string(size) + ", but only " +
                                         std::to_string(in.left()) + " bytes are left");
        in.charge_elements(static_cast<std::size_t>(size));
        tag.size = static_cast<std::remove_cvref_t<T>>(size);
    }
    static void fill_missing(input_archive&, cereal::SizeTag<T>& tag) { tag.size = 0; }
};

template <class T>
struct codec<cereal::BinaryData<T>> {
    static constexpr kind its_kind = kind::bytes;
    static void put(output_archive& out, const cereal::BinaryData<T>& data) {
        out.put_count(data.size);
        out.put_raw(data.data, data.size);
    }
    static void get(input_archive& in, cereal::BinaryData<T>& data) {
        const auto bytes = in.get_bytes();
        if (bytes.size() != data.size) [[unlikely]]
            in.fail_size(data.size, bytes.size());
        if (!bytes.empty()) std::memcpy(data.data, bytes.data(), bytes.size());
    }
};

template <class K, class V>
struct codec<cereal::MapItem<K, V>> {
    using item = cereal::MapItem<K, V>;
    static constexpr kind its_kind = kind::tuple;
    static void put(output_archive& out, const item& i) {
        out.put_number(std::uint8_t{2});
        out.put_with_kind(i.key);
        out.put_with_kind(i.value);
    }
    static void get(input_archive& in, item& i) {
        auto count = in.get_number<std::uint8_t>();
        if (count != 2) [[unlikely]]
            in.fail_size(2, count);
        in.get_with_kind(i.key);
        in.get_with_kind(i.value);
    }
    static void fill_missing(input_archive& in, item&) {
        in.fail(errc::truncated, "fewer items of a map than its size");
    }
};

/// A base class is a record of its own, so that it may grow without moving what follows.
template <class B>
struct codec<cereal::base_class<B>> {
    static constexpr kind its_kind = codec<B>::its_kind;
    static void put(output_archive& out, const cereal::base_class<B>& base) {
        codec<B>::put(out, *base.base_ptr);
    }
    static void get(input_archive& in, const cereal::base_class<B>& base) {
        codec<B>::get(in, *base.base_ptr);
    }
};

/// A virtual base stands in the record of every class that names it: each reads the same values.
template <class B>
struct codec<cereal::virtual_base_class<B>> {
    static constexpr kind its_kind = codec<B>::its_kind;
    static void put(output_archive& out, const cereal::virtual_base_class<B>& base) {
        codec<B>::put(out, *base.base_ptr);
    }
    static void get(input_archive& in, const cereal::virtual_base_class<B>& base) {
        codec<B>::get(in, *base.base_ptr);
    }
};

}  // namespace remora::detail
