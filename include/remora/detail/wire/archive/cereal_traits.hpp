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

/// A row for which the user has included Cereal's functions, and whose elements are numbers.
template <class Row, class E>
concept row_of_numbers =
    std::is_arithmetic_v<E> && !std::is_same_v<E, bool> &&
    requires(fields_only& out, const Row& row) { CEREAL_SAVE_FUNCTION_NAME(out, row); };

template <class Archive, class Row>
void each_a_field(Archive& archive, Row& row) {
    for (auto& element : row)
        archive(element);
}

template <class Row>
void load_sized(input_archive& in, Row& row) {
    cereal::size_type size = 0;
    in(cereal::make_size_tag(size));
    row.resize(static_cast<std::size_t>(size));
    detail::each_a_field(in, row);
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

// Where an archive takes binary data, Cereal's own functions for rows of numbers use it. Those
// below come first. A class that is derived from such a row stays on the wire what it has been
// before the archives took binary data: each element is a field.

template <class E, class A>
    requires detail::row_of_numbers<std::vector<E, A>, E>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& out, const std::vector<E, A>& row) {
    out(cereal::make_size_tag(static_cast<cereal::size_type>(row.size())));
    detail::each_a_field(out, row);
}
template <class E, class A>
    requires detail::row_of_numbers<std::vector<E, A>, E>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, std::vector<E, A>& row) {
    detail::load_sized(in, row);
}

// Cereal's own reads into a variable that a missing field leaves without a value.
template <class A>
    requires requires(detail::fields_only& out, const std::vector<bool, A>& row) {
        CEREAL_SAVE_FUNCTION_NAME(out, row);
    }
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, std::vector<bool, A>& row) {
    cereal::size_type size = 0;
    in(cereal::make_size_tag(size));
    row.resize(static_cast<std::size_t>(size));
    for (auto&& each : row) {
        bool read = false;
        in(read);
        each = read;
    }
}

template <class E>
    requires detail::row_of_numbers<std::valarray<E>, E>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& out, const std::valarray<E>& row) {
    out(cereal::make_size_tag(static_cast<cereal::size_type>(row.size())));
    detail::each_a_field(out, row);
}
template <class E>
    requires detail::row_of_numbers<std::valarray<E>, E>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, std::valarray<E>& row) {
    detail::load_sized(in, row);
}

template <class E, std::size_t N>
    requires detail::row_of_numbers<std::array<E, N>, E>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& out, const std::array<E, N>& row) {
    detail::each_a_field(out, row);
}
template <class E, std::size_t N>
    requires detail::row_of_numbers<std::array<E, N>, E>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& in, std::array<E, N>& row) {
    detail::each_a_field(in, row);
}

}  // namespace remora
