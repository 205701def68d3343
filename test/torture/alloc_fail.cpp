// SPDX-License-Identifier: MIT
// The n-th operator new throws, for each n of a conversation of calls, streams and messages, and
// of a run with a real app: in a process of its own each. Nothing crashes, leaks or hangs.
// --rounds N tries N of them, spread evenly; 0: all. Left out are those that Asio 1.22 does not
// survive: the destructor of a strand, and that of its signal service, after their constructor; and
// a timer's queue, since what leaves the beginning of an awaited operation ends the program.
#include "row.hpp"

#include "../calls.hpp"

#include <remora/server.hpp>

#include <dlfcn.h>
#include <execinfo.h>

#include <cstring>
#include <map>
#include <new>

namespace {

constinit long allocations = 0;  // so far
constinit long failing = -1;     // the number of the one that fails
constinit long living = 0;
constinit bool spared = false;

bool is_within_asio() {
    void* frames[64];
    const int count = ::backtrace(frames, 64);
    for (int i = 0; i != count; ++i) {
        Dl_info info{};
        if (::dladdr(frames[i], &info) == 0 || info.dli_sname == nullptr) continue;
        for (const char* name : {"strand_executor_service21create_implementation",
                                 "18signal_set_serviceC", "14schedule_timer"}) {
            if (std::strstr(info.dli_sname, name) != nullptr) return true;
        }
    }
    return false;
}

// Whether this one is the one.
bool fails() {
    if (allocations++ != failing) return false;
    failing = -1;
    spared = is_within_asio();
    return !spared;
}

void* allocate(std::size_t size) {
    if (fails()) throw std::bad_alloc();
    void* const memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    ++living;
    return memory;
}
void release(void* memory) noexcept {
    if (memory != nullptr) --living;
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
    return allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    if (fails()) throw std::bad_alloc();
    ++living;
    return std::aligned_alloc(static_cast<std::size_t>(alignment),
                              (size + static_cast<std::size_t>(alignment) - 1) &
                                  ~(static_cast<std::size_t>(alignment) - 1));
}
void operator delete(void* memory) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    release(memory);
}

namespace {

using namespace torture;
using remora::pipe;
using test::number;

enum outcome { good, hangs, leaks, stays_silent, left_out };
const std::map<int, std::string> names{{hangs, "hangs"},
                                       {leaks, "leaks"},
                                       {stays_silent, "loses the end of an operation"},
                                       {128 + SIGSEGV, "SIGSEGV"},
                                       {128 + SIGABRT, "std::terminate or abort"},
                                       {128 + SIGKILL, "hangs outside the context"}};

remora::service service() {
    remora::service s;
    s.on([](test::add q) { return test::sum{q.a + q.b}; });
    s.on([](test::add_later q) -> asio::awaitable<test::sum> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return test::sum{q.a + q.b};
    });
    s.on([](test::count_up c) -> remora::generator<number> {
        for (std::int64_t i = 0; i != c.count; ++i)
            co_yield remora::item<number>(i);
    });
    s.on([](test::echo e) { return std::move(e.what); });
    return s;
}

