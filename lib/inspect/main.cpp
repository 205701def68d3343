// SPDX-License-Identifier: MIT
// remora-inspect: shows this user's running servers and what their pipes do.
#include "inspect/json.hpp"
#include "inspect/rates.hpp"
#include "inspect/screen.hpp"
#include "inspect/servers.hpp"
#include "inspect/table.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <thread>

namespace remora::inspect {
namespace {

constexpr int code_shown = 0;
constexpr int code_nothing = 1;
constexpr int code_error = 2;

struct options {
    int pid = 0;
    double interval = 1;
    double timeout = 1;
    bool once = false;
    bool json = false;
    std::vector<std::filesystem::path> places;
};

std::chrono::milliseconds to_ms(double seconds) {
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

/// Looks again and again.
class looker {
public:
    explicit looker(const options& how) : how_(how) {
        if (how_.places.empty()) how_.places = usual_places();
        for (std::filesystem::path& place : how_.places)
            place = std::filesystem::canonical(place);
    }

    std::vector<answer> look() {
        auto all = ask_servers(how_.places, to_ms(how_.timeout));
        if (how_.pid != 0)
            std::erase_if(all, [this](const answer& a) { return a.pid != how_.pid; });
        rates_.measure(all);
        return all;
    }
    /// What there is to say where there is no server.
    std::string nothing() const {
        if (how_.pid == 0) return "no server of this user is running";
        return "no server that can be looked into is process " + std::to_string(how_.pid);
    }

private:
    options how_;
    rate_meter rates_;
};

std::string text_of(const std::vector<answer>& all, bool json) {
    if (json) return json_of(all) + "\n";
    std::string text;
    for (const std::string& line : table_of(all))
        (text += line) += '\n';
    return text;
}

int code_of(const std::vector<answer>& all) {
    if (all.empty()) return code_nothing;
    const bool shown =
        std::ranges::any_of(all, [](const answer& a) { return a.report.has_value(); });
    return shown ? code_shown : code_error;
}

int show_once(looker& servers, bool json) {
    const auto all = servers.look();
    if (all.empty()) std::cerr << "remora-inspect: " << servers.nothing() << '\n';
    if (json || !all.empty()) std::cout << text_of(all, json) << std::flush;
    return code_of(all);
}

// A line for each look; until it is killed, or nobody reads.
int show_lines(looker& servers, const options& how) {
    while (std::cout << text_of(servers.look(), how.json) << std::flush)
        std::this_thread::sleep_for(to_ms(how.interval));
    return code_error;
}

int show_on_screen(looker& servers, const options& how) {
    screen here;
    do {
        auto lines = table_of(servers.look());
        if (lines.empty()) lines.push_back(servers.nothing());
        lines.insert(lines.begin(),
                     {"remora-inspect, every " + short_number(how.interval) + " s; q ends it", ""});
        here.show(lines);
    } while (here.wait(to_ms(how.interval)));
    return code_shown;
}

constexpr const char* description =
    "Shows this user's running Remora servers, and what their pipes have done.\n"
    "\n"
    "`in` is from the app to the server, `out` the other way. /s is the rate since the look "
    "before,\n"
    "in the first look since the pipe was opened. Of the waits for bytes (in) or for room (out),\n"
    "`found` did not have to sleep, `slept` had. `queue` has the bytes that wait to leave now, "
    "`most` "
    "those\n"
    "that ever did.\n";

int run(int argc, char** argv) {
    options how;
    CLI::App cli(description, "remora-inspect");
    cli.add_option("--pid", how.pid, "Only the server that is this process");
    auto* const interval = cli.add_option("--interval", how.interval,
                                          "Look again every so many seconds; 1 on a terminal")
                               ->check(CLI::Range(0.05, 86400.0));
    cli.add_flag("--once", how.once, "Look once, also on a terminal")->excludes(interval);
    cli.add_flag("--json", how.json, "JSON; one document, or with --interval one in each line");
    cli.add_option("--timeout", how.timeout, "How many seconds a server may take to answer")
        ->check(CLI::Range(0.01, 3600.0))
        ->capture_default_str();
    cli.add_option(
           "--directory", how.places,
           "Where the directories of runs are, instead of $XDG_RUNTIME_DIR, $TMPDIR and /tmp")
        ->allow_extra_args(false)
        ->check(CLI::ExistingDirectory);
    cli.footer(
        "Exit code: 0 if a server was shown, 1 if there is none, 2 if none has answered or the\n"
        "options are wrong.");
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return cli.exit(e) == 0 ? code_shown : code_error;
    }
    looker servers(how);
    const bool repeats = interval->count() != 0;
    if (!how.once && !how.json && ::isatty(STDOUT_FILENO) == 1) return show_on_screen(servers, how);
    return repeats ? show_lines(servers, how) : show_once(servers, how.json);
}

}  // namespace
}  // namespace remora::inspect

int main(int argc, char** argv) try {
    return remora::inspect::run(argc, argv);
} catch (const std::exception& e) {
    std::cerr << "remora-inspect: " << e.what() << '\n';
    return 2;
}
