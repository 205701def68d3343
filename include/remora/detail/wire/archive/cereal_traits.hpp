// SPDX-License-Identifier: MIT
/// What Cereal's traits find when users' functions ask whether an archive takes a type, as in
/// `cereal::traits::is_output_serializable<cereal::BinaryData<double>, Archive>`: functions in the
/// manner of Cereal for numbers and binary data.
#pragma once

#include <array>
#include <type_traits>
#include <valarray>
#include <vector>

#include <remora/detail/wire/archive/wrapper.hpp>

namespace remora {
namespace detail {

/// An archive that does not take binary data.
struct fields_only : cereal::access {};

/// A sequence for which the user has included Cereal's functions, and whose elements are numbers.
template <class Sequence, class E>
concept sequence_of_numbers =
    std::is_arithmetic_v<E> && !std::is_same_v<E, bool> &&
    requires(fields_only& out, const Sequence& values) { CEREAL_SAVE_FUNCTION_NAME(out, values); };

template <class Archive, class Sequence>
void each_a_field(Archive& archive, Sequence& values) {
    for (auto& element : values)
        archive(element);
}

template <class Sequence>
void load_sized(input_archive& in, Sequence& values) {
    cereal::size_type size = 0;
    in(cereal::make_size_tag(size));
    values.resize(static_cast<std::size_t>(size));
    detail::each_a_field(in, values);
}

}  // namespace detail

template <class T>
    requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& out, const T& number) {
    out(number);
}
template <class T>
    requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, T& number) {
    in(number);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& out, const cereal::BinaryData<T>& data) {
    out(data);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, cereal::BinaryData<T>& data) {
    in(data);
}

// Where an archive takes binary data, Cereal's own functions for sequences of numbers use it. Those
// below come first. A class that is derived from such a sequence stays on the wire what it has been
// before the archives took binary data: each element is a field.

template <class E, class A>
    requires detail::sequence_of_numbers<std::vector<E, A>, E>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& out, const std::vector<E, A>& values) {
    out(cereal::make_size_tag(static_cast<cereal::size_type>(values.size())));
    detail::each_a_field(out, values);
}
template <class E, class A>
    requires detail::sequence_of_numbers<std::vector<E, A>, E>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, std::vector<E, A>& values) {
    detail::load_sized(in, values);
}

// Cereal's own reads into a variable that a missing field leaves without a value.
template <class A>
    requires requires(detail::fields_only& out, const std::vector<bool, A>& values) {
        CEREAL_SAVE_FUNCTION_NAME(out, values);
    }
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, std::vector<bool, A>& values) {
    cereal::size_type size = 0;
    in(cereal::make_size_tag(size));
    values.resize(static_cast<std::size_t>(size));
    for (auto&& each : values) {
        bool read = false;
        in(read);
        each = read;
    }
}

template <class E>
    requires detail::sequence_of_numbers<std::valarray<E>, E>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& out, const std::valarray<E>& values) {
    out(cereal::make_size_tag(static_cast<cereal::size_type>(values.size())));
    detail::each_a_field(out, values);
}
template <class E>
    requires detail::sequence_of_numbers<std::valarray<E>, E>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, std::valarray<E>& values) {
    detail::load_sized(in, values);
}

template <class E, std::size_t N>
    requires detail::sequence_of_numbers<std::array<E, N>, E>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& out, const std::array<E, N>& values) {
    detail::each_a_field(out, values);
}
template <class E, std::size_t N>
    requires detail::sequence_of_numbers<std::array<E, N>, E>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, std::array<E, N>& values) {
    detail::each_a_field(in, values);
}

}  // namespace remora
