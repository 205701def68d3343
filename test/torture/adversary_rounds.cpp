// SPDX-License-Identifier: MIT
// A server, each of whose apps breaks the protocol in other ways (test/adversary_at_random.cpp). It
// neither dies nor hangs nor grows, and between them serves an app that behaves.
#include "everything.hpp"
#include "row.hpp"

#include <remora/server.hpp>

#include <sys/mman.h>

namespace {

using namespace torture;

constexpr auto patience = 5s;  // the apps end themselves after 30 ms, or are stopped in 200
constexpr std::uint64_t good_every = 20;
constexpr long growth = 6 << 10;  // KiB

/// What the server says about itself to the process that judges.
struct report {
    std::uint64_t rounds = 0, good = 0, refused = 0, killed = 0, failures = 0;
    long memory_before = 0, memory_after = 0, descriptors_before = 0, descriptors_after = 0;
    clock::duration longest{};
    bool hangs = false, leaves_directory = false;
};

asio::awaitable<void> echo(remora::pipe p) {
    while (const auto n = co_await p.next<test::number>())
        co_await p.send(*n);
}

remora::server_options options_of(const row& r, report& told) {
    remora::server_options options;
    options.target = r.programs + "/test/adversary";
    options.drain_timeout = 50ms;
    options.stop_timeout = 100ms;
    options.limits.message = 1u << 20;
    options.standard_error = remora::null_device;
    options.transport =
        r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::automatic;
    options.on_failure = [&told](std::string_view, const std::exception_ptr&) { ++told.failures; };
    return options;
}

class served {
public:
    served(const row& r, const run_parent& directory, report& told)
        : row_(r), directory_(directory), told_(told), server_(io_, options_of(r, told)) {}

    void go_through_all() {
        const std::uint64_t warm = std::min<std::uint64_t>(row_.rounds / 4 + 1, 200);
        for (std::uint64_t i = 0; i < row_.rounds && !told_.hangs; ++i) {
            if (i == warm) {
                told_.memory_before = status_of_self("VmRSS");
                told_.descriptors_before = descriptors();
            }
            server_.serve("calls", everything(), {.ring_size = ring_of_round(i)});
            server_.serve("echo", echo, {.ring_size = ring_of_round(i)});
            live({"at random", std::to_string(row_.seed + i), row_.transport});
            if (told_.hangs) break;
            if (i % good_every == good_every - 1) told_.good += live({"behaves"}) == 0 ? 1 : 0;
            ++told_.rounds;
            row_.progress(i);
        }
        told_.memory_after = status_of_self("VmRSS");
        told_.descriptors_after = descriptors();
    }

private:
    struct end {
        bool has_come = false;
        remora::run_result result;
    };

    int live(std::vector<std::string> words) {
        const auto begin = clock::now();
        const auto run = server_.start(std::move(words));
        const auto over = std::make_shared<end>();  // which may come when nobody waits any more
        asio::co_spawn(io_, run.result(), [over](std::exception_ptr, remora::run_result r) {
            over->result = std::move(r);
            over->has_come = true;
        });
        if (!run_until(io_, over->has_come, patience)) {
            told_.hangs = true;
            return -1;
        }
        told_.longest = std::max(told_.longest, clock::now() - begin);
        told_.leaves_directory = told_.leaves_directory || !directory_.is_empty();
        told_.refused += over->result.error ? 1 : 0;
        told_.killed += over->result.code() > 128 ? 1 : 0;
        return over->result.code();
    }

    const row& row_;
    const run_parent& directory_;
    report& told_;
    asio::io_context io_;
    remora::server server_;
};

verdict judge(const row& r) {
    static report& told = *new (::mmap(nullptr, sizeof(report), PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0)) report;
    const run_parent directory;
    forked server([&] {
        served(r, directory, told).go_through_all();
        return 0;
    });
    const int code = server.wait();
    verdict v;
    v.expect(code == 0, "the server ended with " + std::to_string(code) + " in round " +
                            std::to_string(told.rounds));
    v.expect(!told.hangs, "round " + std::to_string(told.rounds) + " hangs");
    v.expect(told.good == r.rounds / good_every, "a good app was not served");
    v.expect(told.refused + told.failures > r.rounds / 10, "too few were refused to prove a thing");
    v.expect(!told.leaves_directory, "a directory is left");
    v.expect(told.descriptors_after <= told.descriptors_before, "descriptors are left");
    v.expect(told.memory_after <= told.memory_before + growth, "memory grows");
    v.figures = std::to_string(told.refused) + " apps refused, " + std::to_string(told.failures) +
                " conversations ended, " + std::to_string(told.good) + " good apps served; RSS " +
                std::to_string(told.memory_before) + " then " + std::to_string(told.memory_after) +
                " KiB, descriptors " + std::to_string(told.descriptors_before) + " then " +
                std::to_string(told.descriptors_after) + "; longest round " + show(told.longest);
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    row r("A server with apps that break the protocol", 200);
    return r.run(argc, argv, judge);
}
