// SPDX-License-Identifier: MIT
// Which file a trace is written to.
#include "base/print_line.hpp"
#include "base/trace_file.hpp"

#include <remora/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace remora::detail {
namespace {

constexpr std::uint64_t usual_limit_in_mib = 1024;
std::string with_pid(std::string path) {
    for (std::size_t at = 0; (at = path.find("%p", at)) != std::string::npos;)
        path.replace(at, 2, std::to_string(::getpid()));
    return path;
}

std::uint64_t limit_of_environment() {
    const char* const text = ::secure_getenv("REMORA_TRACE_LIMIT");
    if (text == nullptr || *text == '\0') return usual_limit_in_mib << 20;
    const char* const end = text + std::strlen(text);
    std::uint64_t count = 0;
    const bool is_read = std::from_chars(text, end, count).ptr == end;
    if (is_read && count != 0 && count <= ~std::uint64_t{0} >> 20) return count << 20;
    print_line("remora: REMORA_TRACE_LIMIT is " + quote(text) +
               ", and no number of MiB; taken for " + std::to_string(usual_limit_in_mib));
    return usual_limit_in_mib << 20;
}

// Never waits, as it would for the reader of a FIFO.
unique_fd open_regular(const std::string& path, int flags) {
    unique_fd fd(::open(path.c_str(),
                        flags | O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
    struct stat found{};
    if (!fd || ::fstat(fd.get(), &found) != 0) throw_system_error(errno, "opening it");
    if (!S_ISREG(found.st_mode)) throw_system_error(EINVAL, "it is no regular file");
    if (found.st_uid != ::geteuid()) throw_system_error(EPERM, "it belongs to another user");
    return fd;
}

}  // namespace

std::shared_ptr<trace_file> trace_file::make() {
    const char* const given = ::secure_getenv("REMORA_TRACE");
    if (given == nullptr || *given == '\0') return nullptr;
    const std::string path = with_pid(given);
    try {
        unique_fd fd = open_regular(path, O_CREAT);
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
            throw_system_error(errno, "another run writes to it");
        if (::ftruncate(fd.get(), 0) != 0) throw_system_error(errno, "emptying it");
        const std::string absolute = std::filesystem::canonical(path).string();
        std::shared_ptr<trace_file> made(
            new trace_file(std::move(fd), absolute, limit_of_environment(), true));
        made->name_process("server", "[\n");
        return made;
    } catch (const std::system_error& e) {
        say(path, e.what());
        return nullptr;
    }
}

std::shared_ptr<trace_file> trace_file::join(const std::string& address) {
    const std::size_t colon = address.find(':');
    if (colon == std::string::npos) return nullptr;
    const std::string path = address.substr(colon + 1);
    std::uint64_t limit = 0;
    std::from_chars(address.data(), address.data() + colon, limit);
    try {
        std::shared_ptr<trace_file> joined(
            new trace_file(open_regular(path, O_NOFOLLOW), path, limit, false));
        joined->name_process("app", ",\n");
        return joined;
    } catch (const std::system_error& e) {
        say(path, e.what());
        return nullptr;
    }
}

}  // namespace remora::detail
