// SPDX-License-Identifier: MIT
/// Class objects, through the functions that users write for Cereal, or member by member.
#pragma once

#include <cereal/access.hpp>
#include <type_traits>
#include <utility>

#include <remora/detail/wire/archive/functions.hpp>
#include <remora/detail/wire/archive/plain_struct.hpp>
#include <remora/detail/wire/archive/scalar.hpp>

namespace remora::detail {

template <class T>
decltype(auto) to_minimal(const output_archive& out, const T& value) {
    using access = cereal::access;
    [[maybe_unused]] const auto version = cereal::detail::Version<T>::version;
    if constexpr (member_minimal<T, output_archive>)
        return access::member_save_minimal(out, value);
    else if constexpr (free_minimal<T, output_archive>)
        return CEREAL_SAVE_MINIMAL_FUNCTION_NAME(out, value);
    else if constexpr (member_minimal_versioned<T, output_archive>)
        return access::member_save_minimal(out, value, version);
    else
        return CEREAL_SAVE_MINIMAL_FUNCTION_NAME(out, value, version);
}

template <class T>
using minimal_of = std::remove_cvref_t<decltype(detail::to_minimal(
    std::declval<const output_archive&>(), std::declval<const T&>()))>;

template <class T>
void from_minimal(input_archive& in, T& value) {
    using A = input_archive;
    minimal_of<T> plain{};
    if constexpr (minimal<T>) {
        codec<minimal_of<T>>::get(in, plain);
    } else {
        if (in.left() == 0) return;  // a field that is missing: the value stays as it is
        in(plain);
    }
    const auto version = in.loadClassVersion<T>();
    const A& archive = in;
    if constexpr (traits::has_member_load_minimal<T, A>::value)
        cereal::access::member_load_minimal(archive, value, plain);
    else if constexpr (traits::has_member_versioned_load_minimal<T, A>::value)
        cereal::access::member_load_minimal(archive, value, plain, version);
    else if constexpr (traits::has_non_member_load_minimal<T, A>::value)
        CEREAL_LOAD_MINIMAL_FUNCTION_NAME(archive, value, plain);
    else
        CEREAL_LOAD_MINIMAL_FUNCTION_NAME(archive, value, plain, version);
}

template <class T>
void save_versioned_fields(output_archive& out, const T& value) {
    using A = output_archive;
    const std::uint32_t version = cereal::detail::Version<T>::version;
    out.put_kind(kind::version);
    out.put_number(version);
    if constexpr (member_serialize_versioned<T, A>)
        cereal::access::member_serialize(out, const_cast<T&>(value), version);
    else if constexpr (free_serialize_versioned<T, A>)
        CEREAL_SERIALIZE_FUNCTION_NAME(out, const_cast<T&>(value), version);
    else if constexpr (member_save_versioned<T, A>)
        cereal::access::member_save(out, value, version);
    else if constexpr (free_save_versioned<T, A>)
        CEREAL_SAVE_FUNCTION_NAME(out, value, version);
    else
        out(detail::to_minimal(out, value));
}

template <class T>
void save_fields(output_archive& out, const T& value) {
    using A = output_archive;
    if constexpr (plain_struct<T>)
        detail::give_members(out, const_cast<T&>(value));
    else if constexpr (member_serialize<T, A>)
        cereal::access::member_serialize(out, const_cast<T&>(value));
    else if constexpr (free_serialize<T, A>)
        CEREAL_SERIALIZE_FUNCTION_NAME(out, const_cast<T&>(value));
    else if constexpr (member_save<T, A>)
        cereal::access::member_save(out, value);
    else if constexpr (free_save<T, A>)
        CEREAL_SAVE_FUNCTION_NAME(out, value);
    else if constexpr (saves_version<T>)
        detail::save_versioned_fields(out, value);
}

template <class T>
void load_versioned_fields(input_archive& in, T& value) {
    using A = input_archive;
    const std::uint32_t version = in.loadClassVersion<T>();
    if constexpr (member_serialize_versioned<T, A>)
        cereal::access::member_serialize(in, value, version);
    else if constexpr (free_serialize_versioned<T, A>)
        CEREAL_SERIALIZE_FUNCTION_NAME(in, value, version);
    else if constexpr (member_load_versioned<T, A>)
        cereal::access::member_load(in, value, version);
    else if constexpr (free_load_versioned<T, A>)
        CEREAL_LOAD_FUNCTION_NAME(in, value, version);
    else if constexpr (saves_version<T>)
        detail::from_minimal(in, value);
}

template <class T>
void load_fields(input_archive& in, T& value) {
    using A = input_archive;
    if constexpr (plain_struct<T>)
        detail::give_members(in, value);
    else if constexpr (member_serialize<T, A>)
        cereal::access::member_serialize(in, value);
    else if constexpr (free_serialize<T, A>)
        CEREAL_SERIALIZE_FUNCTION_NAME(in, value);
    else if constexpr (member_load<T, A>)
        cereal::access::member_load(in, value);
    else if constexpr (free_load<T, A>)
        CEREAL_LOAD_FUNCTION_NAME(in, value);
    else
        detail::load_versioned_fields(in, value);
}

/// The name of a class in error texts, kept where a reference to it stays good.
template <class T>
inline constexpr std::string_view record_name = display_name<T>();

/// What an element costs in memory of a class that is a container, and is not known to a codec;
/// 0 for any other class.
template <class T>
consteval std::size_t element_size() {
    if constexpr (requires { sizeof(typename T::value_type); })
        return sizeof(typename T::value_type) +
               (requires { typename T::node_type; } ? node_size : 0);
    return 0;
}

/// What is left when no other codec fits: an object of a class.
template <class T>
struct codec {
    static_assert(std::is_class_v<T> || std::is_union_v<T>,
                  "remora: pointers to members, functions and null pointers are not values");
    static constexpr kind its_kind = kind::record;
    static constexpr std::size_t least_encoded_size = 4;
    static consteval auto name() { return class_name<T>(); }

    static void put(output_archive& out, const T& value) {
        check_functions<T, traits::detail::count_output_serializers<T, output_archive>::value>();
        auto begin = out.begin_record();
        detail::save_fields(out, value);
        out.end_record(begin);
    }
    static void get(input_archive& in, T& value) {
        check_functions<T, traits::detail::count_input_serializers<T, input_archive>::value>();
        auto outer = in.begin_record(record_name<T>);
        if constexpr (element_size<T>() != 0) {
            auto container = in.begin_container(element_size<T>());
            detail::load_fields(in, value);
            in.end_container(container);
        } else {
            detail::load_fields(in, value);
        }
        in.end_record(outer);
    }
};

template <class T>
    requires((std::is_class_v<T> || own_minimal_enumeration<T>) && minimal<T>)
struct codec<T> {
    using plain = minimal_of<T>;
    static constexpr kind its_kind = codec<plain>::its_kind;
    static constexpr std::size_t least_encoded_size = codec<plain>::least_encoded_size;
    static consteval auto name() { return class_name<T>(); }

    static void put(output_archive& out, const T& value) {
        check_functions<T, traits::detail::count_output_serializers<T, output_archive>::value>();
        codec<plain>::put(out, detail::to_minimal(out, value));
    }
    static void get(input_archive& in, T& value) {
        check_functions<T, traits::detail::count_input_serializers<T, input_archive>::value>();
        detail::from_minimal(in, value);
    }
};

}  // namespace remora::detail
