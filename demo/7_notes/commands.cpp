// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "lines.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace notes {

namespace {

void print(const note& what, bool with_time) {
    std::printf("%s\n", shown(what, with_time).c_str());
}

struct change_printer {
    void operator()(const begun&) const {}
    void operator()(const added& a) const { std::printf("+%s\n", shown(a.what, false).c_str()); }
    void operator()(const removed& r) const {
        std::printf("-%4lld\n", static_cast<long long>(r.id));
    }
    void operator()(const missed& m) const {
        std::printf("(%llu changes came too fast to be shown)\n",
                    static_cast<unsigned long long>(m.changes));
    }
};

// What the user can do about it. A message of the server's is in quotes.
std::pair<int, std::string> advice(const remora::remote_error& e) {
    if (e.code() == std::errc::no_such_file_or_directory)
        return {code::nothing_found,
                "There is no " + e.message() + "; `list` shows those there are"};
    if (e.code() == std::errc::invalid_argument)
        return {code::wrong_usage, "This query is not understood: " + e.message() +
                                       "; write words, as in `find milk bread`"};
    if (e.code() == std::errc::message_size)
        return {code::wrong_usage, "The text is too long: " + e.message()};
    switch (e.kind()) {
        case remora::failure_kind::overloaded:
            return {code::failed, "The server is overloaded; try again"};
        case remora::failure_kind::unknown_request:
            return {code::failed, "This server cannot do that; it is older than the app"};
        default:
            return {code::failed, e.message() + ": " + e.code().message()};
    }
}

// What could not be written is a failure of the command that printed it.
int printed(int result) {
    const bool is_lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
    std::clearerr(stdout);
    if (!is_lost || result != code::done) return result;
    std::fprintf(stderr, "Standard output cannot be written.\n");
    return code::failed;
}

}  // namespace

asio::awaitable<int> add_note(remora::pipe& server, std::string text) {
    const auto id = co_await server.call<add>(text);
    std::printf("Note %lld\n", static_cast<long long>(id));
    co_return code::done;
}

asio::awaitable<int> remove_note(remora::pipe& server, std::int64_t id) {
    co_await server.call<remove>(id);
    co_return code::done;
}

asio::awaitable<int> list_notes(remora::pipe& server, bool with_times) {
    auto found = co_await server.stream<list>();
    while (const auto each = co_await found.next())
        print(*each, with_times);
    co_return code::done;
}

asio::awaitable<int> find_notes(remora::pipe& server, std::string query, bool with_times) {
    auto found = co_await server.stream<find>(query);
    int result = code::nothing_found;
    while (const auto each = co_await found.next()) {
        print(*each, with_times);
        result = code::done;
    }
    if (result != code::done) std::fprintf(stderr, "Nothing found\n");
    co_return result;
}

asio::awaitable<remora::stream<change>> begin_watch(remora::pipe& server) {
    auto changes = co_await server.stream<watch>();
    const auto begins = co_await changes.next();
    co_return changes;
}

asio::awaitable<int> show_changes(remora::stream<change> changes, int most) {
    for (int i = 0; most == 0 || i != most; ++i) {
        const auto next = co_await changes.next();
        if (!next) break;
        std::visit(change_printer(), *next);
    }
    co_return code::done;
}

asio::awaitable<int> watch_notes(remora::pipe& server, int most) {
    auto changes = co_await begin_watch(server);
    std::fprintf(stderr, "Waiting for changes; Ctrl-C ends it\n");
    co_return co_await show_changes(std::move(changes), most);
}

const char* program_name() {
    const char* name = std::getenv("NOTES_PROGRAM");
    return name ? name : "notes";
}

asio::awaitable<int> explained(command what, remora::pipe& server) {
    try {
        const int result = co_await what(server);
        co_return printed(result);
    } catch (const remora::remote_error& e) {
        if (e.kind() == remora::failure_kind::gone) throw;  // the app ends
        const auto [result, text] = advice(e);
        std::fprintf(stderr, "%s.\n", text.c_str());
        co_return result;
    } catch (const remora::error& e) {
        if (e.code() != remora::errc::message_too_large) throw;
        std::fprintf(stderr, "The command is too long: %s.\n", e.what());
        co_return code::wrong_usage;
    }
}

}  // namespace notes
