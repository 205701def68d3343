// SPDX-License-Identifier: MIT
#include "command_line.hpp"

#include "shell.hpp"

#include <cstdio>
#include <vector>

namespace notes {

namespace {

// Where the options are while they are parsed.
struct choice {
    command run;
    std::vector<std::string> words;
    std::string file = "-";
    std::int64_t id = 0;
    int most = 0;
    bool with_times = false;

    std::string text() const {
        std::string all;
        for (const auto& word : words)
            all += (all.empty() ? "" : " ") + word;
        return all;
    }
};

void add_notes(CLI::App& cli, choice& c) {
    auto* add = cli.add_subcommand("add", "Add a note");
    add->add_option("TEXT", c.words, "Its words; after -- they may begin with -")->required();
    add->callback([&c] { c.run = [text = c.text()](auto& s) { return add_note(s, text); }; });
    auto* remove = cli.add_subcommand("remove", "Remove a note");
    remove->add_option("NUMBER", c.id)->required();
    remove->callback([&c] { c.run = [id = c.id](auto& s) { return remove_note(s, id); }; });
}

void add_queries(CLI::App& cli, choice& c) {
    auto* list = cli.add_subcommand("list", "Show all notes");
    list->add_flag("--times", c.with_times, "Also when they were written");
    list->callback(
        [&c] { c.run = [times = c.with_times](auto& s) { return list_notes(s, times); }; });
    auto* find = cli.add_subcommand("find", "Show the notes with all these words");
    find->add_option("WORD", c.words, "A word, or its beginning, as mil*")->required();
    find->add_flag("--times", c.with_times, "Also when they were written");
    find->callback([&c] {
        c.run = [query = c.text(), times = c.with_times](auto& s) {
            return find_notes(s, query, times);
        };
    });
}

void add_watch(CLI::App& cli, choice& c, const within_shell* within) {
    auto* watch = cli.add_subcommand("watch", "Show what is added and removed, as it happens");
    watch->add_option("--count", c.most, "End after so many changes")->check(CLI::PositiveNumber);
    watch->callback([&c, within] {
        c.run = [most = c.most, within](auto& s) {
            return within ? within->watch(s, most) : watch_notes(s, most);
        };
    });
}

void add_transfers(CLI::App& cli, choice& c, const within_shell* within) {
    auto* out = cli.add_subcommand("export", "Write all notes to a file, a line each");
    out->add_option("FILE", c.file, "Standard output if none, or -");
    out->callback([&c] { c.run = [file = c.file](auto& s) { return export_notes(s, file); }; });
    auto* in = cli.add_subcommand("import", "Add the notes of a file, as export has written it");
    auto* file = in->add_option("FILE", c.file, "Standard input if it is -")->required();
    if (within) file->check(CLI::ExistingFile);  // standard input has the lines of the shell
    in->callback([&c] { c.run = [file = c.file](auto& s) { return import_from(s, file); }; });
}

}  // namespace

parsed parse(const std::function<void(CLI::App&)>& give, const within_shell* within) {
    choice c;
    CLI::App cli("Keeps notes.", within ? "" : program_name());
    cli.require_subcommand(1);
    add_notes(cli, c);
    add_queries(cli, c);
    add_watch(cli, c, within);
    add_transfers(cli, c, within);
    if (!within) {
        auto* shell =
            cli.add_subcommand("shell", "Take commands from standard input, line by line");
        shell->footer(
            "Also: help, history, !3 (line 3 of the history once more), quit.\n"
            "Arrow keys, and a history for the next time: rlwrap " +
            std::string(program_name()) + " shell");
        shell->callback([&c] { c.run = run_shell; });
        cli.footer(
            "Exit codes: 0 done, 1 nothing found, 2 wrong usage, 3 failed, 66 no database, 69 no "
            "server.");
    }
    try {
        give(cli);
        return {c.run, code::done};
    } catch (const CLI::ParseError& e) {
        if (cli.get_subcommands().empty() && cli.remaining_size() != 0) {
            std::fprintf(stderr, "There is no command %s; --help shows those there are.\n",
                         cli.remaining().front().c_str());
            return {{}, code::wrong_usage};
        }
        return {{}, cli.exit(e) == 0 ? code::done : code::wrong_usage};
    }
}

}  // namespace notes
