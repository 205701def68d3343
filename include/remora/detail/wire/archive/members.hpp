// SPDX-License-Identifier: MIT
/// The members of an aggregate, told by how many there are: written out up to 64, as C++20 has no
/// structured binding of any number of names.
#pragma once

#include <cstddef>

namespace remora::detail {

/// An aggregate of N members.
///
/// `fit<T>` tells whether T can be made of N times `{}`, and `fit_before<T, Next>` whether it can
/// have a `Next` after them. A `{}` initialises one member, whatever that is: no member that is an
/// aggregate or an array takes several of them. `visit` calls a function with references to the
/// members, all at once; its second parameter says what else to do where there can be none.
template <std::size_t N>
struct members;

template <>
struct members<0> {
    template <class T>
    static constexpr bool fit = requires { T{}; };
    template <class T, class Next>
    static constexpr bool fit_before = requires { T{Next()}; };
    template <class T, class Visitor, class NoReference>
    static void visit(T&, const Visitor& visitor, const NoReference&) {
        visitor();
    }
};

// Eight groups of up to eight names: a1, a2, ..., a8, b1, ..., h8; or as many empty braces.
#define REMORA_NAME(group, n) group##n
#define REMORA_BRACES(group, n) \
    {                           \
    }
#define REMORA_1(of, group) of(group, 1)
#define REMORA_2(of, group) REMORA_1(of, group), of(group, 2)
#define REMORA_3(of, group) REMORA_2(of, group), of(group, 3)
#define REMORA_4(of, group) REMORA_3(of, group), of(group, 4)
#define REMORA_5(of, group) REMORA_4(of, group), of(group, 5)
#define REMORA_6(of, group) REMORA_5(of, group), of(group, 6)
#define REMORA_7(of, group) REMORA_6(of, group), of(group, 7)
#define REMORA_8(of, group) REMORA_7(of, group), of(group, 8)
#define REMORA_BEFORE_a(of)
#define REMORA_BEFORE_b(of) REMORA_8(of, a),
#define REMORA_BEFORE_c(of) REMORA_BEFORE_b(of) REMORA_8(of, b),
#define REMORA_BEFORE_d(of) REMORA_BEFORE_c(of) REMORA_8(of, c),
#define REMORA_BEFORE_e(of) REMORA_BEFORE_d(of) REMORA_8(of, d),
#define REMORA_BEFORE_f(of) REMORA_BEFORE_e(of) REMORA_8(of, e),
#define REMORA_BEFORE_g(of) REMORA_BEFORE_f(of) REMORA_8(of, f),
#define REMORA_BEFORE_h(of) REMORA_BEFORE_g(of) REMORA_8(of, g),

#define REMORA_EACH(of, group, n) REMORA_BEFORE_##group(of) REMORA_##n(of, group)
#define REMORA_MEMBERS(before, group, n)                                                    \
    template <>                                                                             \
    struct members<(before) + (n)> {                                                        \
        template <class T>                                                                  \
        static constexpr bool fit = requires { T{REMORA_EACH(REMORA_BRACES, group, n)}; };  \
        template <class T, class Next>                                                      \
        static constexpr bool fit_before =                                                  \
            requires { T{REMORA_EACH(REMORA_BRACES, group, n), Next()}; };                  \
        template <class T, class Visitor, class NoReference>                                \
        static void visit(T& value, const Visitor& visitor, const NoReference& otherwise) { \
            auto& [REMORA_EACH(REMORA_NAME, group, n)] = value;                             \
            if constexpr (requires { visitor(REMORA_EACH(REMORA_NAME, group, n)); })        \
                visitor(REMORA_EACH(REMORA_NAME, group, n));                                \
            else                                                                            \
                otherwise(value);                                                           \
        }                                                                                   \
    };
#define REMORA_EIGHT(before, group)  \
    REMORA_MEMBERS(before, group, 1) \
    REMORA_MEMBERS(before, group, 2) \
    REMORA_MEMBERS(before, group, 3) \
    REMORA_MEMBERS(before, group, 4) \
    REMORA_MEMBERS(before, group, 5) \
    REMORA_MEMBERS(before, group, 6) \
    REMORA_MEMBERS(before, group, 7) \
    REMORA_MEMBERS(before, group, 8)

REMORA_EIGHT(0, a)
REMORA_EIGHT(8, b)
REMORA_EIGHT(16, c)
REMORA_EIGHT(24, d)
REMORA_EIGHT(32, e)
REMORA_EIGHT(40, f)
REMORA_EIGHT(48, g)
REMORA_EIGHT(56, h)

#undef REMORA_NAME
#undef REMORA_BRACES
#undef REMORA_1
#undef REMORA_2
#undef REMORA_3
#undef REMORA_4
#undef REMORA_5
#undef REMORA_6
#undef REMORA_7
#undef REMORA_8
#undef REMORA_BEFORE_a
#undef REMORA_BEFORE_b
#undef REMORA_BEFORE_c
#undef REMORA_BEFORE_d
#undef REMORA_BEFORE_e
#undef REMORA_BEFORE_f
#undef REMORA_BEFORE_g
#undef REMORA_BEFORE_h
#undef REMORA_EACH
#undef REMORA_MEMBERS
#undef REMORA_EIGHT

}  // namespace remora::detail
