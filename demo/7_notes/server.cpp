// SPDX-License-Identifier: MIT
#include "server.hpp"

#include <remora/server.hpp>

#include <cstdio>
#include <filesystem>

namespace notes {

namespace {

remora::server_options start(const std::string& app, const std::string& as) {
    return {.target = app, .environment = {"NOTES_PROGRAM=" + as}};  // for the app's messages
}

}  // namespace

server_program::server_program(const char* name, const std::string& what)
    : cli_(what, name),
      app_(std::filesystem::read_symlink("/proc/self/exe").replace_filename("notes")) {
    cli_.prefix_command();
    cli_.footer("Behind its options the server takes a command of the app.");
    cli_.add_option("--app", app_, "The app; else the program `notes` beside this one")
        ->envname("NOTES_APP");
}

bool server_program::parse(int argc, char** argv, int& code) {
    try {
        cli_.parse(argc, argv);
        words_ = cli_.remaining();
        if (!words_.empty() && words_.front() == "--") words_.erase(words_.begin());
        return true;
    } catch (const CLI::CallForHelp&) {
        std::printf("%s\n", cli_.help().c_str());
        std::fflush(stdout);
        asio::io_context io;
        code = remora::server(io, start(app_, cli_.get_name())).run({"--help"});
    } catch (const CLI::ParseError& e) {
        code = cli_.exit(e) == 0 ? 0 : 2;
    }
    return false;
}

int server_program::run(asio::io_context& io, const remora::service& notes) {
    remora::server server(io, start(app_, cli_.get_name()));
    server.serve("notes", notes);
    return server.run(words_);
}

}  // namespace notes
