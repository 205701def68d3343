// SPDX-License-Identifier: MIT
// Starts that fail, and what is said of them.
#include <remora/process.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "process/children.hpp"

namespace fs = std::filesystem;
using remora::spawn_options;

namespace {

test::failure spawn_failure_of(const spawn_options& options) {
    asio::io_context io;
    const auto masked =
        test::failure_of([&] { remora::child child(io.get_executor(), test::by_fork(options)); });
    const auto failure = test::failure_of([&] { remora::child child(io.get_executor(), options); });
    CHECK(masked.code == failure.code);
    CHECK(masked.text == failure.text);
    test::run_all(io);
    CHECK(test::no_child_is_left());
    return failure;
}

test::failure failure_of_file(const std::string& text, mode_t mode) {
    const test::scratch directory;
    const fs::path path = directory.path / "target";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    const auto failure = spawn_failure_of({.target = path});
    CHECK(failure.has("\"" + path.string() + "\""));
    return failure;
}

std::error_code system_code(int number) {
    return {number, std::system_category()};
}

}  // namespace

TEST_CASE("a target that cannot be started is named with the reason, and no child is left") {
    const auto missing = spawn_failure_of({.target = "/no such/\xc3\xa9"});
    CHECK(missing.code == system_code(ENOENT));
    CHECK(missing.has("\"/no such/\xc3\xa9\": it does not exist"));
    const auto dots = spawn_failure_of({.target = "/no//such/./file"});
    CHECK(dots.has("start \"/no/such/file\": it does not exist"));
    const auto directory = spawn_failure_of({.target = "/tmp"});
    CHECK(directory.code == system_code(EACCES));
    CHECK(directory.has("is a directory"));
    const auto device = spawn_failure_of({.target = "/dev/null"});
    CHECK(device.has("is not a regular file"));
    const auto plain = failure_of_file("text", 0644);
    CHECK(plain.code == system_code(EACCES));
    CHECK(plain.has("is not executable"));
    const auto unknown = failure_of_file("text", 0755);
    CHECK(unknown.code == system_code(ENOEXEC));
    CHECK(unknown.has("is not a program that this system runs"));
}

TEST_CASE("a bad interpreter is named") {
    const auto missing = failure_of_file("#! /no/interpreter -x\nexit", 0755);
    CHECK(missing.code == system_code(ENOENT));
    CHECK(missing.has("names the interpreter \"/no/interpreter\", which does not exist"));
    CHECK(failure_of_file("#!/bin/sh\r\n", 0755).has("\"/bin/sh\\x0d\", which does not exist"));
    CHECK(failure_of_file("#!/etc/passwd\n", 0755).has("\"/etc/passwd\", which is not exec"));
    CHECK(failure_of_file("#!/tmp\n", 0755).has("\"/tmp\", which is a directory"));
    CHECK(failure_of_file("#!\n", 0755).has("names no interpreter"));
}

TEST_CASE("arguments that are too long are said to be so") {
    const auto failure = spawn_failure_of(test::our_child({std::string(1 << 20, 'x')}));
    CHECK(failure.code == system_code(E2BIG));
    CHECK(failure.has("arguments and environment have"));
}

TEST_CASE("a bad working directory is named") {
    auto options = test::our_child({"directory"});
    options.working_directory = "/no/directory";
    CHECK(spawn_failure_of(options).has("its working directory \"/no/directory\" does not exist"));
    options.working_directory = "/no//./directory";
    CHECK(spawn_failure_of(options).has("its working directory \"/no/directory\" does not exist"));
    options.working_directory = "/etc/passwd";
    CHECK(
        spawn_failure_of(options).has("its working directory \"/etc/passwd\" is not a directory"));
}

TEST_CASE("a launcher that is missing is named") {
    auto options = test::our_child({"directory"});
    options.launcher = {"no_such_launcher"};
    CHECK(spawn_failure_of(options).has("\"no_such_launcher\": looked up in PATH"));
}

TEST_CASE("options that make no sense are refused") {
    using remora::errc;
    CHECK(spawn_failure_of({}).code == test::code(errc::bad_option));
    CHECK(spawn_failure_of(test::our_child({std::string("a\0b", 3)})).code ==
          test::code(errc::bad_option));
    auto options = test::our_child({});
    options.environment = {"NAME"};
    CHECK(spawn_failure_of(options).code == test::code(errc::bad_option));
    options.environment = {"=value"};
    CHECK(spawn_failure_of(options).code == test::code(errc::bad_option));
    options.environment = {};
    options.inherit = {{0, 2}};
    CHECK(spawn_failure_of(options).code == test::code(errc::bad_option));
    options.inherit = {};
    options.handled_signals = {1000};
    CHECK(spawn_failure_of(options).code == test::code(errc::bad_option));
    options.handled_signals = {};
    options.standard_input = 9999;
    CHECK(spawn_failure_of(options).code == system_code(EBADF));
    options.standard_input = ::open("/no such file", O_RDONLY);
    CHECK(spawn_failure_of(options).has("standard_input: -1 is no descriptor"));
}

TEST_CASE("a limit that cannot be set is an error, and no child is left") {
    asio::io_context io;
    auto options = test::our_child({"surroundings"});
    options.resource_limits = {{RLIMIT_NOFILE, 30, 20}};
    const auto failure = test::failure_of([&] { remora::child child(io.get_executor(), options); });
    CHECK(failure.code == system_code(EINVAL));
    CHECK(failure.has("its limit of resource " + std::to_string(RLIMIT_NOFILE)));
    options.resource_limits = {{.soft = 30}};
    CHECK(test::failure_of([&] {
              remora::child child(io.get_executor(), options);
          }).has("resource_limits: no resource is named"));
    CHECK(test::no_child_is_left());
}
