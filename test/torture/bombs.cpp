// SPDX-License-Identifier: MIT
// Values whose lengths lie, and small values that unfold to large ones. Each is refused, with its
// offset, before it has cost time or memory; sent to a server as a request it fails that call only.
// The same program is the server and, as its child, the app that speaks the protocol by hand.
#include "bombs.hpp"

#include "everything.hpp"
#include "row.hpp"
#include "server/raw_app.hpp"

#include "call/call_failure.hpp"

#include <remora/server.hpp>

#include <malloc.h>
#include <time.h>

#include <new>

namespace {

std::size_t in_use = 0, peak = 0;

}  // namespace

void* operator new(std::size_t size) {
    void* const at = std::malloc(size);
    if (at == nullptr) throw std::bad_alloc();
    peak = std::max(peak, in_use += ::malloc_usable_size(at));
    return at;
}
void operator delete(void* at) noexcept {
    in_use -= ::malloc_usable_size(at);
    std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
    operator delete(at);
}

namespace {

using namespace torture;
using test::frame_header;
using test::frame_kind;

// A length that lies costs nothing. What unfolds does so until its budget is spent, on elements
// that are really there; malloc rounds up what each of them takes. A server has its buffers
// besides.
constexpr std::size_t most_memory_of_lies = 1u << 20;
constexpr std::size_t most_memory = remora::decode_limits{}.memory / 8 * 9;
constexpr std::size_t most_memory_of_server = most_memory + (8u << 20);
// The short form may be compiled without optimisation, and is slower by that.
#ifdef __OPTIMIZE__
constexpr int slower = 1;
#else
constexpr int slower = 5;
#endif
constexpr auto most_time = 1ms * slower;
constexpr auto most_time_of_unfolding = 50ms * slower;

clock::duration cpu_time() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

/// What decoding many things has cost.
struct costs {
    std::vector<clock::duration> times;
    std::size_t memory = 0;

    /// What it fails with; empty if it does not.
    template <class T>
    std::string decode(const std::string& bytes) {
        std::string why;
        const std::size_t before = peak = in_use;
        const auto begin = cpu_time();
        try {
            T value{};
            remora::decode(std::as_bytes(std::span(bytes)), value);
        } catch (const remora::error& e) {
            why = e.what();
        }
        times.push_back(cpu_time() - begin);
        memory = std::max(memory, peak - before);
        return why;
    }
};

void decode_all(const row& r, verdict& v) {
    costs refused, unfolding, edges;
    for (std::uint64_t i = 0; i < r.rounds; ++i) {
        r.progress(i);
        for (const bomb& each : all_bombs()) {
            const auto why = (each.unfolds ? unfolding : refused).decode<cargo>(each.bytes);
            v.expect(why.find("at byte") != std::string::npos, each.name + ": " + why);
            v.expect(refused.memory < most_memory_of_lies, each.name + " takes memory");
        }
    }
    for (const auto& bytes : all_edges())
        edges.decode<fuzz::kitchen_sink>(bytes);
    v.expect(percentile(refused.times, 0.99) < most_time, "a bomb takes too long");
    v.expect(percentile(edges.times, 0.99) < most_time, "a length takes too long");
    v.expect(percentile(unfolding.times, 0.99) < most_time_of_unfolding,
             "an unfolding bomb takes too long");
    v.expect(edges.memory < most_memory_of_lies, "a length takes memory");
    v.expect(unfolding.memory < most_memory, "an unfolding bomb takes more than its budget");
    v.figures +=
        "; refused in p50 " + show(percentile(refused.times, 0.5)) + ", p99 " +
        show(percentile(refused.times, 0.99)) + " and " + std::to_string(refused.memory >> 10) +
        " KiB; unfolding ones p50 " + show(percentile(unfolding.times, 0.5)) + ", p99 " +
        show(percentile(unfolding.times, 0.99)) + " and " + std::to_string(unfolding.memory >> 20) +
        " MiB; " + std::to_string(edges.times.size()) + " lengths p99 " +
        show(percentile(edges.times, 0.99)) + " and " + std::to_string(edges.memory >> 10) + " KiB";
}

remora::service target_of_bombs() {
    remora::service s = everything();
    s.on([](cargo) { return test::sum{}; });
    return s;
}

void serve(const row& r, verdict& v) {
    const run_parent directory;
    asio::io_context io;
    remora::server_options options;
    options.target = r.programs + "/test/torture/bombs";
    options.transport =
        r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::shared_memory;
    remora::server server{io, options};
    server.serve("calls", target_of_bombs());
    forget_peak();
    const long before = status_of_self("VmRSS");
    const int code = server.run({r.transport});
    v.expect(code == 0, "the app ends with " + std::to_string(code));
    v.expect(directory.is_empty(), "a directory is left");
    const long grown = status_of_self("VmHWM") - before;
    v.expect(grown < static_cast<long>(most_memory_of_server >> 10), "the server's memory");
    v.figures = "as requests: each answered, the server grew by at most " +
                std::to_string(grown >> 10) + " MiB";
}

// The app.

template <class T>
std::string request(std::uint64_t id, const std::string& value) {
    return test::frame_bytes({.kind = frame_kind::request,
                              .flags = frame_header::of_sender,
                              .id = id,
                              .tag = remora::type_tag_of<T>()},
                             value);
}

/// The kind of the next answer, which goes to `bytes`.
frame_kind answer(test::raw_connection& pipe, std::vector<std::byte>& bytes) {
    for (;;) {
        const auto kind = test::hear(pipe, bytes);
        if (kind != frame_kind::window) return kind;
    }
}

int throw_bombs(const std::string& directory, bool over_fifos) {
    ::alarm(20);  // it hangs: let that be seen
    test::raw_app app(directory);
    auto pipe = app.connect("calls", over_fifos);
    std::uint64_t id = 0;
    std::vector<std::byte> bytes;
    for (const bomb& each : all_bombs()) {
        pipe.say(request<cargo>(++id, each.bytes));
        if (answer(pipe, bytes) != frame_kind::failure) return 90;
        const auto told = test::value_of<remora::wire::call_failure>(bytes);
        if (told.text.find("at byte") == std::string::npos) return 91;
        pipe.say(request<test::add>(++id, test::payload_of(test::add{20, 22})));
        if (answer(pipe, bytes) != frame_kind::reply) return 92;
        if (test::value_of<test::sum>(bytes).value != 42) return 93;
    }
    return 0;
}

verdict judge(const row& r) {
    verdict v;
    serve(r, v);  // first: memory that was used before would hide growth
    decode_all(r, v);
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    constexpr std::string_view pipes = "--remora.pipes=";
    if (argc > 2 && std::string_view(argv[1]).starts_with(pipes))
        return throw_bombs(argv[1] + pipes.size(), argv[2] == std::string_view("fifo"));
    return row("Values whose lengths lie", 20).run(argc, argv, judge);
}
