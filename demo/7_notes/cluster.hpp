// SPDX-License-Identifier: MIT
// Where a cluster of NATS is: the options that notes-cluster and notes-worker share.
#pragma once

#include <remora/nats.hpp>

#include <CLI/CLI.hpp>

#include <string>

namespace notes {

constexpr int no_cluster = 66;  // EX_NOINPUT

struct cluster {
    std::string urls = "nats://127.0.0.1:4222";
    std::string bucket = "notes";  // the name of the service, too
    std::string credentials, authority, certificate, key;

    // As those of NATS's own programs.
    void add_options(CLI::App& cli);
    remora::nats::connection_options connection() const;
    // Says on standard error that there is no way there. Returns the exit code.
    int complain(const std::string& program, const char* why) const;
};

}  // namespace notes
