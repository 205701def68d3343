// SPDX-License-Identifier: MIT
// The bytes of messages, calls and streams, as a pipe has sent them, given to another pipe in
// pieces: split at every offset, one byte at a time, all at once, anyhow, and with signals in
// between. What arrives is always the same.
#include "everything.hpp"
#include "row.hpp"

#include <signal.h>
#include <sys/time.h>

#include <map>
#include <random>

namespace {

using namespace torture;
using test::blob;
using test::number;
using test::text;

/// The other end of a pipe, by hand: over FIFOs or rings.
class bare_end {
public:
    explicit bare_end(connection_ends ends) : ends_(std::move(ends)) {
        if (!ends_.rings) return;
        reader_ = ends_.rings.reader();
        writer_ = ends_.rings.writer();
    }
    void write(std::span<const std::byte> bytes) {
        if (ends_.rings) {
            if (writer_.write(bytes) != bytes.size()) throw std::runtime_error("a full ring");
            if (!writer_.must_wake()) return;
            bytes = bytes.first(1);
        }
        while (::write(ends_.fifo.out.get(), bytes.data(), bytes.size()) < 0) {
            if (errno != EINTR) throw std::runtime_error("a full FIFO");
        }
    }
    /// All that has arrived.
    std::vector<std::byte> read() {
        if (!ends_.rings) return test::read_bytes(ends_.fifo);
        const auto unread = reader_.unread();
        std::vector<std::byte> bytes(unread.begin(), unread.end());
        reader_.release_now(bytes.size());
        return bytes;
    }

private:
    connection_ends ends_;
    remora::detail::ring_reader reader_;
    remora::detail::ring_writer writer_;
};

std::pair<remora::pipe, bare_end> make_half(asio::io_context& io, bool fifos) {
    auto [mine, other] = make_ends(fifos, std::size_t{64} << 10);
    return {test::make_pipe(io, std::move(mine)), bare_end(std::move(other))};
}

/// What `talk` makes a pipe send.
std::vector<std::byte> recorded(bool fifos,
                                const std::function<asio::awaitable<void>(remora::pipe&)>& talk) {
    asio::io_context io;
    auto half = make_half(io, fifos);
    asio::co_spawn(io, talk(half.first), asio::detached);
    io.poll();
    return half.second.read();
}

/// Gives the bytes to a pipe in pieces that end at `cuts`, and lets it read each.
template <class Start>
std::vector<std::byte> given(bool fifos, std::span<const std::byte> bytes,
                             const std::vector<std::size_t>& cuts, Start start) {
    asio::io_context io;
    auto half = make_half(io, fifos);
    start(io, half.first);
    std::size_t begin = 0;
    const auto give = [&](std::size_t end) {
        half.second.write(bytes.subspan(begin, end - begin));
        begin = end;
        for (int looks = 0; looks < 10; ++looks) {  // a signal ends one early
            io.restart();
            io.poll();
        }
    };
    for (const std::size_t cut : cuts)
        give(cut);
    give(bytes.size());
    return half.second.read();
}

// Messages: what is received is written down.

std::vector<number> numbers() {
    return {{1}, {-5}, {std::int64_t{1} << 40}};
}

asio::awaitable<void> send_messages(remora::pipe& p) {
    for (const number& n : numbers())
        co_await p.send(n);
    co_await p.send<text>(std::string("between"));
    const blob large = test::make_blob(7, 4500);  // more than is copied out of a ring
    co_await p.send(large);
    co_await p.send_all(numbers());
}

asio::awaitable<void> write_down(remora::pipe& p, std::string& into) {
    for (;;) {
        const auto any = co_await p.receive_any<number, text, blob>();
        if (const auto* n = std::get_if<number>(&any)) into += std::to_string(n->value) + ' ';
        if (const auto* t = std::get_if<text>(&any)) into += t->value + ' ';
        const auto* b = std::get_if<blob>(&any);
        if (b != nullptr && b->bytes == test::make_blob(7, 4500).bytes) into += "blob ";
    }
}

std::string received(bool fifos, std::span<const std::byte> bytes,
                     const std::vector<std::size_t>& cuts) {
    std::string all;
    given(fifos, bytes, cuts, [&](asio::io_context& io, remora::pipe& p) {
        asio::co_spawn(io, write_down(p, all), asio::detached);
    });
    return all;
}

// Calls: what a service answers, for each call by itself.

asio::awaitable<void> call(remora::pipe& p, const auto& question) {
    co_await p.call(question);
}

asio::awaitable<void> make_calls(remora::pipe& p) {
    const auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, call(p, test::add{20, 22}), asio::detached);
    asio::co_spawn(executor, call(p, test::add_later{1, 2, 3}), asio::detached);
    asio::co_spawn(executor, call(p, test::echo{test::make_blob(3, 300)}), asio::detached);
    auto numbers = co_await p.stream<test::count_up>(3);
    co_await numbers.next();  // which does not come: and so nothing is cancelled
}

