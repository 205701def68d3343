// SPDX-License-Identifier: MIT
// Pipes over shared memory: who gets them, what is left of them, and what a hostile peer can do.
#include "support/pairs.hpp"
#include "support/runs.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

namespace {

using namespace test;
using remora::errc;
using remora::transport_kind;
using remora::detail::shared_rings;
using remora::detail::shm_arena;
using remora::detail::side;
using remora::detail::unique_fd;

// Sends every number back, and notes what it stands on.
remora::server::service_function noting_echo(transport_kind& used) {
    return [&used](remora::pipe p) {
        used = p.transport();
        return echo_service(std::move(p));
    };
}

TEST_CASE("a pipe stands on what server, service and app allow") {
    struct {
        transport_kind server;
        std::optional<transport_kind> service;
        std::string app;
        transport_kind expected;
        int code;
    } const cases[] = {
        {transport_kind::automatic, {}, "fifo", transport_kind::fifo, 0},
        {transport_kind::automatic, {}, "shared_memory", transport_kind::shared_memory, 0},
        {transport_kind::fifo, {}, "fifo", transport_kind::fifo, 0},
        {transport_kind::fifo, {}, "shared_memory", transport_kind::automatic, 26},
        {transport_kind::shared_memory, {}, "fifo", transport_kind::automatic, 26},
        {transport_kind::automatic, transport_kind::fifo, "fifo", transport_kind::fifo, 0},
        {transport_kind::automatic, transport_kind::fifo, "shared_memory",
         transport_kind::automatic, 26},
        {transport_kind::automatic, {}, "in_process", transport_kind::automatic, 26},
        {transport_kind::in_process, {}, "automatic", transport_kind::automatic, 26},
        {transport_kind::automatic, transport_kind::in_process, "automatic",
         transport_kind::automatic, 26},
    };
    for (const auto& c : cases) {
        CAPTURE(remora::to_string(c.server));
        CAPTURE(c.app);
        transport_kind used = transport_kind::automatic;
        asio::io_context io;
        run_parent();
        remora::server server{io, {.target = REMORA_TEST_APP, .transport = c.server}};
        server.serve("echo", noting_echo(used), {.transport = c.service});
        CHECK(server.run({"demands", c.app}) == c.code);
        CHECK(used == c.expected);
    }
}

TEST_CASE("by default a pipe stands on shared memory, or on FIFOs if there is none, and says so") {
    for (const bool limited : {false, true}) {
        CAPTURE(limited);
        rlimit before{};
        ::getrlimit(RLIMIT_FSIZE, &before);
        const rlimit less{1u << 30, before.rlim_max};
        transport_kind used = transport_kind::automatic;
        std::vector<remora::event> events;
        asio::io_context io;
        run_parent();
        remora::server server{io, {.target = REMORA_TEST_APP, .on_event = [&](const auto& e) {
                                       events.push_back(e);
                                   }}};
        server.serve("echo", noting_echo(used));
        if (limited) ::setrlimit(RLIMIT_FSIZE, &less);
        CHECK(server.run({"echo", "100"}) == 0);
        ::setrlimit(RLIMIT_FSIZE, &before);
        CHECK(used == (limited ? transport_kind::fifo : transport_kind::shared_memory));
        const auto told = std::ranges::find(events, remora::event_kind::fallback,
                                            [](const remora::event& e) { return e.kind; });
        REQUIRE((told != events.end()) == limited);
        if (limited) CHECK(told->text.find("RLIMIT_FSIZE") != std::string::npos);
    }
}

TEST_CASE("where the app cannot map the rings the connection stands on FIFOs") {
    transport_kind used = transport_kind::automatic;
    asio::io_context io;
    run_parent();
    remora::server server{io, {.target = REMORA_TEST_APP, .ring_size = 8u << 20}};
    server.serve("echo", noting_echo(used));
    CHECK(server.run({"cramped", "100"}) == 0);
    CHECK(used == transport_kind::fifo);
}

TEST_CASE("a ring of a size that cannot be is refused") {
    asio::io_context io;
    for (const std::size_t size : {0u, 1u, 2048u, 5000u, 1u << 31}) {
        remora::server server{io, {.target = REMORA_TEST_APP, .ring_size = size}};
        CHECK(failure_of([&] { server.start(); }).code == code(errc::bad_option));
        CHECK(failure_of([&] { server.serve("echo", echo_service, {.ring_size = size}); }).code ==
              code(errc::bad_option));
    }
}

bool is_empty(const shm_arena& memory) {
    return ::lseek(memory.fd(), 0, SEEK_DATA) < 0;
}

TEST_CASE("the memory of a connection goes back when both sides have left, in any order") {
    for (const bool server_first : {true, false}) {
        const auto memory = shm_arena::make();
        const auto place = memory->allocate(8192);
        shared_rings ours(memory, place, 8192, side::server);
        shared_rings theirs(memory, place, 8192, side::app);
        (server_first ? ours : theirs).close();
        CHECK(!is_empty(*memory));
        (server_first ? theirs : ours).close();
        CHECK(is_empty(*memory));
    }
}

TEST_CASE("what was sent is received, though the sender has left its rings") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = shared_pair(io, 4096);
        co_await a.send<number>(1);
        co_await a.close();
        co_await settle();
        CHECK((co_await b.receive<number>()).value == 1);
        CHECK(!(co_await b.next<number>()));
    });
}

