// SPDX-License-Identifier: MIT
// Each line below that expects something must not compile, and the compiler must say why in the
// words behind `expect:`. With REMORA_ONLY_VALID they are left out, and the rest must compile.
// errors: 67, as lines of the same types share one
#include <remora/client.hpp>
#include <remora/pipe.hpp>
#include <remora/server.hpp>
#include <remora/service.hpp>

#include <cstdint>
#include <functional>
#include <utility>

namespace contract {

struct part {
    template <class Archive>
    void serialize(Archive&) {}
};
struct remark : part {};
struct receipt : part {};
struct question : part {
    using reply = receipt;
};
struct urgent : question {};
struct save : part {
    using reply = void;
};
struct watch : part {
    using reply = remora::stream<part>;
};
struct store : part {
    using reply = receipt;
    using upload = part;
};
struct mirror : part {
    using reply = remora::stream<part>;
    using upload = part;
};
struct upload : part {  // `using upload` is not possible in it
    using reply = receipt;
    using items = part;
};
struct narrow {
    using reply = receipt;
    std::uint32_t number = 0;
    template <class Archive>
    void serialize(Archive&) {}
};
struct series : narrow {
    using reply = remora::stream<part>;
};
using parts = remora::stream<part>;
struct desk {
    receipt answer(const question&) const noexcept { return {}; }
    asio::awaitable<receipt> keep(store, parts);
};

remora::generator<part> some_parts() {
    co_yield remora::item<part>();
}
remora::generator<remark> remarks() {
    co_yield remora::item<remark>();
}
asio::awaitable<receipt> write_receipt() {
    co_return receipt{};
}

void calls(remora::pipe& p, const question& q, const save& s, const watch& w, const store& up,
           const mirror& m, const upload& u) {
    (void)p.call(q);
    (void)p.call<narrow>(5u);
    (void)p.call(u, some_parts());
    (void)p.call(s);
    (void)p.stream(w);
    (void)p.call(up, some_parts());
    (void)p.stream(m, some_parts());
    (void)p.receive_any<int, question, std::vector<int>>();
    const remora::call_options how;
    (void)p.call(q, how);
    (void)p.call(q, {.timeout = std::chrono::seconds(1)});
    (void)p.call(question(), how);
    (void)p.call(up, some_parts(), how);
    (void)p.call<narrow>(how, 5u);
    (void)p.call<narrow>({}, 5u);
    (void)p.call<narrow>();
    (void)p.call<question>(urgent(), {});
    (void)p.stream<series>(how, narrow());
    (void)p.call<narrow>({5u});
    (void)p.call<narrow>({.number = 5u}, {.timeout = std::chrono::seconds(1)});
    (void)p.call<narrow>({5u}, {});
    (void)remora::pipe().call(q, how);
    (void)remora::pipe().call<narrow>(5u);
}

void handlers(remora::service& s, desk& d) {
    s.on([](question) { return receipt{}; });
    s.on(&desk::answer, d);
    s.on(&desk::answer, std::ref(d));
    s.on(&desk::keep, d);
    s.on([](upload, parts) { return write_receipt(); });
    s.on([](const question&) { return write_receipt(); });
    s.on([](save) {});
    s.on([](watch) { return some_parts(); });
    s.on([](store, parts) { return write_receipt(); });
    s.on([](mirror, parts) { return some_parts(); });
    s.on([](remark) {});
}

remora::service make_desk(const remora::connection_info&) {
    return remora::service();
}
asio::awaitable<void> converse(remora::pipe) {
    co_return;
}

asio::awaitable<int> a_main(remora::client&) {
    co_return 0;
}

void apps(remora::client& c) {
    c.run(a_main);
    c.run([](remora::client&) { return converse({}); });
    c.run([] { return converse({}); });
}

void services(remora::server& s, remora::service& desk) {
    s.serve("a", desk);
    s.serve("a", remora::service(), {.ring_size = 4096});
    s.serve("a", converse);
    s.serve("a", [](remora::pipe p) { return converse(std::move(p)); }, {});
    s.serve("a", remora::server::service_function(converse));
    s.serve("a", make_desk);
    s.serve("a", [](remora::connection_info who) { return make_desk(who); }, {});
    s.serve("a", remora::server::service_maker(make_desk));
}

#ifndef REMORA_ONLY_VALID
void no_calls(remora::pipe& p, const remark& r, const question& q, const watch& w, const store& up,
              const mirror& m) {
    p.call(r);                  // expect: this type is no request
    p.call<remark>(1, 2);       // expect: this type is no request
    p.stream(r);                // expect: this type is no request
    p.stream(q);                // expect: this request is not answered with a stream
    p.stream<question>();       // expect: this request is not answered with a stream
    p.call(w);                  // expect: use stream() instead of call()
    p.call<watch>();            // expect: use stream() instead of call()
    p.call(m, some_parts());    // expect: use stream() instead of call()
    p.call(up);                 // expect: this request comes with an upload
    p.stream(m);                // expect: this request comes with an upload
    p.call<store>();            // expect: this request comes with an upload
    p.stream<mirror>();         // expect: this request comes with an upload
    p.call(q, some_parts());    // expect: this request declares no upload
    p.stream(w, some_parts());  // expect: this request declares no upload
    p.call(up, remarks());      // expect: these items are of another type
    p.call(up, remarks(), {});  // expect: these items are of another type
    const std::size_t wide = 1;
    p.call<narrow>(wide);              // expect: one of them does not fit its field
    p.call<narrow>({}, wide);          // expect: one of them does not fit its field
    p.call<narrow>("one");             // expect: one of them does not fit its field
    p.stream<series>(narrow(), wide);  // expect: one of them does not fit its field
    (void)p.send<narrow>(wide);        // expect: one of them does not fit its field
    (void)p.send<narrow>(wide);        // expect: one of them does not fit its field
    const remora::call_options how;
    p.call<narrow>(5u, how);              // expect: call_options come last, after a request
    p.call<narrow>(5u, {.timeout = {}});  // expect: call_options come last, after a request
    p.call<narrow>(how, 5u, how);         // expect: call_options come last, after a request
    p.call(how, q);                       // expect: call_options come last, after a request
    p.call(up, how, some_parts());        // expect: call_options come last, after a request
    p.call(q, std::chrono::seconds(1));   // expect: call_options come last, after a request
    p.stream<series>(5u, how);            // expect: call_options come last, after a request
    p.stream<series>(5u, {});             // expect: call_options come last, after a request
    p.stream(how, w);                     // expect: call_options come last, after a request
}

struct point {
    int x = 0, y = 0;
};
template <int>
struct line {  // each is told once
    using reply = receipt;
    point from, to;
    int width = 0;
};
template <int>
struct steps {
    using reply = remora::stream<point>;
    point from, to;
    int width = 0;
};

void no_arguments(remora::pipe& p, const question& q, const watch& w) {
    const point from{}, to{};
    p.call<line<1>>(from, to, {.timeout = {}});        // expect: call_options come last, after a
    p.call<line<2>>(from, to, 1, {.timeout = {}});     // expect: call_options come last, after a
    p.call<line<3>>(from, to, 1, {});                  // expect: call_options come last, after a
    p.call({.timeout = {}}, q);                        // expect: call_options come last, after a
    p.call<line<4>>({.timeout = {}}, line<4>());       // expect: call_options come last, after a
    p.stream<steps<1>>(from, to, {.timeout = {}});     // expect: call_options come last, after a
    p.stream<steps<2>>(from, to, 1, {.timeout = {}});  // expect: call_options come last, after a
    p.stream({.timeout = {}}, w);                      // expect: call_options come last, after a
    p.call<line<5>>(from, {1, 2}, 1);                  // expect: a member in braces has no type
    p.call<line<6>>(from, {}, 1);                      // expect: a member in braces has no type
    p.call({from, to, 1});     // expect: call() and stream() do not take these arguments
    p.call(q, 1);              // expect: call() and stream() do not take these arguments
    p.call();                  // expect: call() and stream() do not take these arguments
    std::as_const(p).call(q);  // expect: a const pipe has neither call() nor stream()
    std::as_const(p).call(q,
                          {.timeout = {}});  // expect: a const pipe has neither call() nor stream()
    std::as_const(p).stream(
        w, {.timeout = {}});            // expect: a const pipe has neither call() nor stream()
    p.stream<steps<3>>({1, 2}, to, 1);  // expect: a member in braces has no type
    p.stream({from, to, 1});            // expect: call() and stream() do not take these arguments
}

remora::pipe temporary();

void no_streams(remora::pipe& p, const watch& w, const mirror& m) {
    const remora::call_options how;
    temporary().stream(w);                        // expect: this pipe is a temporary: name it
    temporary().stream(w, how);                   // expect: this pipe is a temporary: name it
    temporary().stream(w, {});                    // expect: this pipe is a temporary: name it
    temporary().stream(w, {.timeout = {}});       // expect: this pipe is a temporary: name it
    temporary().stream(watch());                  // expect: this pipe is a temporary: name it
    temporary().stream<series>(5u);               // expect: this pipe is a temporary: name it
    temporary().stream<series>(how, 5u);          // expect: this pipe is a temporary: name it
    temporary().stream<series>({.timeout = {}});  // expect: this pipe is a temporary: name it
    temporary().stream(m, some_parts());          // expect: this pipe is a temporary: name it
    temporary().stream(m, some_parts(), {.timeout = {}});  // expect: this pipe is a temporary: name
    std::move(p).stream(w);  // expect: this pipe is a temporary: name it
}

namespace other {
struct question : part {};
}  // namespace other

void no_messages(remora::pipe& p) {
    p.receive_any<question, other::question>();               // expect: have the same name
    p.receive_any<std::vector<int>, int, std::deque<int>>();  // expect: have the same name
}

void no_handlers(remora::service& s, int number, desk& d) {
    s.on([](question) { return 1; });             // expect: does not return the reply
    s.on([](save) { return 1; });                 // expect: does not return the reply
    s.on([](question) {});                        // expect: does not return the reply
    s.on([](watch) { return receipt{}; });        // expect: does not return the reply
    s.on([](store, parts) {});                    // expect: does not return the reply
    s.on([](auto) {});                            // expect: that is no template
    s.on(number);                                 // expect: its first parameter says what
    s.on([] {});                                  // expect: its first parameter says what
    s.on([](remark) { return 1; });               // expect: but what it takes is no request
    s.on(&desk::answer);                          // expect: a member function needs its object
    s.on(&desk::answer, desk());                  // expect: name it, without std::move
    s.on(&desk::keep, desk());                    // expect: name it, without std::move
    s.on(&desk::answer, std::move(d));            // expect: move it into a lambda
    s.on([](store) { return write_receipt(); });  // expect: lacks its second parameter
    s.on([](store, int) { return receipt{}; });   // expect: does not fit: it is the items of
    s.on([](store, parts, int) { return write_receipt(); });  // expect: third parameter of this
    s.on([](question, parts) { return receipt{}; });          // expect: it takes the request alone
    s.on([](remark, parts) {});                               // expect: it takes the request alone
    s.on([](parts, store) { return write_receipt(); });       // expect: the first parameter of this
    s.on([](store, parts) { return receipt{}; });  // expect: that takes an upload is a coroutine
    s.on([](question&) { return receipt{}; });     // expect: it takes the request by value
}

void no_apps(remora::client& c) {
    c.run(a_main(c));                      // expect: takes a function, and not what it has returned
    c.run([] {});                          // expect: client.run() takes a function
    c.run([](remora::client&, int) {});    // expect: client.run() takes a function
    c.run([] { return converse({}); }());  // expect: client.run() takes a function
}

void no_services(remora::server& s) {
    s.serve("a", 5);                                      // expect: what serves a name is
    s.serve("a", [] {});                                  // expect: what serves a name is
    s.serve("a", [](remora::pipe) {}, {});                // expect: what serves a name is
    s.serve("a", [](remora::pipe) { return 1; });         // expect: what serves a name is
    s.serve("a", [](const remora::connection_info&) {});  // expect: what serves a name is
    s.serve("a", [](remora::connection_info) { return converse({}); });  // expect: what serves a
    s.serve("a", [](remora::pipe) { return make_desk({}); });            // expect: what serves a
}
#endif

}  // namespace contract
