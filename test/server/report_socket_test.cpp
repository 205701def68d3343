// SPDX-License-Identifier: MIT
// The socket at which a run can be looked into, and those who connect to it.
#include "server/report_socket.hpp"

#include "support/as_nobody.hpp"
#include "support/looking.hpp"
#include "support/runs.hpp"
#include "transport/run_directory.hpp"

#include <sys/stat.h>

namespace {

using namespace test;
using remora::detail::report_socket;
using remora::detail::run_directory;

// A socket that answers with so many bytes.
class answering {
public:
    explicit answering(std::size_t size, std::chrono::nanoseconds limit = patience)
        : socket(std::make_shared<report_socket>(
              io.get_executor(), directory.listen("inspect"), [this, size] { return answer(size); },
              limit)) {
        socket->start(nullptr);
    }
    ~answering() {
        asio::co_spawn(io, end(), asio::detached);
        run_all(io);
    }
    asio::awaitable<void> end() { return socket->end(); }
    std::size_t read() {
        const auto client = connect_to(directory.path());
        return read_all(io, client.get()).size();
    }

private:
    asio::awaitable<remora::byte_buffer> answer(std::size_t size) {
        ++asked;
        remora::byte_buffer bytes;
        bytes.resize(size);
        co_return bytes;
    }

    scratch parent_;

public:
    int asked = 0;
    asio::io_context io;
    run_directory directory{parent_.path};
    std::shared_ptr<report_socket> socket;
};

constexpr std::size_t more_than_fits = 4u << 20;

TEST_CASE("everybody who looks into a run gets an answer, one after the other") {
    answering a(more_than_fits);
    CHECK(a.read() == more_than_fits);
    CHECK(a.read() == more_than_fits);
    CHECK(a.asked == 2);
}

TEST_CASE("one who connects and never reads does not keep the others from an answer") {
    answering a(more_than_fits, 1ms);
    const auto silent = connect_to(a.directory.path());
    CHECK(a.read() > 0);
    CHECK(a.asked == 2);
}

TEST_CASE("one who leaves at once is no harm") {
    answering a(more_than_fits);
    connect_to(a.directory.path());
    CHECK(a.read() == more_than_fits);
}

TEST_CASE("the socket is closed in the end, whoever has connected and does not read") {
    const auto before = open_descriptors();
    {
        answering a(more_than_fits);
        std::vector<remora::detail::unique_fd> clients;
        while (auto next = connect_to(a.directory.path()))
            clients.push_back(std::move(next));
        CHECK(errno == EAGAIN);
        CHECK(clients.size() >= 16);
        run_until(a.io, [&] { return a.asked == 1; });
        bool ended = false;
        asio::co_spawn(a.io, a.end(), [&](std::exception_ptr) { ended = true; });
        run_until(a.io, [&] { return ended; });
        CHECK(a.asked == 1);
        CHECK(!connect_to(a.directory.path()));
        CHECK(errno == ECONNREFUSED);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("another user gets no answer, even where the directory is open to all" * needs_root) {
    answering a(10);
    const auto directory = a.directory.path();
    const auto try_to_connect = [&] { return connect_to(directory) ? 0 : 1; };
    CHECK(as_nobody(try_to_connect) == 1);
    for (auto path = directory; path != path.root_path(); path = path.parent_path()) {
        if (path.string().find("remora") != std::string::npos) ::chmod(path.c_str(), 0755);
    }
    ::chmod((directory / "inspect").c_str(), 0666);
    CHECK(as_nobody(try_to_connect) == 0);
    CHECK(a.read() == 10);
    CHECK(a.asked == 1);
}

}  // namespace
