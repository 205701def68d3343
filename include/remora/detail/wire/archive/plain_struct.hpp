// SPDX-License-Identifier: MIT
/// Plain structs: aggregates without a function for Cereal, as records of their members.
#pragma once

#include <concepts>
#include <type_traits>

#include <remora/detail/wire/archive/functions.hpp>
#include <remora/detail/wire/archive/members.hpp>

namespace remora::detail {

inline constexpr std::size_t most_members = 64;

/// How many members T has, as it can be made of so many `{}`: up to `most_members`.
template <class T, std::size_t N = 0>
consteval std::size_t count_members() {
    if constexpr (N < most_members) {
        if constexpr (members<N + 1>::template fit<T>) return count_members<T, N + 1>();
    }
    return N;
}

// These convert to nothing, to a base of T, to any type but T, and to a reference. Which of them T
// can be made of tells whether it has a base, and how many members. They are never converted.

struct stranger {};
template <class T>
struct any_base {
    template <class Base>
        requires(std::is_base_of_v<Base, T> && !std::same_as<Base, T>)
    operator Base() const;
};
template <class T>
struct any_member {
    template <class Member>
        requires(!std::same_as<Member, T>)
    operator Member() const;
};
struct any_reference {
    template <class Member>
    operator Member&() const;
};

template <class T>
concept has_base = members<0>::fit_before<T, any_base<T>> && !members<0>::fit_before<T, stranger>;

/// Whether a member is left after those that `{}` makes.
template <class T, std::size_t N>
concept has_more = members<N>::template fit_before<T, any_member<T>> ||
                   members<N>::template fit_before<T, any_reference>;

template <class T>
consteval bool can_count_members() {
    constexpr auto count = count_members<T>();
    constexpr bool more = has_more<T, count>;
    constexpr bool few = count < most_members || !more;
    constexpr bool made = members<0>::fit<T> && (count == most_members || !more);
    static_assert(few,
                  "remora: a struct of more than 64 members is not taken apart: write serialize, "
                  "or put some of them into a struct of their own");
    static_assert(made,
                  "remora: a member of this struct cannot be made by {}: it is a reference, or has "
                  "no default constructor; write serialize");
    return few && made;
}

struct named_serialize {
    int serialize;
};
template <class T>
struct beside_named_serialize : T, named_serialize {};

/// Has a member of this name: in a class derived from both the name is ambiguous.
template <class T>
concept names_serialize =
    !std::is_final_v<T> && !requires { &beside_named_serialize<T>::serialize; };

/// Whether the members of T can be had, with the sentences for what hides them. After a failed
/// check nothing else is compiled. An empty struct with a base class has none.
template <class T>
consteval bool can_take_apart() {
    if constexpr (std::is_empty_v<T>) {
        return !has_base<T>;
    } else {
        constexpr bool callable = !names_serialize<T>;
        constexpr bool alone = !has_base<T>;
        static_assert(callable,
                      "remora: the archive cannot call this struct's serialize: it is private "
                      "without `friend class cereal::access;`, or takes something else");
        static_assert(alone,
                      "remora: a struct with a base class is not taken apart: write serialize, and "
                      "in it cereal::base_class<B>(this)");
        return callable && alone && can_count_members<T>();
    }
}

/// Gives all members of `value` to an archive in one call, as a serialize function does.
template <class Archive, class T>
void give_members(Archive& archive, T& value) {
    if constexpr (can_take_apart<T>()) {
        const auto give = [&](auto&... each) { archive(each...); };
        members<count_members<T>()>::visit(value, give, [](auto& it) {
            static_assert(always_false<decltype(it)>,
                          "remora: a struct with a bit-field or an anonymous union is not taken "
                          "apart: write load and save");
        });
    }
}

}  // namespace remora::detail
