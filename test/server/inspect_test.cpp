// SPDX-License-Identifier: MIT
// Looking into runs: what their servers tell.
#include "support/calls.hpp"
#include "support/looking.hpp"
#include "support/runs.hpp"

#include <remora/service.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <thread>

namespace {

using namespace test;
namespace fs = std::filesystem;
using remora::wire::connection_report;
using remora::wire::run_report;

fs::path directory_of_run() {
    const fs::directory_iterator first(run_parent());
    REQUIRE(first != fs::directory_iterator());
    return first->path();
}

run_report look_into(served_run& r) {
    return look(r.io, directory_of_run());
}

bool has_told(const served_run& r, remora::event_kind kind) {
    return std::ranges::find(r.events, kind, &remora::event::kind) != r.events.end();
}

// For the app's mode `totals`. Answers the calls up to the last one, which waits for go_on().
class totals_desk {
public:
    explicit totals_desk(int calls) : last_(calls) {}
    remora::service make(const remora::connection_info&) {
        const auto total = std::make_shared<std::int64_t>(0);
        return remora::service().on([this, total](add what) { return answer(what.a, total); });
    }
    bool is_at_last() const { return asked_ == last_; }
    void go_on() { may_answer_.notify_all(); }

private:
    asio::awaitable<sum> answer(std::int64_t value, std::shared_ptr<std::int64_t> total) {
        if (++asked_ == last_) co_await may_answer_.wait();
        co_return sum{* total += value};
    }

