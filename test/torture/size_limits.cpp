// SPDX-License-Identifier: MIT
// Messages of every size at the edges of the limit, from an app and from a server that send them
// well: those beyond it fail at their sender, which is told size and limit, and the pipe goes on.
// And lengths that an app announces by hand: the server refuses those beyond the limit, and serves
// the next connection. A frame of length 0 is one, but no value: that message is passed over. The
// same program is server and app; the app's exit code is how many of its sizes went as they should.
#include "row.hpp"
#include "server/raw_app.hpp"

#include "support/messages.hpp"

#include <remora/client.hpp>
#include <remora/server.hpp>

#include <sys/mman.h>

#include <map>

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

constexpr std::array sizes{overhead,
                           std::size_t{4096},
                           limit - 1,
                           limit,
                           limit + 1,
                           std::size_t{1} << 31,
                           std::size_t{0xffffffff}};
constexpr std::array lengths{
    0u, std::uint32_t{overhead}, std::uint32_t{limit}, std::uint32_t{limit} + 1, 1u << 31, ~0u};
constexpr std::size_t beyond = 3;  // how many of either are more than the limit

bool names(const std::string& text, std::size_t size) {
    return text.find(std::to_string(size) + " bytes") != std::string::npos &&
           text.find("the limit is " + std::to_string(limit)) != std::string::npos;
}

asio::awaitable<std::optional<number>> measured(remora::pipe& p) {
    try {
        const auto message = co_await p.next<zeros>();
        if (!message) co_return std::nullopt;
        co_return number{static_cast<std::int64_t>(message->taken.size())};
    } catch (const remora::error& e) {
        if (e.code() != remora::errc::truncated || !p.skip()) throw;
    }
    co_return number{-1};  // no value
}

asio::awaitable<void> measure(remora::pipe p) {
    while (const auto size = co_await measured(p))
        co_await p.send(*size);
}

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
        co_return e.code() == remora::errc::message_too_large&& names(e.what(), size);
    }
    co_return false;
}

// How many go as they should. After each that is refused, another one shows that the pipe goes on.
asio::awaitable<int> send_sizes(remora::pipe& pipe) {
    int right = 0;
    for (const std::size_t size : sizes) {
        const bool arrives = size <= limit;
        const bool refused = arrives || co_await is_refused(pipe, size);
        const bool echoed = co_await is_echoed(pipe, arrives ? size : overhead);
        right += refused && echoed ? 1 : 0;
    }
    co_return right;
}

// The server.

/// What it has seen in all rounds.
struct tally {
    std::uint64_t sent_by_app = 0, sent_by_server = 0, announced = 0;
    std::map<std::size_t, std::uint64_t> refused = {};  ///< announced, and beyond the limit
};

remora::server_options options_of(const row& r, std::uint64_t round, tally& all) {
    remora::server_options options;
    options.target = r.programs + "/test/torture/size_limits";
    options.limits.message = limit;
    options.ring_size = ring_of_round(round);
    options.transport =
        r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::shared_memory;
    options.on_failure = [&all](std::string_view, const std::exception_ptr& why) {
        const auto failure = test::failure_of([&] { std::rethrow_exception(why); });
        for (const std::size_t length : lengths)
            all.refused[length] += length > limit && names(failure.text, length) ? 1 : 0;
    };
    return options;
}

void play(const row& r, std::uint64_t round, tally& all) {
    asio::io_context io;
    remora::server server{io, options_of(r, round, all)};
    server.serve("measure", measure);
    server.serve("send", [&all](remora::pipe p) -> asio::awaitable<void> {
        all.sent_by_server += static_cast<std::uint64_t>(co_await send_sizes(p));
    });
    all.sent_by_app += static_cast<std::uint64_t>(server.run({"sends", r.transport}));
    all.announced += static_cast<std::uint64_t>(server.run({"announces", r.transport}));
}

verdict judge(const row& r) {
    verdict v;
    tally all;
    const run_parent directory;
    const auto begin = clock::now();
    for (std::uint64_t i = 0; i < r.rounds; ++i) {
        r.progress(i);
        play(r, i, all);
        v.expect(directory.is_empty(), "a directory is left");
    }
    const auto show_share = [&](std::uint64_t done, std::size_t each) {
        v.expect(done == each * r.rounds, "not all went as they should");
        return std::to_string(done) + " of " + std::to_string(each * r.rounds);
    };
    std::uint64_t refused = 0;
    for (const auto& [length, times] : all.refused)
        refused += times;
    v.figures =
        "sent, or refused with size and limit: " + show_share(all.sent_by_app, sizes.size()) +
        " by the app, " + show_share(all.sent_by_server, sizes.size()) +
        " by the server; announced, and answered or refused: " +
        show_share(all.announced, lengths.size()) + "; the server has named length and limit of " +
        show_share(refused, beyond) + "; " +
        show((clock::now() - begin) / std::max<std::uint64_t>(r.rounds, 1)) + " a round";
    return v;
}

// The app.

asio::awaitable<int> send_well(remora::client& client) {
    auto asking = co_await client.connect("measure");
    const int right = co_await send_sizes(asking);
    auto answering = co_await client.connect("send");
    co_await measure(std::move(answering));
    co_return right;
}

/// The kind of what the server says to a message that announces so many bytes, and its value.
std::pair<frame_kind, std::int64_t> answer_to(test::raw_app& app, bool over_fifos,
                                              std::uint32_t length) {
    auto pipe = app.connect("measure", over_fifos);
    const test::frame_header header{
        .length = length, .kind = frame_kind::message, .tag = remora::type_tag_of<zeros>()};
    std::string value;
    if (length >= overhead && length <= limit) value = test::payload_of(zeros{length - overhead});
    pipe.say(test::header_bytes(header) + value);
    std::vector<std::byte> bytes;
    const frame_kind kind = test::hear(pipe, bytes);
    return {kind, kind == frame_kind::message ? test::value_of<number>(bytes).value : 0};
}

int announce(const std::string& directory, bool over_fifos) {
    test::raw_app app(directory);
    int right = 0;
    for (const std::uint32_t length : lengths) {
        const auto [kind, size] = answer_to(app, over_fifos, length);
        const std::int64_t expected =
            length == 0 ? -1 : std::int64_t{length} - std::int64_t{overhead};
        right += length > limit ? kind == frame_kind::close
                                : kind == frame_kind::message && size == expected;
    }
    return right;
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
