// SPDX-License-Identifier: MIT
// Where the app's standard streams lead.
#include "support/hosts.hpp"

#include <atomic>
#include <future>

namespace {

using namespace test;
using remora::errc;
using remora::event_kind;
using strings = std::vector<std::string>;

// The app behind a shell's script, which starts it by "$@".
remora::server_options scripted(const std::string& script) {
    remora::server_options options;
    options.launcher = {"sh", "-c", script, "sh"};
    return options;
}

remora::line_function into(strings& lines) {
    return [&lines](std::string_view line) { lines.emplace_back(line); };
}

strings texts_of(const served_run& r, event_kind kind) {
    strings result;
    for (const auto& e : r.events)
        if (e.kind == kind) result.push_back(e.text);
    return result;
}

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("functions get the app's lines, from before its hello to the last one") {
    strings output, errors;
    auto options = scripted("echo early; \"$@\"; printf 'late, without an end'");
    options.standard_output = into(output);
    options.standard_error = into(errors);
    served_run r({"prints", "1"}, options);
    r.server.serve("echo", echo_service);
    const auto result = r.finish();
    CHECK(result.code() == 0);
    CHECK(output == strings{"early", "printed", "late, without an end"});
    CHECK(errors == strings{"printed"});
    CHECK(result.lines_dropped == 0);
    CHECK(r.is_clean());
}

TEST_CASE("what the app wrote before it was killed reaches the function") {
    strings output;
    auto options = scripted("echo one; printf two; kill -9 $$");
    options.standard_output = into(output);
    served_run r({}, options);
    CHECK(r.finish().code() == 137);
    CHECK(output == strings{"one", "two"});
    CHECK(r.is_clean());
}

TEST_CASE("a long line reaches the function in pieces") {
    strings output;
    auto options = scripted("head -c 200000 /dev/zero | tr '\\0' x; echo; echo end");
    options.standard_output = into(output);
    served_run r({}, options);
    r.finish();
    REQUIRE(output.size() == 5);
    CHECK(output[0].size() == 65536);
    CHECK(output[3].size() == 200000 - 3 * 65536);
    CHECK(output[4] == "end");
}

TEST_CASE("files are read from and appended to, run by run") {
    const scratch directory;
    std::ofstream(directory.path / "in") << "question\n";
    auto options = scripted("read line; echo $line; echo failed >&2; exec \"$@\"");
    options.standard_input = directory.path / "in";
    options.standard_output = directory.path / "out";
    options.standard_error = (directory.path / "out").string();
    for (int i = 0; i < 2; ++i) {
        served_run r({"echo", "1"}, options);
        r.server.serve("echo", echo_service);
        CHECK(r.finish().code() == 0);
        CHECK(r.is_clean());
    }
    CHECK(contents(directory.path / "out") == "question\nfailed\nquestion\nfailed\n");
}

TEST_CASE("a stream that cannot be had is named, and no app is started") {
    const auto before = open_descriptors();
    asio::io_context io;
    const auto failure_with = [&](const remora::server_options& options) {
        remora::server server{io, options};
        return test::failure_of([&] { server.start(); });
    };
    const auto no_file =
        failure_with({.target = REMORA_TEST_APP, .standard_input = "/no such file"});
    CHECK(no_file.code == std::errc::no_such_file_or_directory);
    CHECK(no_file.has("standard_input: open \"/no such file\""));
    const auto both = failure_with({.target = REMORA_TEST_APP,
                                    .standard_output = [](std::string_view) {},
                                    .standard_error = "/no such directory/file"});
    CHECK(both.has("standard_error: open \"/no such directory/file\""));
    const auto none =
        failure_with({.target = REMORA_TEST_APP, .standard_output = remora::line_function()});
    CHECK(none.code == code(errc::bad_option));
    CHECK(none.has("standard_output: no function"));
    CHECK(failure_with({.target = REMORA_TEST_APP, .standard_error = -1})
              .has("standard_error: -1 is no descriptor"));
    CHECK(no_child_is_left());
    CHECK(run_directories() == 0);
    CHECK(open_descriptors() <= before + 5);  // of the context
}

TEST_CASE("a function that throws is told of, and gets the next line") {
    strings output;
    auto options = scripted("echo one; echo two; exec \"$@\"");
    options.standard_output = [&output](std::string_view line) {
        output.emplace_back(line);
        if (line == "one") throw std::runtime_error("cannot take it");
    };
    served_run r({"echo", "1"}, options);
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    CHECK(output == strings{"one", "two"});
    CHECK(texts_of(r, event_kind::output_lost) ==
          strings{"standard_output: its function has thrown: cannot take it"});
    CHECK(r.is_clean());
}

TEST_CASE("the app does not wait for a slow function: what is too much is dropped and counted") {
    constexpr std::uint64_t written = 200'000;
    std::promise<void> gate;
    std::atomic<std::uint64_t> taken = 0;
    remora::server_options options =
        scripted("seq -f 'a line that is longer than its number: %.0f' 200000; \"$@\"");
    options.drain_timeout = 1h;
    options.standard_output = [&, open = gate.get_future().share()](std::string_view) {
        open.wait();  // until the app has ended
        ++taken;
    };
    served_run r({"echo", "1"}, options);
    r.server.serve("echo", echo_service);
    std::optional<remora::run_result> result;
    auto work = asio::make_work_guard(r.io);
    asio::co_spawn(r.io, r.run().exited(), [&](auto, auto) { gate.set_value(); });
    asio::co_spawn(r.io, r.run().result(), [&](auto, auto end) {
        result = end;
        work.reset();
    });
    std::thread other([&] { r.io.run_for(patience); });
    r.io.run_for(patience);
    other.join();
    REQUIRE(result);
    CHECK(result->lines_dropped > 0);
    CHECK(taken + result->lines_dropped == written);
    CHECK(texts_of(r, event_kind::output_lost) ==
          strings{"standard_output: dropped " + std::to_string(result->lines_dropped) +
                  " lines, for which its function was too slow"});
}

TEST_CASE("lines that are not taken in time after the app's end are dropped") {
    std::promise<void> gate;
    auto options = scripted("seq 1 100");
    options.drain_timeout = 0ns;
    std::atomic<std::uint64_t> taken = 0;
    options.standard_output = [&](std::string_view) { ++taken; };
    served_run r({}, options);
    r.await_death_of_app();  // nothing was read so far
    const auto result = r.finish();
    CHECK(taken + result.lines_dropped == 100);
    CHECK(r.is_clean());
}

TEST_CASE("what the app leaves behind with its output does not hold up the result") {
    channel lifeline;
    strings errors;
    const orphanage all;
    remora::server_options options;
    options.standard_input = lifeline.out.get();
    options.standard_error = into(errors);
    served_run r({"forks"}, options);
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 137);
    lifeline.in.reset();
    CHECK(orphanage::ends() == std::vector{exited(0)});
}

TEST_CASE("what the app leaves behind and writes for ever does not hold up the result") {
    const orphanage all;
    auto options = scripted("yes & exec \"$@\"");
    options.drain_timeout = 10ms;
    options.standard_output = [](std::string_view line) { CHECK(line.size() <= 1); };
    served_run r({"echo", "1"}, options);
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    CHECK(orphanage::ends() == std::vector{signalled(SIGPIPE)});
    CHECK(r.is_clean());
}

TEST_CASE("a context that is gone before the app leaves nothing of the reader") {
    const auto before = open_descriptors();
    strings output;
    {
        auto options = scripted("echo one; exec \"$@\"");
        options.standard_output = into(output);
        served_run r({"waits"}, options);
        r.server.serve("silent", echo_service);
        run_until(r.io, [&] { return !output.empty(); });
    }
    CHECK(open_descriptors() == before);
    CHECK(no_child_is_left());
}

}  // namespace