TEST_CASE("an app that does not leave closed connections gets FIFOs in the end") {
    const auto memory = shm_arena::make();
    std::vector<shared_rings> held;
    const auto failure = failure_of([&] {
        for (int i = 0; i < 2000; ++i) {
            const auto place = memory->allocate(4096);
            held.emplace_back(memory, place, 4096, side::app);
            shared_rings(memory, place, 4096, side::server);
        }
    });
    CHECK(failure.has("does not leave"));
    CHECK(held.size() == 1024);
    held.clear();
    memory->allocate(4096);
}

TEST_CASE("a sender that cannot wake the receiver fails, and does not let it sleep") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [one, other] = make_shared_ends(4096);
        const unique_fd open_but_silent = std::move(one.fifo.out);
        one.fifo.out.reset(::open("/dev/full", O_WRONLY | O_CLOEXEC));
        auto a = make_pipe(io, std::move(one));
        auto b = make_pipe(io, std::move(other));
        background receiving(io.get_executor(), b.receive<number>());
        co_await settle();
        const number n{1};
        CHECK((co_await failure_of(a.send(n))).code == std::errc::no_space_on_device);
        receiving.cancel();
        co_await receiving.result();
    });
}

TEST_CASE("no place in the arena is used twice") {
    const auto memory = shm_arena::make();
    std::uint64_t last = memory->allocate(4096);
    for (int i = 0; i < 100; ++i) {
        {
            shared_rings(memory, last, 4096, side::server);
        }
        const std::uint64_t next = memory->allocate(4096);
        CHECK(next > last);
        last = next;
    }
}

TEST_CASE("an arena that is not inherited is found through its server's descriptor") {
    const auto ours = shm_arena::make();
    auto address = ours->address(-1);
    const auto found = shm_arena::find(address, ::getpid());
    CHECK(found->fd() != ours->fd());
    CHECK(found->address(-1).inode == address.inode);
    address.server_fd = -1;
    address.fd = ::dup(ours->fd());  // as if inherited
    const auto inherited = shm_arena::find(address, ::getpid());
    CHECK(inherited->fd() == address.fd);
    CHECK((::fcntl(inherited->fd(), F_GETFD) & FD_CLOEXEC) != 0);
    address.fd = -1;
    ++address.inode;
    CHECK(failure_of([&] { shm_arena::find(address, ::getpid()); }).code);
}

