// SPDX-License-Identifier: MIT
// The n-th operator new throws, for each n of conversations of calls, streams and messages, of a
// run with a real app, and of an app: in a process of its own each. Nothing crashes, leaks or
// hangs, no descriptor, child, thread or directory is left. The app is this program, too.
// --rounds N tries N of them, spread evenly; 0: all. Left out are those that Asio 1.22 does not
// survive: the destructor of a strand, and that of its signal service, after their constructor; and
// a timer's queue, since what leaves the beginning of an awaited operation ends the program.
#include "conversations.hpp"
#include "failing_new.hpp"

#include <remora/client.hpp>
#include <remora/server.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>

#include <map>

namespace {

using namespace torture;
using remora::pipe;

enum outcome {
    good,
    hangs,
    leaks,
    stays_silent,
    leaves_descriptor,
    leaves_child,
    leaves_thread,
    leaves_directory,
    left_out,
    not_reached  // there are fewer in this run than in the one that was counted
};
const std::map<int, std::string> names{{hangs, "hangs"},
                                       {leaks, "leaks"},
                                       {stays_silent, "loses the end of an operation"},
                                       {leaves_descriptor, "leaves a descriptor"},
                                       {leaves_child, "leaves a child"},
                                       {leaves_thread, "leaves a thread"},
                                       {leaves_directory, "leaves a directory"},
                                       {128 + SIGSEGV, "SIGSEGV"},
                                       {128 + SIGABRT, "std::terminate or abort"},
                                       {128 + SIGKILL, "hangs outside the context"}};

// A run of the test's app, and its end.
asio::awaitable<void> echo(pipe p) {
    while (const auto n = co_await p.next<number>())
        co_await p.send(*n);
}

asio::awaitable<void> run_app(asio::io_context& io, const row& r) {
    remora::server_options options{
        .target = r.programs + "/test/app", .drain_timeout = 10ms, .stop_timeout = 50ms};
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

// What a program does that runs its context whatever comes out of it.
outcome play(conversation what, const row& r) {
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

/// What this process has.
struct belongings {
    long memory = living, files = descriptors(), threads = tasks();

    static long tasks() {
        return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
    }
};

// What is left of a scenario that began with `before`.
outcome notify_message_room(const belongings& before, const run_parent& directory) {
    const belongings now;
    if (now.memory > before.memory) return leaks;
    if (now.files > before.files) return leaves_descriptor;
    if (now.threads > before.threads) return leaves_thread;
    if (::waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD) return leaves_child;
    return directory.is_empty() ? good : leaves_directory;
}

// One process, in which an allocation fails: its exit code.
int try_one(conversation what, const row& r, const run_parent& directory, long n) {
    forked victim([&]() -> int {
        (void)!std::freopen("/dev/null", "w", stderr);
        play(what, r);     // whatever is made once
        is_within_asio();  // the same
        const belongings before;
        allocations = 0;
        failing = n;
        outcome o = good;
        try {
            o = play(what, r);
        } catch (const std::bad_alloc&) {  // the context could not be made
        }
        if (std::exchange(failing, -1) >= 0) return not_reached;
        if (spared) return left_out;
        return o != good ? o : notify_message_room(before, directory);
    });
    return victim.wait_for(10s);
}

long count(conversation what, const row& r) {
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

// The app: what it says to its standard output is how many allocations it made, and how many live.

asio::awaitable<int> ask_for_echo(remora::client& client) {
    auto p = co_await client.connect("echo");
    for (number n{0}; n.value < 5; ++n.value) {
        co_await p.send(n);
        const auto back = co_await p.receive<number>();
        if (back.value != n.value) co_return 1;
    }
    co_return 0;
}

struct app_report {
    long made = 0, living = 0;
    bool fired = false, spared = false;
};

int be_app(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const long n = std::atol(argv[2]);
    is_within_asio();  // whatever is made once
    const long before = living;
    allocations = 0;
    failing = n;
    int code = 1;
    try {
        asio::io_context io{1};
        remora::client client{io, argc, argv};
        code = client.run(ask_for_echo);
    } catch (const std::bad_alloc&) {  // the client could not be made
    }
    const bool fired = std::exchange(failing, -1) < 0;
    const app_report said{allocations, living - before, fired, spared};
    return ::write(STDOUT_FILENO, &said, sizeof said) == sizeof said ? code : 99;
}

/// A run of that app; its exit code, or 128 + SIGKILL after too long.
int run_this_app(const row& r, long n, app_report& said) {
    int told[2];
    if (::pipe(told) != 0) throw std::runtime_error("pipe");
    const remora::detail::unique_fd in(told[0]), out(told[1]);
    remora::server_options options{
        .target = "/proc/self/exe", .drain_timeout = 10ms, .stop_timeout = 50ms};
    options.standard_output = out.get();
    options.standard_error = remora::null_device;
    options.transport =
        r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::shared_memory;
    asio::io_context io{1};
    remora::server server{io, options};
    server.serve("echo", echo);
    const auto run = server.start({std::to_string(n)});
    asio::steady_timer stop(io, 3s);
    stop.async_wait([&](std::error_code ec) {
        if (!ec) run.kill();
    });
    int code = 99;
    asio::co_spawn(io, run.result(), [&](std::exception_ptr, remora::run_result end) {
        code = end.code();
        stop.cancel();
    });
    io.run();
    ::fcntl(in.get(), F_SETFL, O_NONBLOCK);
    if (::read(in.get(), &said, sizeof said) != sizeof said && code < 128) code = 99;
    return code;
}

int try_app(const row& r, const run_parent& directory, long n, long usual) {
    app_report said;
    const int code = run_this_app(r, n, said);
    if (code >= 99) return code;
    if (!directory.is_empty()) return leaves_directory;
    if (!said.fired) return code == 0 ? not_reached : 99;
    return said.spared ? left_out : said.living > usual ? leaks : good;
}

/// What has become of all that were tried.
struct tally {
    std::uint64_t tried = 0, fired = 0, spared = 0;
    std::map<std::string, int> bad = {};

    void add(verdict& v, const std::string& name, long n, int code) {
        ++tried;
        spared += code == left_out ? 1 : 0;
        fired += code == left_out || code == not_reached ? 0 : 1;
        if (code == good || code == left_out || code == not_reached) return;
        const auto known = names.find(code);
        const std::string text =
            known != names.end() ? known->second : "code " + std::to_string(code);
        const bool show = bad[name + " " + text]++ < 3;
        v.expect(!show, name + " " + std::to_string(n) + " " + text);
        v.passed = false;
    }
};

verdict judge(row& r) {
    verdict v;
    const run_parent directory;
    tally all;
    const auto try_each = [&](const std::string& name, long most, const auto& attempt) {
        const long step = r.rounds == 0 ? 1 : std::max(3 * most / static_cast<long>(r.rounds), 1L);
        for (long n = static_cast<long>(r.seed) % step; n < most; n += step) {
            if (all.tried % 20 == 0) r.progress(all.tried);
            all.add(v, name, n, attempt(n));
        }
        v.figures += name + ": " + std::to_string(most) + " allocations; ";
    };
    const std::pair<std::string, conversation> scenarios[]{
        {"conversation", converse}, {"end", end_together}, {"full", close_full}, {"run", run_app}};
    for (const auto& [name, what] : scenarios)
        try_each(name, count(what, r), [&](long n) { return try_one(what, r, directory, n); });
    app_report usual;
    if (run_this_app(r, -1, usual) != 0)
        throw std::runtime_error("the app fails without a failure");
    try_each("app", usual.made, [&](long n) { return try_app(r, directory, n, usual.living); });
    v.figures += std::to_string(all.fired) + " failed in turn, " + std::to_string(all.spared) +
                 " of Asio's left out, " + std::to_string(all.tried - all.fired - all.spared) +
                 " not reached";
    for (const auto& [what, times] : all.bad)
        v.figures += "; " + what + ": " + std::to_string(times);
    v.expect(all.fired > all.tried / 2, "too few failed to prove a thing");
    r.rounds = all.tried;
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string(argv[1]).starts_with("--remora.pipes=")) return be_app(argc, argv);
    return row("each allocation fails in turn", 0).run(argc, argv, judge);
}
