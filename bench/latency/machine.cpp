// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <asio/version.hpp>

#include <sched.h>
#include <sys/utsname.h>

#include <fstream>

namespace bench {

namespace {

std::string cpu_model() {
    std::ifstream file{"/proc/cpuinfo"};
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
    return "unknown CPU";
}

std::string asio_version() {
    return std::to_string(ASIO_VERSION / 100000) + '.' + std::to_string(ASIO_VERSION / 100 % 1000) +
           '.' + std::to_string(ASIO_VERSION % 100);
}

}  // namespace

std::string machine() {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    ::sched_getaffinity(0, sizeof usable, &usable);
    utsname system{};
    ::uname(&system);
    return cpu_model() + ", " + std::to_string(CPU_COUNT(&usable)) + " CPUs, " + system.sysname +
           ' ' + system.release;
}

std::string build() {
#if defined(__clang__)
    const std::string compiler = __VERSION__;
#else
    const std::string compiler = "g++ " __VERSION__;
#endif
    return compiler + ", Asio " + asio_version() + ", Remora " REMORA_VERSION;
}

}  // namespace bench
