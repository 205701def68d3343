// SPDX-License-Identifier: MIT
/// Durations and points in time.
#pragma once

#include <chrono>
#include <ratio>

#include <remora/detail/wire/archive/scalar.hpp>

namespace remora::detail {

/// The units that need one byte on the wire. They never change their place; 0 is any other.
consteval std::uint8_t code_of_unit(std::intmax_t num, std::intmax_t den) {
    constexpr std::intmax_t units[][2] = {{1, 1000000000}, {1, 1000000}, {1, 1000},  {1, 1},
                                          {60, 1},         {3600, 1},    {86400, 1}, {604800, 1},
                                          {2629746, 1},    {31556952, 1}};
    std::uint8_t code = 0;
    for (auto& unit : units) {
        ++code;
        if (unit[0] == num && unit[1] == den) return code;
    }
    return 0;
}

/// A duration tells its unit, so that milliseconds are never taken for seconds.
template <class R, class P>
struct codec<std::chrono::duration<R, P>> {
    using period = typename P::type;
    static constexpr std::uint8_t unit = code_of_unit(period::num, period::den);

    static constexpr kind its_kind = kind::duration;
    static constexpr std::size_t least_encoded_size = 2 + codec<R>::least_encoded_size;
    static consteval auto name() {
        return join("duration<", codec<R>::name(), ",", decimal<period::num>(), "/",
                    decimal<period::den>(), ">");
    }

    static void put(output_archive& out, const std::chrono::duration<R, P>& value) {
        out.put_number(unit);
        if constexpr (unit == 0) {
            out.put_number(static_cast<std::int64_t>(period::num));
            out.put_number(static_cast<std::int64_t>(period::den));
        }
        out.put_with_kind(value.count());
    }
    static void get(input_archive& in, std::chrono::duration<R, P>& value) {
        bool same = in.get_number<std::uint8_t>() == unit;
        if constexpr (unit == 0) {
            same = same && in.get_number<std::int64_t>() == period::num;
            same = same && in.get_number<std::int64_t>() == period::den;
        }
        if (!same) [[unlikely]]
            in.fail(errc::field_mismatch, "a duration in another unit");
        R count{};
        in.get_with_kind(count);
        value = std::chrono::duration<R, P>(count);
    }
};

/// The clocks that are told apart on the wire. They never change their number; 0 is any other.
template <class C>
consteval std::uint8_t code_of_clock() {
    if (!full_spelling<C>().starts_with("std::")) return 0;
    std::uint8_t code = 0;
    for (std::string_view clock :
         {"system_clock", "steady_clock", "utc_clock", "tai_clock", "gps_clock", "local_t"}) {
        ++code;
        if (last_component<C>() == clock) return code;
    }
    return 0;
}

/// A point in time is its clock and the duration since that clock's epoch.
template <class C, class D>
struct codec<std::chrono::time_point<C, D>> {
    static constexpr std::uint8_t clock = code_of_clock<C>();

    static constexpr kind its_kind = kind::time_point;
    static constexpr std::size_t least_encoded_size = 1 + codec<D>::least_encoded_size;
    static consteval auto name() {
        return join("time_point<", class_name<C>(), ",", codec<D>::name(), ">");
    }

    static void put(output_archive& out, const std::chrono::time_point<C, D>& value) {
        out.put_number(clock);
        codec<D>::put(out, value.time_since_epoch());
    }
    static void get(input_archive& in, std::chrono::time_point<C, D>& value) {
        if (in.get_number<std::uint8_t>() != clock) [[unlikely]]
            in.fail(errc::field_mismatch, "a point in time of another clock");
        D since{};
        codec<D>::get(in, since);
        value = std::chrono::time_point<C, D>(since);
    }
};

}  // namespace remora::detail