    int last_;
    int asked_ = 0;
    remora::detail::wait_queue may_answer_;
};

void serve_totals(served_run& r, totals_desk& desk) {
    r.server.serve("totals",
                   [&desk](remora::connection_info who) { return desk.make(std::move(who)); });
}

TEST_CASE("who looks into a run is told of its server and of the app") {
    totals_desk desk(3);
    served_run r({"totals", "1"});
    serve_totals(r, desk);
    run_until(r.io, [&] { return desk.is_at_last(); });
    const run_report run = look_into(r);
    CHECK(run.pid == ::getpid());
    CHECK(fs::equivalent(run.program, "/proc/self/exe"));
    CHECK(run.app.target == REMORA_TEST_APP);
    CHECK(run.app.pid == r.run().pid());
    CHECK(run.app.life == 1);
    CHECK(run.app.state == "running");
    CHECK(run.age >= run.app.age);
    CHECK(run.opening == 0);
    desk.go_on();
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("who looks into a run is told what each pipe has done") {
    totals_desk desk(6);
    served_run r({"totals", "2"});
    serve_totals(r, desk);
    run_until(r.io, [&] { return desk.is_at_last(); });
    const auto pipes = look_into(r).connections;
    REQUIRE(pipes.size() == 2);
    for (const connection_report& each : pipes) {
        const bool second = each.id == 2;
        CHECK((second || each.id == 1));
        CHECK(each.name == "totals");
        CHECK(each.transport ==
              (usual_transport() == remora::transport_kind::fifo ? "fifo" : "shared_memory"));
        REQUIRE(each.counts);
        CHECK(each.counts->calls_served == (second ? 2 : 3));
        CHECK(each.counts->running_handlers == (second ? 1 : 0));
        CHECK(each.counts->received.bytes > 0);
        CHECK(each.counts->sent.bytes > 0);
    }
    desk.go_on();
    CHECK(r.finish().code() == 0);
}

// Takes a message, and goes on after its app until it may end.
struct long_service {
    asio::awaitable<void> serve(remora::pipe p) {
        co_await p.receive<number>();
        took = true;
        co_await may_end.wait();
    }
    bool took = false;
    remora::detail::wait_queue may_end;
};

TEST_CASE("a run is told of as long as its services go on, after the app's end, too") {
    remora::server_options options;
    options.drain_timeout = patience;
    long_service service;
    served_run r({"waits"}, options);
    r.server.serve("silent", [&](remora::pipe p) { return service.serve(std::move(p)); });
    run_until(r.io, [&] { return service.took; });
    const auto pipes = look_into(r).connections;
    REQUIRE(pipes.size() == 1);
    CHECK(pipes[0].counts.value().received.messages == 1);
    r.run().kill();
    run_until(r.io, [&] { return has_told(r, remora::event_kind::app_ended); });
    const auto after = look_into(r);
    CHECK(after.app.state == "ended");
    CHECK(after.connections.size() == 1);
    service.may_end.notify_all();
    r.finish();
    CHECK(r.is_clean());
}

TEST_CASE("a pipe whose executor does not come to it is told of without counts") {
    asio::io_context elsewhere;
    long_service service;
    served_run r({"waits"});
    r.server.serve("silent", [&](remora::pipe p) { return service.serve(std::move(p)); },
                   {.executor = elsewhere.get_executor()});
    run_until(r.io, [&] { return has_told(r, remora::event_kind::connected); });
    run_until(elsewhere, [&] { return service.took; });
    const auto pipes = look_into(r).connections;
    REQUIRE(pipes.size() == 1);
    CHECK(pipes[0].name == "silent");
    CHECK(!pipes[0].counts);
    r.run().kill();
    elsewhere.restart();
    std::thread other([&] { elsewhere.run(); });
    r.finish();
    other.join();
}

TEST_CASE("a busy pipe is asked once by all looks, and may answer when its server is gone") {
    asio::io_context elsewhere;
    std::optional<remora::pipe> taken;
    {
        served_run r({"waits"});
        asio::co_spawn(elsewhere, r.server.accept("silent"),
                       [&](std::exception_ptr, remora::pipe p) { taken = std::move(p); });
        elsewhere.poll();
        run_until(r.io, [&] { return has_told(r, remora::event_kind::hello); });
        run_until(r.io, [&] {
            elsewhere.restart();
            elsewhere.poll();
            return taken.has_value();
        });
        for (int look = 1; look <= 3; ++look)
            CHECK(!look_into(r).connections.at(0).counts);
        elsewhere.restart();
        CHECK(elsewhere.poll() == 1);
        CHECK(!look_into(r).connections.at(0).counts);
        r.run().kill();
        r.finish();
    }
    elsewhere.restart();
    elsewhere.poll();
    taken.reset();
    elsewhere.restart();
    elsewhere.poll();
}

TEST_CASE("each life of the app is told of in its turn") {
    remora::server_options options;
    options.restart = {.first_delay = 1ms, .max_delay = 1ms};
    served_run r({"obeys"}, options);
    const std::vector<number> orders{{-SIGKILL}, {0}};
    std::vector<run_report> told;
    std::vector<remora::pipe> pipes;
    r.server.serve("orders", [&pipes](remora::pipe p) -> asio::awaitable<void> {
        pipes.push_back(std::move(p));
        co_return;
    });
    for (std::uint32_t life = 1; life <= 2; ++life) {
        run_until(r.io, [&] { return pipes.size() == life; });
        told.push_back(look_into(r));
        asio::co_spawn(r.io, pipes.back().send(orders.at(life - 1)), asio::detached);
        if (life == 1) run_until(r.io, [&] { return r.events.back().life == 2; });
    }
    r.finish();
    CHECK(told[0].app.life == 1);
    CHECK(told[1].app.life == 2);
    CHECK(told[1].app.pid != told[0].app.pid);
    CHECK(told[1].age >= told[0].age);
    CHECK(told[1].age > told[1].app.age);
    CHECK(told[1].connections.size() == 1);
    pipes.clear();
    CHECK(r.is_clean());
}

TEST_CASE("a run that is asked all the time goes on, and ends") {
    served_run r({"echo", "200"});
    r.server.serve("echo", echo_service);
    std::vector<remora::detail::unique_fd> clients;
    r.on_event = [&](const remora::event& e) {
        if (e.kind != remora::event_kind::connected) return;
        while (auto next = connect_to(directory_of_run()))
            clients.push_back(std::move(next));
    };
    CHECK(r.finish().code() == 0);
    CHECK(clients.size() >= 16);
    clients.clear();
    CHECK(r.is_clean());
}

TEST_CASE("nobody can look into a run whose server does not want it") {
    remora::server_options options;
    options.inspect = false;
    served_run r({"echo", "1"}, options);
    bool looked = false;
    r.server.serve("echo", [&looked](remora::pipe p) {
        looked = true;
        CHECK(!connect_to(directory_of_run()));
        CHECK(errno == ENOENT);
        return echo_service(std::move(p));
    });
    CHECK(r.finish().code() == 0);
    CHECK(looked);
}

}  // namespace
