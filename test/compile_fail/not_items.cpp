// SPDX-License-Identifier: MIT
// Of g++ before 13 only: what it would destroy twice must not compile. With REMORA_ONLY_VALID it is
// left out, and the rest must compile.
// errors: 6
#include <remora/generator.hpp>
#include <remora/pipe.hpp>

#include <string>

struct line {
    std::string text;
};
struct page {
    using reply = remora::stream<line>;
    line first, second;
};
struct word {
    using reply = void;
    line text;
    int count;
};
struct point {
    int x, y;
};
struct corner {
    point at;
    line name;
};

remora::generator<line> lines(line one) {
    co_yield one;
    co_yield remora::item<line>("two");
}
remora::generator<corner> corners(line one) {
    co_yield remora::item<corner>(point{1, 2}, one);
    co_yield remora::item<corner>(point{1, 2}, remora::item<line>("two"));
}
void arguments(remora::pipe& p, line one) {
    p.send<word>(one, 1);
    p.call<word>(remora::item<line>("one"), 1);
    p.call<word>({.timeout = {}}, one, 1);
    p.stream<page>(one, remora::item<line>("two"));
    p.send<corner>(point{1, 2}, one);
}

#ifndef REMORA_ONLY_VALID
remora::generator<line> made() {
    (co_yield line{"one"});  // expect: within co_yield twice
}
remora::generator<line> braced() {
    (co_yield {"one"});  // expect: within co_yield twice
}
remora::generator<corner> nested() {
    co_yield remora::item<corner>(point{1, 2}, line{"one"});  // expect: for such an argument
}
void made_arguments(remora::pipe& p, line one, short two, char three) {
    p.send<word>(line{"one"}, 1);                       // expect: for such an argument
    p.call<word>(std::move(one), two);                  // expect: for such an argument
    p.call<word>({.timeout = {}}, line{"one"}, three);  // expect: for such an argument
    p.stream<page>(one, line{"two"});                   // expect: for such an argument
}
#endif
