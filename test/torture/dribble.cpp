// SPDX-License-Identifier: MIT
// The bytes of messages, calls and streams, as a pipe has sent them, given to another pipe in
// pieces: split at every offset, one byte at a time, all at once, anyhow; and by another thread,
// piece by piece, to a pipe whose waits are interrupted by signals. What arrives is always the
// same.
#include "everything.hpp"
#include "row.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

namespace {

using namespace torture;
using test::blob;
using test::number;
using test::text;

/// The other end of a pipe, by hand: over FIFOs or rings.
class bare_end {
public:
    explicit bare_end(transport_parts ends) : ends_(std::move(ends)) {
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
    transport_parts ends_;
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
        io.restart();
        io.poll();
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
    while (const auto f = remora::detail::parse_frame(rest, 16u << 20, wanted)) {
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

// How often a signal has come; and how often while the thread slept in a system call that the
// kernel then ended with EINTR: the handler runs with the answer in the register where the caller
// finds it.
std::atomic<std::uint64_t> signals = 0, interrupted = 0;

void note_signal(int, siginfo_t*, void* context) {
    ++signals;
    const auto& at = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    if (at.gregs[REG_RAX] == -EINTR) ++interrupted;
#elif defined(__aarch64__)
    if (static_cast<std::int64_t>(at.regs[0]) == -EINTR) ++interrupted;
#endif
}

// Without SA_RESTART; epoll_wait is not restarted with it either.
void handle_signals() {
    struct sigaction action{};
    action.sa_sigaction = note_signal;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGUSR1, &action, nullptr);
}

/// Gives the bytes from a thread of its own, with a signal to the one that runs the context before
/// and after each piece, while it sleeps.
class interrupter {
public:
    interrupter(bare_end& to, std::span<const std::byte> bytes, std::vector<std::size_t> cuts)
        : reader_(::pthread_self()), thread_([this, &to, bytes, cuts = std::move(cuts)] {
              std::size_t begin = 0;
              for (const std::size_t end : cuts) {
                  disturb();
                  to.write(bytes.subspan(begin, end - begin));
                  begin = end;
              }
              disturb();
              to.write(bytes.subspan(begin));
          }) {}
    ~interrupter() { thread_.join(); }

private:
    void disturb() const {
        ::usleep(100);  // it sleeps again
        ::pthread_kill(reader_, SIGUSR1);
    }

    pthread_t reader_;
    std::thread thread_;
};

/// What is received of messages whose reader is interrupted all the time.
std::string received_in_spite(bool fifos, std::span<const std::byte> bytes,
                              const std::vector<std::size_t>& cuts, const std::string& expected) {
    asio::io_context io;
    auto half = make_half(io, fifos);
    std::string all;
    asio::co_spawn(io, write_down(half.first, all), asio::detached);
    io.poll();
    const interrupter other(half.second, bytes, cuts);
    const auto end = clock::now() + 5s;
    while (all.size() < expected.size() && io.run_one_until(end) != 0) {
    }
    return all;
}

verdict judge(const row& r) {
    verdict v;
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
    handle_signals();
    std::mt19937_64 random(r.seed);
    // On a quick machine few of the signals meet a wait: then there are more rounds.
    const std::uint64_t least = r.rounds / 10 + 1;
    const auto proves = [&] { return interrupted > least / 20; };
    std::uint64_t disturbed = 0;
    for (; disturbed < least || (!proves() && disturbed < 50 * least); ++disturbed) {
        std::vector<std::size_t> some;
        for (std::size_t at = 1 + random() % 50; at < messages.size(); at += 1 + random() % 500)
            some.push_back(at);
        wrong += received_in_spite(fifos, messages, some, all) == all ? 0 : 1;
    }
    v.expect(proves(), "too few waits were interrupted to prove a thing");
    v.expect(wrong == 0, std::to_string(wrong) + " ways to cut give something else");
    v.figures = std::to_string(messages.size()) + " bytes of messages and " +
                std::to_string(calls.size()) + " of calls, cut in " + std::to_string(tried) +
                " ways, and in " + std::to_string(disturbed) + " with " + std::to_string(signals) +
                " signals, of which " + std::to_string(interrupted) +
                " interrupted a wait: " + std::to_string(wrong) + " differ";
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("Frames in pieces", 200).run(argc, argv, judge);
}
