// SPDX-License-Identifier: MIT
// Runs that are stopped in every way: half of them, and all from a handler, with 1,000 calls in
// flight, the others at a random moment after their start. Each is over within the grace period and
// a bit, has ended because it was stopped, and leaves nothing behind. The app is this program, too.
#include "row.hpp"

#include "support/calls.hpp"

#include <remora/client.hpp>
#include <remora/server.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>

#include <atomic>
#include <random>
#include <semaphore>
#include <thread>

namespace {

using namespace torture;

constexpr auto grace = 300ms;
constexpr auto margin = 200ms;
constexpr int calls = 1000;

// The app: calls that are never answered, and then one that tells the server that they are made.
asio::awaitable<void> call_for_ever(remora::pipe& p) {
    co_await p.call<test::wait_for_ever>();
}

asio::awaitable<int> app(remora::client& client) {
    auto p = co_await client.connect("calls");
    std::vector<std::unique_ptr<test::background>> all;
    for (int i = 0; i != calls; ++i)
        all.push_back(std::make_unique<test::background>(p.get_executor(), call_for_ever(p)));
    co_await p.call<test::add>(1, 1);
    co_await all.front()->result();
    co_return 3;
}

int be_app(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    asio::io_context io;
    remora::client client{io, argc, argv};
    return client.run(app);
}

/// Who stops the run, and when.
enum class way { handler, thread, during_start, twice, destructor, kill_beside_stop };
constexpr int ways = 6;

// One server with its run, stopped in one way.
class one_round {
public:
    one_round(const row& r, way how, std::uint64_t number, std::mt19937_64& random)
        : how_(how),
          waits_for_calls_(number / (4 * ways) % 2 == 0 && how != way::during_start),
          delay_(std::chrono::microseconds(random() % 30'000)),
          guard_(io_.get_executor()) {
        remora::server_options options{
            .target = "/proc/self/exe", .drain_timeout = 10ms, .stop_timeout = grace};
        options.ring_size = ring_of_round(number);
        options.transport =
            r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::shared_memory;
        options.on_failure = [](std::string_view, const std::exception_ptr&) {};
        server_.emplace(io_, options);
    }

    /// How long the end took; the maximum if it did not come.
    clock::duration play(int threads) {
        remora::service s;
        s.on([this](test::wait_for_ever q) {
            ++in_flight_;
            return test::for_ever(q);
        });
        s.on([this](test::add) {
            calls_made_.release();
            if (how_ == way::handler) stop();
            return test::sum{};
        });
        server_->serve("calls", s);
        run_ = server_->start();
        asio::co_spawn(io_, run_->result(), [this](std::exception_ptr e, remora::run_result end) {
            over_ = clock::now();
            end_ = std::move(end);
            failed_ = e != nullptr;
            guard_.reset();
        });
        if (how_ == way::during_start) stop();
        std::vector<std::thread> all;
        for (int i = 0; i != threads; ++i)
            all.emplace_back([this] { io_.run_until(clock::now() + 20s); });
        if (how_ != way::handler && how_ != way::during_start) {
            if (waits_for_calls_) (void)calls_made_.try_acquire_for(10s);
            std::this_thread::sleep_for(delay_);
            stop();
        }
        for (auto& thread : all)
            thread.join();
        server_.reset();
        return guard_.owns_work() ? clock::duration::max() : over_ - stopped_;
    }

    /// An app that has died by itself proves nothing. The destructor kills without a step before.
    bool was_stopped() const {
        const bool killed = how_ == way::destructor && end_.code() == 128 + SIGKILL;
        return !failed_ && (killed || end_.stopped_by != remora::stop_step::none);
    }
    bool has_all_calls() const { return calls_at_stop_ == calls; }
    bool must_have_all_calls() const { return waits_for_calls_ || how_ == way::handler; }

private:
    void stop() {
        stopped_ = clock::now();
        calls_at_stop_ = in_flight_;
        switch (how_) {
            case way::handler:
            case way::thread:
            case way::during_start:
                return run_->terminate();
            case way::twice: {
                std::thread other([this] { run_->terminate(grace / 2); });
                run_->terminate();
                return other.join();
            }
            case way::destructor:
                return server_.reset();
            case way::kill_beside_stop: {
                std::thread other([this] { run_->kill(); });
                run_->terminate();
                return other.join();
            }
        }
    }

    way how_;
    bool waits_for_calls_;
    clock::duration delay_;
    std::atomic<int> in_flight_ = 0;
    int calls_at_stop_ = 0;
    std::binary_semaphore calls_made_{0};
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    std::optional<remora::server> server_;
    std::optional<remora::app_process> run_;
    clock::time_point stopped_{}, over_{};
    remora::run_result end_;
    bool failed_ = false;
};

verdict judge(row& r) {
    std::mt19937_64 random(r.seed);
    verdict v;
    std::vector<clock::duration> times;
    long before = 0;
    std::uint64_t with_all = 0;
    const run_parent directory;
    for (std::uint64_t i = 0; i != r.rounds; ++i) {
        if (i % 10 == 0) r.progress(i);
        if (i == 2 * ways) before = descriptors();
        const auto how = static_cast<way>(i % ways);
        const std::string name = "way " + std::to_string(i % ways);
        one_round round(r, how, i, random);
        const auto took = round.play(1 + static_cast<int>(i / ways % 2) * 3);
        v.expect(took != clock::duration::max(), name + " hangs");
        if (took == clock::duration::max()) break;
        v.expect(took >= 0s && took < grace + margin, name + " took " + show(took));
        v.expect(round.was_stopped(), name + " ended by itself");
        v.expect(round.has_all_calls() || !round.must_have_all_calls(), name + " lacks calls");
        v.expect(::waitpid(-1, nullptr, WNOHANG) < 0, name + " leaves a child");
        v.expect(directory.is_empty(), name + " leaves a directory");
        with_all += round.has_all_calls() ? 1 : 0;
        times.push_back(took);
    }
    v.expect(descriptors() <= before || before == 0, "descriptors are left");
    v.figures = std::to_string(calls) + " calls in flight in " + std::to_string(with_all) + " of " +
                std::to_string(times.size()) + " rounds; over after p50 " +
                show(percentile(times, 0.5)) + ", p99 " + show(percentile(times, 0.99)) + ", max " +
                show(percentile(times, 1));
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string(argv[1]).starts_with("--remora.pipes=")) return be_app(argc, argv);
    return row("runs that are stopped in every way", 600).run(argc, argv, judge);
}