std::map<std::uint64_t, std::string> answered(bool fifos, std::span<const std::byte> bytes,
                                              const std::vector<std::size_t>& cuts) {
    const auto all = given(fifos, bytes, cuts,
                           [](asio::io_context&, remora::pipe& p) { p.attach(everything()); });
    std::map<std::uint64_t, std::string> of_calls;
    std::size_t wanted = 0;
    std::span<const std::byte> rest = all;
    while (const auto f = remora::parse_frame(rest, 16u << 20, wanted)) {
        of_calls[f->header.id] +=
            std::to_string(static_cast<int>(f->header.kind)) + ' ' +
            std::string(reinterpret_cast<const char*>(f->payload.data()), f->payload.size());
        rest = rest.subspan(f->size());
    }
    return of_calls;
}

// With the window that the other end has granted: all calls leave at once.
std::vector<std::byte> recorded_calls(bool fifos) {
    const auto window = recorded(fifos, [](remora::pipe& p) -> asio::awaitable<void> {
        p.attach(everything());
        co_return;
    });
    std::vector<std::byte> calls;
    asio::io_context io;
    auto half = make_half(io, fifos);
    half.second.write(window);
    asio::co_spawn(io, make_calls(half.first), asio::detached);
    io.poll();
    return half.second.read();
}

// Each way to cut, the last of them drawn from the seed.
template <class Try>
void cut_everyhow(const row& r, std::size_t size, Try attempt) {
    std::vector<std::size_t> every;
    for (std::size_t at = 1; at < size; ++at) {
        attempt(std::vector{at});
        every.push_back(at);
    }
    attempt(every);
    attempt({});
    std::mt19937_64 random(r.seed);
    for (std::uint64_t i = 0; i < r.rounds; ++i) {
        std::vector<std::size_t> some;
        for (std::size_t at = 1 + random() % 50; at < size; at += 1 + random() % 500)
            some.push_back(at);
        attempt(some);
        r.progress(i);
    }
}

// A signal every 0.2 ms: system calls are interrupted.
void be_interrupted() {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 200},
                          .it_value = {.tv_sec = 0, .tv_usec = 200}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
}

verdict judge(const row& r) {
    verdict v;
    be_interrupted();
    const bool fifos = r.over_fifos();
    const auto messages = recorded(fifos, send_messages);
    const auto calls = recorded_calls(fifos);
    const std::string all = "1 -5 1099511627776 between blob 1 -5 1099511627776 ";
    const auto answers = answered(fifos, calls, {});
    v.expect(answers.size() == 5, std::to_string(answers.size()) + " calls answered");
    std::uint64_t tried = 0, wrong = 0;
    cut_everyhow(r, messages.size(), [&](const std::vector<std::size_t>& cuts) {
        wrong += received(fifos, messages, cuts) == all ? 0 : 1;
        ++tried;
    });
    cut_everyhow(r, calls.size(), [&](const std::vector<std::size_t>& cuts) {
        wrong += answered(fifos, calls, cuts) == answers ? 0 : 1;
        ++tried;
    });
    v.expect(wrong == 0, std::to_string(wrong) + " ways to cut give something else");
    v.figures = std::to_string(messages.size()) + " bytes of messages and " +
                std::to_string(calls.size()) + " of calls, cut in " + std::to_string(tried) +
                " ways: " + std::to_string(wrong) + " differ";
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("Frames in pieces", 200).run(argc, argv, judge);
}
