// SPDX-License-Identifier: MIT
// Messages of every size at the edges of the limit, from an app that sends them well: those beyond
// it fail at their sender, which is told size and limit, and the pipe goes on. And lengths that an
// app announces by hand: the server refuses those beyond the limit, and serves the next connection.
// The same program is server and app.
#include "raw_app.hpp"
#include "row.hpp"

#include "../messages.hpp"

#include <remora/client.hpp>
#include <remora/server.hpp>

#include <sys/mman.h>

namespace {

using namespace torture;
using test::frame_kind;
using test::number;

constexpr std::size_t limit = 1u << 20;

/// So many zeros, of which none is in memory before it is sent.
struct zeros {
    std::size_t size = 0;
    std::vector<std::byte> taken = {};
    template <class Archive>
    void save(Archive& ar) const {
        static void* const all = ::mmap(nullptr, std::size_t{5} << 30, PROT_READ,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        ar(cereal::binary_data(static_cast<const std::byte*>(all), size));
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(taken);
    }
};
constexpr std::size_t overhead = 10;  // of the record and the bytes: two kinds, two lengths

remora::server_options options_of(const row& r) {
    remora::server_options options;
    options.target = r.programs + "/test/torture/size_limits";
    options.limits.message = limit;
    options.transport =
        r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::automatic;
    return options;
}

asio::awaitable<void> measure(remora::pipe p) {
    while (const auto message = co_await p.next<zeros>())
        co_await p.send<number>(static_cast<std::int64_t>(message->taken.size()));
}

verdict judge(const row& r) {
    verdict v;
    std::uint64_t ended = 0;
    const auto begin = clock::now();
    for (std::uint64_t i = 0; i < r.rounds; ++i) {
        r.progress(i);
        asio::io_context io;
        auto options = options_of(r);
        options.on_failure = [&](std::string_view, const std::exception_ptr& why) {
            const bool named = test::failure_of([&] {
                                   std::rethrow_exception(why);
                               }).has("the limit is " + std::to_string(limit));
            v.expect(named, "a failure without the limit");
            ++ended;
        };
        remora::server server{io, options};
        server.serve("measure", measure);
        for (const char* part : {"sends", "announces"}) {
            const int code = server.run({part, r.transport});
            v.expect(code == 0, std::string(part) + " ends with " + std::to_string(code));
        }
    }
    v.expect(ended == 3 * r.rounds, std::to_string(ended) + " connections ended");
    v.figures =
        "4 sizes up to the limit arrive, 3 beyond the limit refused with size and limit, each pipe "
        "usable; 6 "
        "lengths announced, 3 refused; " +
        show((clock::now() - begin) / std::max<std::uint64_t>(r.rounds, 1)) + " a round";
    return v;
}

// The app.

asio::awaitable<bool> is_echoed(remora::pipe& pipe, std::size_t size) {
    zeros message{size - overhead};
    co_await pipe.send(message);
    const auto answer = co_await pipe.receive<number>();
    co_return answer.value == static_cast<std::int64_t>(message.size);
}

asio::awaitable<bool> is_refused(remora::pipe& pipe, std::size_t size) {
    try {
        zeros message{size - overhead};
        co_await pipe.send(message);
    } catch (const remora::error& e) {
        const std::string text = e.what();
        co_return e.code() == remora::errc::message_too_large&& text.find(std::to_string(limit)) !=
            std::string::npos;
    }
    co_return false;
}

asio::awaitable<int> send_well(remora::client& client) {
    auto pipe = co_await client.connect("measure");
    for (const std::size_t size : {overhead, std::size_t{4096}, limit - 1, limit}) {
        if (!co_await is_echoed(pipe, size)) co_return 90;
    }
    for (const std::size_t size :
         {limit + 1, std::size_t{1} << 31, std::size_t{0xffffffff} + overhead}) {
        if (!co_await is_refused(pipe, size)) co_return 91;
        if (!co_await is_echoed(pipe, overhead)) co_return 92;
    }
    co_return 0;
}

/// What the server says to a message that announces so many bytes.
frame_kind answer_to(test::raw_app& app, bool over_fifos, std::uint32_t length, bool whole) {
    auto pipe = app.connect("measure", over_fifos);
    const test::frame_header header{
        .length = length, .kind = frame_kind::message, .tag = remora::type_tag_of<zeros>()};
    std::string value;
    if (whole && length >= overhead) value = test::encoded(zeros{length - overhead});
    pipe.say(test::header_bytes(header) + value);
    std::vector<std::byte> bytes;
    return test::hear(pipe, bytes);
}

int announce(const std::string& directory, bool over_fifos) {
    test::raw_app app(directory);
    for (const std::uint32_t length : {std::uint32_t{overhead}, std::uint32_t{limit}}) {
        if (answer_to(app, over_fifos, length, true) != frame_kind::message) return 93;
    }
    for (const std::uint32_t length : {static_cast<std::uint32_t>(limit) + 1, 1u << 31, ~0u}) {
        if (answer_to(app, over_fifos, length, false) != frame_kind::close) return 94;
        if (answer_to(app, over_fifos, overhead, true) != frame_kind::message) return 95;
    }
    return 0;
}

int be_app(int argc, char** argv) {
    ::alarm(20);  // it hangs: let that be seen
    const std::string part = argv[2];
    if (part == "announces")
        return announce(std::string(argv[1]).substr(15), argv[3] == std::string("fifo"));
    asio::io_context io;
    remora::client client{io, argc, argv};
    return client.run(send_well);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 3 && std::string_view(argv[1]).starts_with("--remora.pipes="))
        return be_app(argc, argv);
    return row("Sizes at the limit", 10).run(argc, argv, judge);
}