TEST_CASE("a file that can be cut short is no arena") {
    const scratch directory;
    const auto path = directory.path / "file";
    const unique_fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    struct stat info{};
    REQUIRE(::fstat(file.get(), &info) == 0);
    const remora::detail::arena_address address{file.get(), file.get(), info.st_dev, info.st_ino};
    CHECK(failure_of([&] { shm_arena::find(address, ::getpid()); }).code ==
          std::errc::operation_not_permitted);
    CHECK(::fcntl(file.get(), F_GETFD) >= 0);  // it was not taken
}

TEST_CASE("rings that the other side never opened go back at once") {
    const auto memory = shm_arena::make();
    const auto place = memory->allocate(4096);
    shared_rings ours(memory, place, 4096, side::server);
    ours.discard();
    CHECK(is_empty(*memory));
}

TEST_CASE("rings at a place that is none are refused") {
    const auto memory = shm_arena::make();
    const auto code_for = [&](std::uint64_t offset, std::size_t size) {
        return failure_of([&] { shared_rings(memory, offset, size, side::app); }).code;
    };
    CHECK(code_for(1, 4096) == code(errc::protocol_error));
    CHECK(code_for(~0ull - 4095, 4096) == code(errc::protocol_error));
    CHECK(code_for(std::uint64_t{1} << 52, 4096) == code(errc::protocol_error));
    CHECK(code_for((std::uint64_t{1} << 52) - 3 * 4096 + 4096, 4096) == code(errc::protocol_error));
    CHECK(code_for(0, 4095) == code(errc::bad_option));
    CHECK(code_for(0, 0) == code(errc::bad_option));
}

asio::awaitable<void> send_for_ever(remora::pipe p) {
    for (number n{0};; ++n.value)
        co_await p.send(n);
}

TEST_CASE("an index that the peer has broken ends the pipe, for the receiver and for the sender") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [one, other] = make_shared_ends(4096);
        auto& indices = down_indices(one.rings);
        auto b = make_pipe(io, std::move(other));
        indices.head.store(1u << 20);
        CHECK((co_await failure_of(b.receive<number>())).code == code(errc::protocol_error));
        auto a = make_pipe(io, std::move(one));
        indices.tail.store(1u << 20);
        CHECK((co_await failure_of(send_for_ever(std::move(a)))).code ==
              code(errc::protocol_error));
    });
}

// Both ends talk while a third party writes at random over all that they share. Whatever comes of
// it, nothing crashes, and both come to an end when the writer closes their FIFOs.
asio::awaitable<void> take_until_failure(remora::pipe p) {
    try {
        blob b;
        for (;;)
            co_await p.receive(b);
    } catch (const std::exception&) {
    }
}

TEST_CASE("memory that is scribbled over while it is read does no harm") {
    for (unsigned seed = 0; seed < 50; ++seed) {
        test::run([seed](asio::io_context& io) -> asio::awaitable<void> {
            auto [one, other] = make_shared_ends(16384);
            auto* const page = static_cast<volatile unsigned char*>(one.rings.page());
            auto* const data = const_cast<volatile std::byte*>(one.rings.reader().unread().data());
            auto a = make_pipe(io, std::move(one));
            const blob big = make_blob(seed, 6000 + 50 * seed);
            unsigned random = seed;
            const auto next = [&random] { return (random = random * 1103515245 + 12345) >> 8; };
            background taking(io.get_executor(),
                              take_until_failure(make_pipe(io, std::move(other))));
            for (int i = 0; i < 200; ++i) {
                background sending(io.get_executor(), a.send(big));
                co_await asio::post(io, asio::use_awaitable);
                data[next() % 16384] = static_cast<std::byte>(next());
                if (i == 150) page[512 + next() % 1024] = static_cast<unsigned char>(next());
                co_await settle();
                sending.cancel();
                co_await sending.result();
            }
            co_await a.close();
            taking.cancel();
            co_await taking.result();
        });
    }
}

}  // namespace
