// SPDX-License-Identifier: MIT
// worker URL: serves the service of the tests until it is killed. Says when it takes calls.
#include "nats/worker_service.hpp"

#include <remora/nats.hpp>

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

int main(int, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    asio::io_context io;
    const remora::nats::worker worker(io.get_executor(), test::worker_service(),
                                      {.service = "test", .connection = {.servers = {argv[1]}}});
    if (::write(STDOUT_FILENO, "\n", 1) != 1) return 1;
    io.run();
}
