// SPDX-License-Identifier: MIT
// A pipe with a service, and calls of its own, against a peer that writes frames as the input says.
// Whatever these are, the pipe says only whole frames, each of its calls ends once, and in the end
// no call is left on either side.
#include "../everything.hpp"
#include "fuzz.hpp"

#include "support/pairs.hpp"
#include "support/wire_bytes.hpp"

#include <remora/stream.hpp>

#include <cereal/types/vector.hpp>

namespace {

using namespace fuzz;
using test::frame_header;
using test::frame_kind;

// The pipe's own calls. Their ends are counted: `begun` is to be `ended`.
struct own_calls {
    remora::pipe& pipe;
    int begun = 0, ended = 0;

    static asio::awaitable<void> read_stream(remora::pipe& p) {
        auto numbers = co_await p.stream<test::count_up>(3);
        while (co_await numbers.next()) {
        }
    }
    static asio::awaitable<void> upload(remora::pipe& p) {
        const test::add_up q;
        co_await p.call(q, torture::count(test::count_up{5}));
    }
    static asio::awaitable<void> ask(remora::pipe& p) { co_await p.call<test::add>(1, 2); }
    void begin(asio::awaitable<void> call) {
        ++begun;
        asio::co_spawn(pipe.get_executor(), std::move(call),
                       [this](const std::exception_ptr&) { ++ended; });
    }
};

// One frame as the input says: mostly of a kind and type that have a place here.
std::string next_frame(input& in) {
    static const std::uint64_t tags[] = {
        remora::type_tag_of<test::add_later>(), remora::type_tag_of<test::wait_for_ever>(),
        remora::type_tag_of<test::count_up>(),  remora::type_tag_of<test::add_up>(),
        remora::type_tag_of<test::echo>(),      remora::type_tag_of<test::number>(),
        remora::type_tag_of<test::sum>(),       0};
    const auto kind = in.take();
    const auto flags = in.take();
    const std::uint64_t id = in.take();
    const auto tag = in.take();
    const std::size_t length = in.take();
    if (kind == 255) return in.take_text(length);  // raw
    const frame_header header{.kind = static_cast<frame_kind>(kind),
                              .flags = flags,
                              .id = id == 255 ? in.take<std::uint64_t>() : id,
                              .tag = tags[tag % std::size(tags)]};
    return test::frame_bytes(header, in.take_text(length));
}

/// The other end of the pipe: over FIFOs, or over rings, with FIFOs for the wake bytes.
class peer {
public:
    explicit peer(remora::detail::transport_parts ends)
        : ends_(std::move(ends)), shared_(ends_.rings) {
        if (!shared_) return;
        reader_ = ends_.rings.reader();
        writer_ = ends_.rings.writer();
    }

    void write(const std::string& bytes) {
        if (shared_) writer_.write(std::as_bytes(std::span(bytes)));
        const std::size_t count = shared_ ? std::min<std::size_t>(bytes.size(), 1) : bytes.size();
        [[maybe_unused]] const auto written = ::write(ends_.fifo.out.get(), bytes.data(), count);
    }
    /// What the pipe says is whole frames of the kinds that a connection has.
    void hear() {
        const auto bytes = shared_ ? take_from_ring() : test::read_bytes(ends_.fifo);
        heard_.insert(heard_.end(), bytes.begin(), bytes.end());
        std::size_t wanted = 0;
        while (const auto f = remora::detail::parse_frame(heard_, 16u << 20, wanted)) {
            const auto kind = static_cast<int>(f->header.kind);
            must(kind == 2 || kind == 3 || (kind >= 32 && kind <= 41), "a kind of a connection");
            heard_.erase(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(f->size()));
        }
    }

private:
    std::vector<std::byte> take_from_ring() {
        const auto unread = reader_.unread();
        const std::vector<std::byte> bytes(unread.begin(), unread.end());
        reader_.release_now(bytes.size());
        return bytes;
    }

    remora::detail::transport_parts ends_;
    bool shared_;
    remora::detail::ring_reader reader_;
    remora::detail::ring_writer writer_;
    std::vector<std::byte> heard_;
};

remora::pipe make_pipe(asio::io_context& io, remora::detail::transport_parts ends) {
    return test::make_pipe(io.get_executor(), std::move(ends), remora::wait_policy::block,
                           remora::wire::all_features);
}

std::pair<remora::pipe, peer> make_pair(asio::io_context& io, bool shared) {
    if (shared) {
        auto [mine, other] = test::make_shared_ends(std::size_t{16} << 10);
        return {make_pipe(io, std::move(mine)), peer(std::move(other))};
    }
    auto [mine, other] = test::make_connected_ends();
    return {make_pipe(io, {.fifo = std::move(mine)}), peer({.fifo = std::move(other)})};
}

void poll(asio::io_context& io, int handlers) {
    io.restart();
    while (handlers-- > 0 && io.poll_one() != 0) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const clocked time;
    input in(data, size);
    asio::io_context io;
    const auto wishes = in.take();
    auto made = std::make_optional(make_pair(io, (wishes & 8) != 0));
    remora::pipe pipe = std::move(made->first);
    pipe.attach(torture::everything({.max_in_flight = 8}));
    own_calls own{pipe};
    if (wishes & 1) own.begin(own_calls::ask(pipe));
    if (wishes & 2) own.begin(own_calls::read_stream(pipe));
    if (wishes & 4) own.begin(own_calls::upload(pipe));
    while (!in.empty()) {
        made->second.write(next_frame(in));
        poll(io, 200);
        made->second.hear();
    }
    made.reset();
    poll(io, 100'000);
    must(own.begun == own.ended, "each call has ended once");
    must(pipe.counts().calls == 0 && pipe.counts().running_handlers == 0, "no call is left");
    return 0;
}
