// SPDX-License-Identifier: MIT
/// The names of types, the same in every program and from every compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace remora {

/// The name that a class goes by on the wire. Empty: the last component of its C++ name
/// (`question` for `maths::v2::question`). Declare one for a class template, or to keep talking
/// to older programs after a rename, before the type is first sent or received:
///
///     template <>
///     inline constexpr std::string_view remora::type_name<maths::question> = "query";
template <class T>
inline constexpr std::string_view type_name{};

namespace detail {

/// The longest name of a type that a message carries.
inline constexpr std::size_t max_type_name = 255;

/// A text whose length the type knows, so that names can be put together by the compiler.
template <std::size_t N>
struct fixed_string {
    char chars[N + 1] = {};
    constexpr std::string_view view() const { return {chars, N}; }
};

template <std::size_t N>
consteval fixed_string<N - 1> as_fixed_string(const char (&literal)[N]) {
    fixed_string<N - 1> out;
    for (std::size_t i = 0; i + 1 < N; ++i)
        out.chars[i] = literal[i];
    return out;
}

template <std::size_t N>
consteval fixed_string<N> as_fixed_string(const fixed_string<N>& other) {
    return other;
}

template <std::size_t... N>
consteval auto join_strings(const fixed_string<N>&... parts) {
    fixed_string<(N + ... + 0)> out;
    std::size_t at = 0;
    auto add = [&](std::string_view part) {
        for (char c : part)
            out.chars[at++] = c;
    };
    (add(parts.view()), ...);
    return out;
}

template <class... T>
consteval auto join(const T&... parts) {
    return join_strings(as_fixed_string(parts)...);
}

template <std::intmax_t Value>
consteval auto decimal() {
    constexpr std::size_t digits = [] {
        std::size_t n = 1;
        for (auto rest = Value; rest >= 10; rest /= 10)
            ++n;
        return n;
    }();
    fixed_string<digits> out;
    auto rest = Value;
    for (std::size_t i = digits; i-- > 0; rest /= 10)
        out.chars[i] = static_cast<char>('0' + rest % 10);
    return out;
}

/// The only function whose spelling by the compiler is looked at. It returns a plain pointer
/// because g++ also lists the aliases that a signature uses.
template <class T>
constexpr const char* spelling() {
    return __PRETTY_FUNCTION__;
}

constexpr bool is_name_part(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

template <class T>
constexpr std::string_view full_spelling() {
    std::string_view all = spelling<T>();
    auto begin = all.find("T = ") + 4;
    return all.substr(begin, all.rfind(']') - begin);
}

/// What follows the last `::`; empty for a class template's instance and for unnamed types.
template <class T>
constexpr std::string_view last_component() {
    auto all = full_spelling<T>();
    auto begin = all.size();
    while (begin > 0 && is_name_part(all[begin - 1]))
        --begin;
    return all.substr(begin);
}

/// For error texts: a class template may do without a declared name there.
template <class T>
constexpr std::string_view display_name() {
    if (!type_name<T>.empty()) return type_name<T>;
    if (!last_component<T>().empty()) return last_component<T>();
    return full_spelling<T>();
}

template <class T>
consteval auto class_name() {
    constexpr auto name = type_name<T>.empty() ? last_component<T>() : type_name<T>;
    static_assert(!name.empty(),
                  "remora: compilers spell a class template's instances differently: declare the "
                  "name of this type, template <> inline constexpr std::string_view "
                  "remora::type_name<T> = \"...\"");
    fixed_string<name.size()> out;
    for (std::size_t i = 0; i < name.size(); ++i)
        out.chars[i] = name[i];
    return out;
}

constexpr std::uint64_t fnv1a(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (char c : name)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

}  // namespace detail
}  // namespace remora
