// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>

namespace bench {

namespace {

void add_to(CLI::App& app, options& chosen) {
    app.add_flag("--quick", chosen.quick, "Few rows and short slices, for CI");
    app.add_flag("--list", chosen.list, "Print the rows and their floors, and measure nothing");
    app.add_option("--json", chosen.json, "Write the rows there")->option_text("FILE");
    app.add_option("--plot", chosen.plot, "Draw them there; needs python3-matplotlib")
        ->option_text("FILE.svg");
    app.add_option("--rounds", chosen.rounds, "Slices of each row: 7, or 1 with --quick")
        ->check(CLI::PositiveNumber)
        ->option_text("N");
    app.add_option("--seconds", chosen.seconds, "Time of a slice: 0.3, or 0.1 with --quick")
        ->check(CLI::Range(0.01, 60.0))
        ->option_text("S");
    app.add_option("--bin", chosen.bin, "Where the measured programs are; default: beside this one")
        ->check(CLI::ExistingDirectory)
        ->option_text("DIR");
}

void add_filters(CLI::App& app, filter& wanted) {
    const auto add = [&app](const std::string& name, auto& list, const std::string& help) {
        return app.add_option(name, list, help + "; can be given again")
            ->option_text("NAME")
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    };
    add("--pattern", wanted.patterns, "Only " + CLI::detail::join(all_patterns(), ", "))
        ->check(CLI::IsMember(all_patterns()));
    add("--transport", wanted.transports, "Only rows, or floors, with this transport; see --list");
    add("--wait", wanted.waits, "Only rows that block, spin or are adaptive")
        ->check(CLI::IsMember({"block", "spin", "adaptive"}));
}

}  // namespace

std::filesystem::path options::own_directory() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

options options::from(int argc, char** argv) {
    CLI::App app{"Measures Remora beside its floors, channels and peers"};
    options chosen;
    add_to(app, chosen);
    add_filters(app, chosen.wanted);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error));
    }
    if (chosen.bin.empty()) chosen.bin = own_directory();
    if (chosen.rounds == 0) chosen.rounds = chosen.quick ? 1 : 7;
    if (chosen.seconds == 0) chosen.seconds = chosen.quick ? 0.1 : 0.3;
    return chosen;
}

}  // namespace bench
