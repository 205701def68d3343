// SPDX-License-Identifier: MIT
// The floor of the fifo transport: two processes, two FIFOs, and nothing but system calls.
#include "two_processes.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>

namespace {

using bench::checked;

int epoll_of(int fd, std::uint32_t events) {
    const int poller = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    epoll_event event{};
    event.events = events;
    checked(::epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    return poller;
}

/// One end of two pipes. It blocks in epoll_wait before each read, or reads again until data comes.
class fifo_link {
public:
    fifo_link(int in, int out, bool spin) : in_(in), out_(out), spin_(spin) {}

    void send(const char* data, std::size_t size) {
        while (size != 0) {
            const ssize_t count = ::write(out_, data, std::min(size, bench::one_read));
            if (count < 0) {
                again_or_exit("write", writable_);
                continue;
            }
            data += count;
            size -= static_cast<std::size_t>(count);
        }
    }
    void receive(char* data, std::size_t size) {
        while (size != 0) {
            const std::size_t count = receive_some(data, size);
            data += count;
            size -= count;
        }
    }
    std::size_t receive_some(char* data, std::size_t size) {
        if (!spin_) wait(readable_);
        ssize_t count = ::read(in_, data, size);
        while (count < 0) {
            again_or_exit("read", readable_);
            count = ::read(in_, data, size);
        }
        return static_cast<std::size_t>(count);
    }

private:
    void again_or_exit(const char* call, int poller) const {
        if (errno != EAGAIN) checked(-1, call);
        if (!spin_) wait(poller);
    }
    static void wait(int poller) {
        epoll_event event{};
        checked(::epoll_wait(poller, &event, 1, -1), "epoll_wait");
    }

    int in_, out_;
    bool spin_;
    int readable_ = epoll_of(in_, EPOLLIN), writable_ = epoll_of(out_, EPOLLOUT);
};

// Where the bytes come out, and where they go in.
struct pipe_ends {
    int out = -1, in = -1;
};

// Named, as Remora's are: the kernel does more for a FIFO than for a nameless pipe.
pipe_ends open_fifo(bool large) {
    const char* const place = std::getenv("XDG_RUNTIME_DIR");
    std::string directory = (place != nullptr ? place : "/tmp") + std::string("/floor-XXXXXX");
    if (::mkdtemp(directory.data()) == nullptr) checked(-1, "mkdtemp");
    const std::string name = directory + "/fifo";
    checked(::mkfifo(name.c_str(), 0600), "mkfifo");
    const int in = checked(::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open");
    const int out = checked(::open(name.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), "open");
    ::unlink(name.c_str());
    ::rmdir(directory.c_str());
    if (large) ::fcntl(in, F_SETPIPE_SZ, 1 << 20);  // refused to some users: then 64 KiB
    return {in, out};
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"The floor of the fifo transport: bare pipes"};
    bench::slice_options slice;
    std::string wait = "block";
    slice.add_to(app);
    app.add_option("--wait", wait)->check(CLI::IsMember({"block", "spin"}));
    CLI11_PARSE(app, argc, argv);

    const pipe_ends questions = open_fifo(slice.pattern == "bulk");
    const pipe_ends answers = open_fifo(false);
    const bool spin = wait == "spin";
    fifo_link here{answers.out, questions.in, spin};
    fifo_link there{questions.out, answers.in, spin};
    bench::measure(slice, here, there);
}
