// SPDX-License-Identifier: MIT
// Of g++ before 13 only: what it would destroy twice must not compile. With REMORA_ONLY_VALID it is
// left out, and the rest must compile.
#include <remora/generator.hpp>

#include <string>

struct line {
    std::string text;
};

remora::generator<line> lines(line one) {
    co_yield one;
    co_yield remora::item<line>("two");
}

#ifndef REMORA_ONLY_VALID
remora::generator<line> made() {
    (co_yield line{"one"});  // expect: within co_yield twice
}
remora::generator<line> braced() {
    (co_yield {"one"});  // expect: within co_yield twice
}
#endif
