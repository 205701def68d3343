// SPDX-License-Identifier: MIT
/// The sequences inside std::stack, std::queue and std::priority_queue.
#pragma once

#include <queue>
#include <stack>

#include <remora/detail/wire/archive/sequence.hpp>

namespace remora::detail {

/// The container inside one of the three adaptors, which is protected there.
template <class Adaptor>
struct inside : Adaptor {
    static auto& of(Adaptor& adaptor) { return adaptor.*&inside::c; }
    static auto& of(const Adaptor& adaptor) { return adaptor.*&inside::c; }
};

template <class A>
struct adapting : codec<typename A::container_type> {
    using container = typename A::container_type;
    static void put(output_archive& out, const A& adaptor) {
        codec<container>::put(out, inside<A>::of(adaptor));
    }
    static void get(input_archive& in, A& adaptor) {
        codec<container>::get(in, inside<A>::of(adaptor));
    }
};

template <class E, class C>
struct codec<std::stack<E, C>> : adapting<std::stack<E, C>> {};
template <class E, class C>
struct codec<std::queue<E, C>> : adapting<std::queue<E, C>> {};

template <class E, class C, class L>
struct codec<std::priority_queue<E, C, L>> : adapting<std::priority_queue<E, C, L>> {
    static_assert(std::is_empty_v<L>,
                  "remora: a priority_queue's order must be part of its type: it does not travel");
    static void get(input_archive& in, std::priority_queue<E, C, L>& queue) {
        C elements;
        codec<C>::get(in, elements);
        queue = std::priority_queue<E, C, L>(L{}, std::move(elements));  // makes it a heap
    }
};

}  // namespace remora::detail
