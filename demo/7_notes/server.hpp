// SPDX-License-Identifier: MIT
// The `main` that the servers share: their options come first, all other words are the app's.
//
//     notes-sqlite --database notes.db add buy milk
#pragma once

#include <remora/service.hpp>

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace notes {

class server_program {
public:
    server_program(const char* name, const std::string& what);

    // Whoever needs more options than --app adds them here.
    CLI::App& options() { return cli_; }
    // Returns false if that was all, with the exit code.
    bool parse(int argc, char** argv, int& code);
    // Starts the app, serves it, and returns its exit code.
    int run(asio::io_context& io, const remora::service& notes);

private:
    CLI::App cli_;
    std::string app_;
    std::vector<std::string> words_;
};

}  // namespace notes
