// SPDX-License-Identifier: MIT
/// Which of the functions that users write for Cereal a class has.
#pragma once

#include <cereal/cereal.hpp>

#include <remora/detail/wire/archive/input.hpp>
#include <remora/detail/wire/archive/output.hpp>

namespace remora::detail {

namespace traits = cereal::traits;

/// T is encoded by the function for which `Has` is the trait; where the user has said
/// cereal::specialize, that must have chosen it, which `Chosen` tells.
template <class T, class A, template <class, class> class Has, template <class, class> class Chosen>
concept goes_by = Has<T, A>::value && (!traits::is_specialized<T, A>::value || Chosen<T, A>::value);

template <class T, class A>
concept member_serialize =
    goes_by<T, A, traits::has_member_serialize, traits::is_specialized_member_serialize>;
template <class T, class A>
concept free_serialize =
    goes_by<T, A, traits::has_non_member_serialize, traits::is_specialized_non_member_serialize>;
template <class T, class A>
concept member_serialize_versioned = goes_by<T, A, traits::has_member_versioned_serialize,
                                             traits::is_specialized_member_versioned_serialize>;
template <class T, class A>
concept free_serialize_versioned = goes_by<T, A, traits::has_non_member_versioned_serialize,
                                           traits::is_specialized_non_member_versioned_serialize>;

template <class T, class A>
concept member_save = goes_by<T, A, traits::has_member_save, traits::is_specialized_member_save>;
template <class T, class A>
concept free_save =
    goes_by<T, A, traits::has_non_member_save, traits::is_specialized_non_member_save>;
template <class T, class A>
concept member_save_versioned =
    goes_by<T, A, traits::has_member_versioned_save, traits::is_specialized_member_versioned_save>;
template <class T, class A>
concept free_save_versioned = goes_by<T, A, traits::has_non_member_versioned_save,
                                      traits::is_specialized_non_member_versioned_save>;

template <class T, class A>
concept member_load = goes_by<T, A, traits::has_member_load, traits::is_specialized_member_load>;
template <class T, class A>
concept free_load =
    goes_by<T, A, traits::has_non_member_load, traits::is_specialized_non_member_load>;
template <class T, class A>
concept member_load_versioned =
    goes_by<T, A, traits::has_member_versioned_load, traits::is_specialized_member_versioned_load>;
template <class T, class A>
concept free_load_versioned = goes_by<T, A, traits::has_non_member_versioned_load,
                                      traits::is_specialized_non_member_versioned_load>;

template <class T, class A>
concept member_minimal =
    goes_by<T, A, traits::has_member_save_minimal, traits::is_specialized_member_save_minimal>;
template <class T, class A>
concept free_minimal = goes_by<T, A, traits::has_non_member_save_minimal,
                               traits::is_specialized_non_member_save_minimal>;
template <class T, class A>
concept member_minimal_versioned = goes_by<T, A, traits::has_member_versioned_save_minimal,
                                           traits::is_specialized_member_versioned_save_minimal>;
template <class T, class A>
concept free_minimal_versioned = goes_by<T, A, traits::has_non_member_versioned_save_minimal,
                                         traits::is_specialized_non_member_versioned_save_minimal>;

/// A class that stands for one number or string, and looks like it on the wire.
template <class T>
concept minimal = member_minimal<T, output_archive> || free_minimal<T, output_archive>;

namespace beside_cereal {
/// As general as Cereal's own function for enumerations: a call that finds both is ambiguous.
template <class Archive, class T>
int CEREAL_SAVE_MINIMAL_FUNCTION_NAME(const Archive&, const T&);

template <class T>
concept has_own_minimal = requires(const output_archive& out, const T& value) {
    CEREAL_SAVE_MINIMAL_FUNCTION_NAME(out, value);
};
}  // namespace beside_cereal

/// An enumeration for which the user has written a minimal form.
template <class T>
concept own_minimal_enumeration = std::is_enum_v<T> && beside_cereal::has_own_minimal<T>;

template <class T>
concept saves_version =
    member_serialize_versioned<T, output_archive> || free_serialize_versioned<T, output_archive> ||
    member_save_versioned<T, output_archive> || free_save_versioned<T, output_archive> ||
    member_minimal_versioned<T, output_archive> || free_minimal_versioned<T, output_archive>;

/// A plain struct: an aggregate without a function for Cereal.
template <class T>
concept plain_struct = std::is_class_v<T> && std::is_aggregate_v<T> &&
                       traits::detail::count_output_serializers<T, output_archive>::value == 0 &&
                       traits::detail::count_input_serializers<T, input_archive>::value == 0;

/// What may have no function at all: an aggregate, whose members are its fields, and a class that
/// has none.
template <class T, int Functions>
constexpr void check_functions() {
    static_assert(Functions > 0 || std::is_empty_v<T> || plain_struct<T>,
                  "remora: this type has no serialize function (nor load and save) that takes an "
                  "archive, and it is no plain struct (a constructor, a private member, a virtual "
                  "function or a union hides its fields): write serialize");
    static_assert(Functions <= 1,
                  "remora: this type has more than one way to be serialized (often one of them is "
                  "inherited): choose with cereal::specialize");
}

}  // namespace remora::detail
