// SPDX-License-Identifier: MIT
#include "files.hpp"

#include "machine.hpp"
#include "process.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace bench {

namespace {

using namespace std::chrono_literals;

// Debian's: another python3 that comes first in PATH does not see Debian's matplotlib.
constexpr const char* python = "/usr/bin/python3";

void check_writable(const std::string& file) {
    if (!std::ofstream{file, std::ios::app})
        throw std::system_error{errno, std::generic_category(), file};
}

void draw(const options& chosen, const std::string& json, const end_requests& requests) {
    const int memory = checked(::memfd_create("rows", 0), "memfd_create");
    const std::string rows = "/proc/self/fd/" + std::to_string(memory);
    std::ofstream{rows} << json;
    const auto script = options::own_directory() / "plot.py";
    output_of({python, script, rows, chosen.plot, machine()}, 60s, requests);
    ::close(memory);
}

}  // namespace

void check_files(const options& chosen, const end_requests& requests) {
    if (!chosen.json.empty()) check_writable(chosen.json);
    if (chosen.plot.empty()) return;
    check_writable(chosen.plot);
    output_of({python, "-c", "import matplotlib"}, 60s, requests);
}

void write_files(const options& chosen, const std::vector<summary>& rows,
                 const end_requests& requests) {
    const std::string json = to_json(rows).dump(1) + '\n';
    if (!chosen.json.empty()) {
        std::ofstream file{chosen.json};
        if (!(file << json).flush())
            throw std::system_error{errno, std::generic_category(), chosen.json};
    }
    if (!chosen.plot.empty()) draw(chosen, json, requests);
}

}  // namespace bench