asio::awaitable<void> ask(pipe& p) {
    co_await p.call<test::add>(1, 2);
    co_await p.call<test::add_later>(1, 2, 0u);
    const test::echo large{test::make_blob(1, 100'000)};
    co_await p.call(large);
    auto numbers = co_await p.stream<test::count_up>(20);
    while (const auto n = co_await numbers.next()) {
    }
    co_await p.notify<number>(1);
}

// A conversation within a process. Its calls have deadlines of their own: the watchdog's.
asio::awaitable<void> converse(asio::io_context& io, const row& r) {
    auto [near, far] = torture::make_pair(io, r.over_fifos(), {4096, wait_policy::adaptive});
    far.attach(service());
    co_await ask(near);
    co_await near.close();
}

// A run of the test's app, and its end.
asio::awaitable<void> echo(pipe p) {
    while (const auto n = co_await p.next<number>())
        co_await p.send(*n);
}

asio::awaitable<void> run_app(asio::io_context& io, const row& r) {
    remora::server_options options{
        .target = r.programs + "/test/app", .drain = 10ms, .grace = 50ms};
    options.standard_error = remora::null_device;
    options.transport =
        r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::shared_memory;
    remora::server server{io, options};
    server.serve("echo", echo);
    auto run = server.start({"echo", "5"});
    asio::steady_timer stop(io, 1s);
    stop.async_wait([&](std::error_code ec) {
        if (!ec) run.terminate();
    });
    co_await run.result();
}

using scenario = asio::awaitable<void> (*)(asio::io_context&, const row&);

// What a program does that runs its context whatever comes out of it.
outcome play(scenario what, const row& r) {
    bool done = false, idle = false;
    {
        asio::io_context io{1};
        const auto end = clock::now() + 5s;
        bool started = false;
        while (!done && !idle && clock::now() < end) {
            try {
                if (!started) {
                    asio::co_spawn(io, what(io, r), [&](std::exception_ptr) { done = true; });
                    started = true;
                }
                idle = io.run_one_until(end) == 0 && io.stopped();
            } catch (const std::exception&) {
                if (!started) return good;  // nothing has begun
            }
        }
        for (bool again = true; again && clock::now() < end;) {  // what is left over
            again = false;
            try {
                io.restart();
                io.run_for(100ms);
            } catch (const std::exception&) {
                again = true;
            }
        }
    }
    return done ? good : idle ? stays_silent : hangs;
}

// One process, in which an allocation fails: its exit code.
int try_one(scenario what, const row& r, long n) {
    forked victim([&]() -> int {
        (void)!std::freopen("/dev/null", "w", stderr);
        play(what, r);     // whatever is made once
        is_within_asio();  // the same
        const long before = living;
        allocations = 0;
        failing = n;
        outcome o = good;
        try {
            o = play(what, r);
        } catch (const std::bad_alloc&) {  // the context could not be made
        }
        failing = -1;
        if (spared) return left_out;
        return o != good ? o : living > before ? leaks : good;
    });
    return victim.wait_for(10s);
}

long count(scenario what, const row& r) {
    int told[2];
    if (::pipe(told) != 0) throw std::runtime_error("pipe");
    forked counting([&] {
        play(what, r);
        allocations = 0;
        if (const outcome o = play(what, r); o != good) return int{o};
        return ::write(told[1], &allocations, sizeof allocations) > 0 ? 0 : 99;
    });
    if (const int code = counting.wait(); code != 0)
        throw std::runtime_error("it fails without a failing allocation: " + std::to_string(code));
    long n = 0;
    (void)!::read(told[0], &n, sizeof n);
    ::close(told[0]);
    ::close(told[1]);
    return n;
}

verdict judge(row& r) {
    verdict v;
    const run_parent directory;
    std::map<std::string, int> bad;
    std::uint64_t done = 0, spares = 0;
    const std::pair<std::string, scenario> all[]{{"conversation", converse}, {"run", run_app}};
    for (const auto& [name, what] : all) {
        const long most = count(what, r);
        const long step = r.rounds == 0 ? 1 : std::max(2 * most / static_cast<long>(r.rounds), 1L);
        for (long n = static_cast<long>(r.seed) % step; n < most; n += step, ++done) {
            if (done % 20 == 0) r.progress(done);
            const int code = try_one(what, r, n);
            spares += code == left_out;
            if (code == good || code == left_out) continue;
            const auto known = names.find(code);
            const std::string text =
                known != names.end() ? known->second : "code " + std::to_string(code);
            const bool show = bad[name + " " + text]++ < 3;
            v.expect(!show, name + " " + std::to_string(n) + " " + text);
            v.passed = false;
        }
        v.figures += name + ": " + std::to_string(most) + " allocations; ";
    }
    r.rounds = done;
    v.figures +=
        std::to_string(done) + " failed in turn, " + std::to_string(spares) + " of Asio's left out";
    for (const auto& [what, times] : bad)
        v.figures += "; " + what + ": " + std::to_string(times);
    v.expect(directory.is_empty(), "a directory is left");
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("each allocation fails in turn", 0).run(argc, argv, judge);
}
