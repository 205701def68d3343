// SPDX-License-Identifier: MIT
// A server of the tests as a process of its own: `server [WORD...] -- TARGET [ARGUMENT...]`. It
// tells on stdout what happens, a line for each event, and in the end the result. Words:
//   dies_after=N      SIGKILLs itself after N handlers
//   forks             leaves a child of its own behind, which has its descriptors but for stdout
//                     and lives until the end of stdin
//   closes=N          has closed each standard stream that is a digit of N
//   ignores_children, blocks_children    SIGCHLD does not reach it
//   handles_children, handles_children_later    the host has a handler of its own, from before the
//                     start or from after it
//   refuses=NAME      the system refuses it this call: pidfd_open or pidfd_send_signal
//   group, session    its app has one of its own
//   grace=N           milliseconds for each step of stopping
//   start_timeout=N   milliseconds until the app has to have said hello
//   drain=N           milliseconds for the services after the app's end
//   restart=N         the app is started again N milliseconds after a failure
//   stubborn          the service `silent` does not end when it is cancelled
//   computes          it computes for ever
//   runs              server.run() instead of start()
#include "support/messages.hpp"

#include <remora/server.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using test::number;

bool forks = false;
bool handles_later = false;
bool stubborn = false;
volatile bool computes = false;
bool runs = false;
int handlers_left = -1;
remora::server_options options;

void tell(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

void leave_child_behind() {
    if (::fork() != 0) return;
    ::close(1);
    char byte = 0;
    while (::read(0, &byte, 1) > 0) {
    }
    ::_exit(0);
}

asio::awaitable<void> echo(remora::pipe p) {
    while (const auto n = co_await p.next<number>())
        co_await p.send(*n);
}

// Counts what comes until the app has gone.
asio::awaitable<void> take(remora::pipe p) {
    int count = 0;
    struct note {
        const int& count;
        ~note() { tell("taken: " + std::to_string(count)); }
    } const noted{count};
    while (const auto n = co_await p.next<number>())
        ++count;
}

// Takes one message, and no other.
asio::awaitable<void> silent(remora::pipe p) {
    co_await p.receive<number>();
    if (forks) leave_child_behind();
    tell("message");
    while (computes)  // TSan lets signals in only at calls such as this
        std::chrono::steady_clock::now();
    if (stubborn) co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    asio::steady_timer never(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
}

void handle_children() {
    ::signal(SIGCHLD, [](int) {});
}

// As in a sandbox that was made before there was this call.
void refuse(unsigned call) {
    std::array<sock_filter, 4> filter{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) std::perror("seccomp");
}

int value_of(const std::string& word) {
    return std::atoi(word.c_str() + word.find('=') + 1);
}

void obey(const std::string& word) {
    if (word.starts_with("dies_after=")) handlers_left = value_of(word);
    if (word.starts_with("stop_timeout="))
        options.stop_timeout = std::chrono::milliseconds(value_of(word));
    if (word.starts_with("start_timeout="))
        options.start_timeout = std::chrono::milliseconds(value_of(word));
    if (word.starts_with("drain_timeout="))
        options.drain_timeout = std::chrono::milliseconds(value_of(word));
    if (word.starts_with("restart=")) {
        const std::chrono::milliseconds delay(value_of(word));
        options.restart = {.first_delay = delay, .max_delay = delay};
    }
    if (word == "stubborn") stubborn = true;
    if (word == "computes") computes = true;
    if (word == "runs") runs = true;
    if (word == "refuses=pidfd_open") refuse(SYS_pidfd_open);
    if (word == "refuses=pidfd_send_signal") refuse(SYS_pidfd_send_signal);
    if (word == "group") options.group = remora::process_group::own;
    if (word == "session") options.group = remora::process_group::session;
    if (word == "forks") forks = true;
    if (word.starts_with("closes=")) {
        for (const char digit : word.substr(7))
            ::close(digit - '0');
    }
    if (word == "handles_children") handle_children();
    if (word == "handles_children_later") handles_later = true;
    if (word == "ignores_children") ::signal(SIGCHLD, SIG_IGN);
    if (word == "blocks_children") {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
    }
}

// Answers a question that comes as a signal, after the signals before it.
void answer(asio::signal_set& questions) {
    questions.async_wait([&questions](std::error_code ec, int) {
        if (ec) return;
        tell("here");
        answer(questions);
    });
}

}  // namespace

int main(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    options.drain_timeout = std::chrono::milliseconds(10);
    int at = 1;
    for (; at < argc && std::string(argv[at]) != "--"; ++at)
        obey(argv[at]);
    if (at + 1 >= argc) return 64;
    options.target = argv[at + 1];
    const char* const transport = std::getenv("REMORA_TEST_TRANSPORT");
    if (transport != nullptr && std::string(transport) == "fifo")
        options.transport = remora::transport_kind::fifo;
    options.on_event = [](const remora::event& e) { tell(to_string(e)); };

    asio::io_context io;
    asio::signal_set questions(io, SIGUSR1);
    answer(questions);
    remora::server server{io, options};
    server.serve("echo", echo);
    server.serve("silent", silent);
    server.serve("take", take);
    if (runs) return server.run({argv + at + 2, argv + argc});
    std::optional<remora::run_result> result;
    asio::co_spawn(io, server.start({argv + at + 2, argv + argc}).result(),
                   [&](std::exception_ptr, remora::run_result r) { result = std::move(r); });
    if (handles_later) handle_children();
    while (!result) {
        if (handlers_left-- == 0) ::raise(SIGKILL);
        io.run_one();
    }
    if (result->error) tell("error: " + result->text);
    tell("result: " + to_string(result->status) + ", stopped by " + to_string(result->stopped_by));
    return result->code();
}
