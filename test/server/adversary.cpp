// SPDX-License-Identifier: MIT
// An app that does not keep to the protocol, in the way that its first argument names. Unless that
// says otherwise it then waits to be stopped.
#include "server/adversary_at_random.hpp"
#include "server/adversary_words.hpp"
#include "server/raw_app.hpp"
#include "support/document.hpp"
#include "support/messages.hpp"

#include <remora/client.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <span>

namespace {

using namespace test;

std::string directory;

std::string path_of(const std::string& name) {
    return directory + "/" + name;
}

[[noreturn]] void wait_to_be_stopped() {
    for (;;)
        ::pause();
}

raw_pipe pipe_of(const std::string& base) {
    return {directory, base};
}

// Once it has been welcomed.
raw_app& app() {
    static raw_app one(directory);
    return one;
}

// Frames at the limit that have to be passed over, then what a good app says.
void say_the_limit() {
    app().control.say(skipped_bytes(64u << 10));
    app().control.say(skipped_bytes(0) + connect_bytes(1, "nobody"));  // one write, and one read
    std::vector<std::byte> bytes;
    if (hear(app().control, bytes) != frame_kind::rejected) std::exit(88);
    app().ask(2, "echo");
    const raw_pipe pipe = pipe_of("2");
    pipe.say(open_bytes(2) + skipped_bytes(64u << 10));
    pipe.say(skipped_bytes(0) +
             frame_with(frame_kind::message, 0, number{1}, remora::type_tag_of<number>()));
    std::exit(hear(pipe, bytes) == frame_kind::message ? 0 : 84);
}

// Tables of loans that no honest end sends, after one of slot 0 in generation 5.
std::vector<std::vector<remora::detail::loan>> bad_tables(std::uint64_t range) {
    return {
        {{0, 6, range, 1}},                                    // outside
        {{0, 6, range - 1, 2}},                                // into the server's range
        {{0, 6, ~0ull - 4095, 8192}},                          // beyond all
        {{0, 6, 0, 0}},                                        // nothing
        {{256, 1, 0, 1}},                                      // in no slot
        {{0, 6, 0, 4096}, {1, 1, 4095, 1}},                    // overlapping
        {{0, 6, 0, 4096}, {0, 6, 0, 4096}},                    // doubled
        {},                                                    // none
        std::vector<remora::detail::loan>(257, {0, 6, 0, 1}),  // too many
        {{0, 4, 4096, 4096}},                                  // stale
    };
}

// One on a connection.
void lend_badly() {
    const frame_header header{.kind = frame_kind::message, .tag = remora::type_tag_of<number>()};
    const std::string value = payload_of(number{5});
    for (std::size_t i = 0, count = 1; i != count; ++i) {
        raw_connection pipe = app().connect("echo", false);
        const auto tables = bad_tables(pipe.rings().lent_size());
        count = tables.size();
        std::vector<std::byte> bytes;
        pipe.say(lending_frame(header, value, {{0, 5, 0, 4096}}));
        if (hear(pipe, bytes) != frame_kind::message) std::exit(85);
        pipe.say(lending_frame(header, value, tables[i]));
        if (hear(pipe, bytes) != frame_kind::close) std::exit(86);
        if (hear(pipe, bytes) != frame_kind{}) std::exit(87);
    }
    std::exit(0);
}

[[noreturn]] void say_for_ever(const raw_pipe& pipe, const std::string& bytes) {
    std::string many;
    for (int i = 0; i < 1000; ++i)
        many += bytes;
    for (;;)
        pipe.say(many);
}

void skip_for_ever_on_pipe() {
    app().ask(1, "echo");
    const raw_pipe pipe = pipe_of("1");
    pipe.say(open_bytes(1));
    say_for_ever(pipe, skipped_bytes(0));
}

void flood(const std::string& name, std::uint64_t wait_ms) {
    std::string words;
    for (std::uint64_t id = 1; id <= 10000; ++id)
        words += connect_bytes(id, name, wait_ms);
    app().control.say(words);
}

void open_and_die(const std::string& words) {
    app().ask(1, "echo");
    const raw_pipe pipe = pipe_of("1");
    pipe.say(words);
    ::raise(SIGKILL);
}

int behave(int argc, char** argv) {
    asio::io_context io;
    remora::client client{io, argc, argv};
    return client.run([](remora::client& c) -> asio::awaitable<int> {
        auto pipe = co_await c.connect("echo");
        co_await pipe.send<number>(5);
        const auto back = co_await pipe.receive<number>();
        co_return back.value == 5 ? 0 : 1;
    });
}

// The server's process is another one than that of the document.
std::string with_own_server(const std::vector<std::byte>& welcome) {
    auto terms = value_of<remora::wire::welcome>(welcome);
    terms.pid = ::getppid();
    return frame_with(frame_kind::welcome, 0, terms);
}

// Says what the app of lib/wire/protocol.md says, and ends with 89 where the server says something
// else.
int follow_the_document() {
    std::map<std::string, raw_pipe> pipes;
    std::vector<std::byte> heard;
    for (const auto& f : traced_frames()) {
        const raw_pipe& pipe = pipes.try_emplace(f.pipe, directory, f.pipe).first->second;
        std::string words(reinterpret_cast<const char*>(f.bytes.data()), f.bytes.size());
        if (f.by_app) {
            pipe.say(words);
            continue;
        }
        if (hear(pipe, heard) == frame_kind::welcome) words = with_own_server(f.bytes);
        if (std::ranges::equal(heard, std::as_bytes(std::span(words)))) continue;
        std::fprintf(stderr, "%s: instead of %s the server says %s\n", f.pipe.c_str(),
                     f.what.c_str(), to_hex(heard).c_str());
        return 89;
    }
    return 0;
}

void make_things() {
    for (const char* name : {"a file", "7.up"}) {
        const int fd = ::open(path_of(name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        [[maybe_unused]] const ssize_t written = ::write(fd, "words", 5);
    }
    ::mkfifo(path_of("a fifo").c_str(), 0600);
    if (::symlink("/etc/hostname", path_of("a link").c_str()) != 0) std::exit(85);
    ::mkdir(path_of("a directory").c_str(), 0700);
}

// Puts directories where the names of the first connection stand.
void take_names_of_connection() {
    ::unlink(path_of("1.up").c_str());
    ::unlink(path_of("1.down").c_str());
    ::mkdir(path_of("1.up").c_str(), 0700);
    ::mkdir(path_of("1.down").c_str(), 0700);
}

void use_pipe_without_names(void (*change)()) {
    app().ask(1, "echo");
    const raw_pipe pipe = pipe_of("1");
    change();
    pipe.say(open_bytes(1));
    pipe.say(frame_with(frame_kind::message, 0, number{1}, remora::type_tag_of<number>()));
    std::vector<std::byte> bytes;
    if (hear(pipe, bytes) != frame_kind::message) std::exit(86);
    std::exit(0);
}

void unlink_everything() {
    for (const char* name : {"control.up", "control.down", "1.up", "1.down"})
        ::unlink(path_of(name).c_str());
    ::rmdir(directory.c_str());
}

const std::map<std::string, std::function<void()>> deeds{
    {"nothing", [] {}},
    {"one fifo up", [] { ::open(path_of("control.up").c_str(), O_WRONLY); }},
    {"one fifo down", [] { ::open(path_of("control.down").c_str(), O_RDONLY); }},
    {"half a hello, then death",
     [] {
         pipe_of("control").say(hello_bytes().substr(0, 30));
         ::raise(SIGKILL);
     }},
    {"a hello of tomorrow, then death",
     [] {
         const raw_pipe control = pipe_of("control");
         control.say(hello_bytes(7, 9));
         std::vector<std::byte> bytes;
         std::exit(hear(control, bytes) == frame_kind::refused ? 5 : 87);
     }},
    {"the limit", say_the_limit},
    {"skips for ever", [] { say_for_ever(app().control, skipped_bytes(0)); }},
    {"skips for ever before the hello", [] { say_for_ever(pipe_of("control"), skipped_bytes(0)); }},
    {"skips for ever on a pipe", skip_for_ever_on_pipe},
    {"lends badly", lend_badly},
    {"flood", [] { flood("echo", 0); }},
    {"flood of unknown names", [] { flood("nobody", 0); }},
    {"flood of patience", [] { flood("late", 3600 * 1000); }},
    {"patience, then death",
     [] {
         app().ask(1, "busy");
         const raw_pipe pipe = pipe_of("1");
         pipe.say(open_bytes(1));
         for (std::uint64_t id = 2; id <= 500; ++id)
             app().control.say(connect_bytes(id, "late", 3600 * 1000));
         ::raise(SIGKILL);
     }},
    {"never opens, then death",
     [] {
         app().ask(1, "echo");
         ::raise(SIGKILL);
     }},
    {"half an open, then death", [] { open_and_die(open_bytes(1).substr(0, 5)); }},
    {"half a message, then death", [] { open_and_die(open_bytes(1) + announced(100) + "half"); }},
    {"takes the names before",
     [] {
         app();
         ::mkdir(path_of("2.up").c_str(), 0700);  // the first is there already
         app().ask(2, "echo");
         wait_to_be_stopped();
     }},
    {"takes the names after", [] { use_pipe_without_names(take_names_of_connection); }},
    {"unlinks everything", [] { use_pipe_without_names(unlink_everything); }},
    {"becomes another program",
     [] {
         app();
         ::execlp("sleep", "sleep", "3600", nullptr);
     }},
};

void talk(const std::string& how) {
    if (const auto words = first_words.find(how); words != first_words.end()) {
        const raw_pipe control = pipe_of("control");
        control.say(words->second);
        wait_to_be_stopped();
    }
    if (const auto words = later_words.find(how); words != later_words.end()) {
        app().control.say(words->second);
        wait_to_be_stopped();
    }
    if (const auto words = pipe_words.find(how); words != pipe_words.end()) {
        app().ask(1, "echo");
        const raw_pipe pipe = pipe_of("1");
        pipe.say(words->second);
        pipe.hear_to_the_end();
        std::exit(0);
    }
    const auto deed = deeds.find(how);
    if (deed == deeds.end()) std::exit(64);
    deed->second();
    wait_to_be_stopped();
}

}  // namespace

int main(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc < 3) return 64;
    directory = std::string(argv[1]).substr(std::strlen("--remora.pipes="));
    const std::string how = argv[2];
    if (how == "behaves") return behave(argc, argv);
    if (how == "follows the document") return follow_the_document();
    if (how == "scribbles") {
        make_things();
        return behave(argc, argv);
    }
    if (how == "at random" && argc > 4)
        act_at_random(directory, std::strtoull(argv[3], nullptr, 10),
                      argv[4] == std::string("fifo"));
    if (how == "asks for") app().ask(1, argc > 3 ? argv[3] : "");
    talk(how);
}
