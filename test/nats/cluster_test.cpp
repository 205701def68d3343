// SPDX-License-Identifier: MIT
// Three servers of NATS that are a cluster: one of them killed, and all of them at once.
#include "nats/cluster.hpp"

#include <nats/nats.h>

#include <array>
#include <map>
#include <type_traits>
#include <utility>
#include <vector>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;

class cluster_of_three {
public:
    explicit cluster_of_three(const asio::any_io_executor& executor)
        : first(executor, words("")),
          second(executor, words(first.cluster())),
          third(executor, words(first.cluster())) {}
    void kill() {
        for (auto* each : {&first, &second, &third})
            each->kill();
    }
    void restart() {
        for (auto* each : {&first, &second, &third})
            each->restart();
    }
    remora::nats::connection_options connection() const {
        return {.servers = {first.url(), second.url(), third.url()}};
    }

    nats_server first, second, third;

private:
    static std::vector<std::string> words(const std::string& route) {
        std::vector<std::string> made = {"--cluster", nats_server::any_port, "--cluster_name",
                                         "test"};
        if (!route.empty()) made.insert(made.end(), {"--routes", route});
        return made;
    }
};

void keep_order(natsOptions* o) {
    natsOptions_SetNoRandomize(o, true);
}

TEST_CASE("a gateway whose server of a cluster is killed goes on at another one") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const auto executor = io.get_executor();
        cluster_of_three cluster(executor);
        auto in_order = cluster.connection();
        in_order.configure = &keep_order;
        const remora::nats::gateway gateway(executor, {.service = "test", .connection = in_order});
        const remora::nats::worker worker(
            executor, worker_service(),
            {.service = "test", .connection = {.servers = {cluster.third.url()}}});
        auto [app, front] = remora::make_pipe_pair(executor);
        front.attach(gateway.service());
        co_await reach_worker(app);
        cluster.first.kill();
        co_await reach_worker(app);
    });
}

/// Answered with its number, after some milliseconds.
struct mark {
    using reply = number;
    std::int64_t id = 0;
};

/// The same, and it says that it may be asked twice.
struct mark_again {
    using reply = number;
    static constexpr bool idempotent = true;
    std::int64_t id = 0;
};

/// Which marks were served, and how their calls come out.
struct marks {
    template <class Mark>
    auto handler() {
        return [this](Mark q) -> asio::awaitable<number> {
            ++served[q.id];
            ++in_flight;
            const std::shared_ptr<void> end(nullptr, [this](void*) { --in_flight; });
            co_await pause(20ms);
            co_return number{q.id};
        };
    }
    remora::service service() {
        return remora::service().on(handler<mark>()).on(handler<mark_again>());
    }
    template <class Mark>
    asio::awaitable<void> ask(remora::pipe& app, int& answered) {
        while (!is_over) {
            const Mark q{++last_id};
            const auto found = co_await outcome_of(app.call(q));
            if (found.value) {
                CHECK(found.value->value == q.id);
                CHECK(served[q.id] >= 1);
                ++answered;
            } else {
                ++failed;
                const bool lacks_worker =
                    may_lack_workers && found.code == code(errc::no_such_pipe);
                CHECK_MESSAGE((found.kind == failure_kind::gone || lacks_worker), found.text);
                co_await pause(10ms);
            }
            if constexpr (std::is_same_v<Mark, mark>) CHECK(served[q.id] <= 1);
        }
    }

    std::map<std::int64_t, int> served;
    std::int64_t last_id = 0;
    int in_flight = 0, failed = 0;
    bool is_over = false;
    bool may_lack_workers = true;  // while servers come and go, one does not know of all
};

/// A gateway, the app's end of its pipe, and two who ask there all the time.
struct front_of_marks {
    front_of_marks(const asio::any_io_executor& executor, const cluster_of_three& cluster,
                   marks& all)
        : gateway(executor,
                  {.service = "test", .connection = cluster.connection(), .lost_after = 700ms}),
          ends(remora::make_pipe_pair(executor)) {
        ends.second.attach(gateway.service());
        asking.emplace_back(executor, all.ask<mark>(ends.first, answered[0]));
        asking.emplace_back(executor, all.ask<mark_again>(ends.first, answered[1]));
    }
    /// Who asks has so many more answers.
    asio::awaitable<void> advance(int count) {
        const auto before = answered;
        while (answered[0] < before[0] + count || answered[1] < before[1] + count)
            co_await pause(5ms);
    }

    remora::nats::gateway gateway;
    std::pair<remora::pipe, remora::pipe> ends;
    std::array<int, 2> answered{};
    std::vector<background> asking;
};

asio::awaitable<void> kill_all(cluster_of_three& cluster, marks& all) {
    while (all.in_flight == 0)
        co_await pause(1ms);
    all.may_lack_workers = true;
    cluster.kill();
}

// What was in flight is lost, and so is what is asked meanwhile.
asio::awaitable<void> be_without(marks& all, const std::array<front_of_marks, 2>& fronts) {
    co_await pause(100ms);
    all.may_lack_workers = false;
    const auto before = std::array{fronts[0].answered, fronts[1].answered};
    const int failed = all.failed;
    co_await pause(900ms);
    CHECK(before == std::array{fronts[0].answered, fronts[1].answered});
    CHECK(all.failed > failed + 4);
    all.may_lack_workers = true;
}

TEST_CASE("when all servers of NATS are killed and started again, no call is lost or doubled") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const auto executor = io.get_executor();
        cluster_of_three cluster(executor);
        marks all;
        const remora::nats::worker_options options = {
            .service = "test", .connection = cluster.connection(), .lost_after = 700ms};
        const std::array workers = {remora::nats::worker(executor, all.service(), options),
                                    remora::nats::worker(executor, all.service(), options)};
        std::array fronts = {front_of_marks(executor, cluster, all),
                             front_of_marks(executor, cluster, all)};
        for (const bool at_once : {false, true}) {
            for (auto& front : fronts)
                co_await front.advance(10);
            co_await kill_all(cluster, all);
            if (!at_once) co_await be_without(all, fronts);
            cluster.restart();
        }
        for (auto& front : fronts)
            co_await front.advance(10);
        all.is_over = true;
        for (auto& front : fronts)
            for (auto& each : front.asking)
                CHECK(!(co_await each.result()).code);
        while (all.in_flight != 0)
            co_await pause(5ms);
    });
}

}  // namespace
