// SPDX-License-Identifier: MIT
#include "base/trace_file.hpp"

#include "base/held_signal.hpp"
#include "base/path_text.hpp"
#include "base/print_line.hpp"

#include <remora/error.hpp>

#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace remora::detail {

void append_json(std::string& to, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    to += '"';
    for (const unsigned char c : text) {
        if (c == '"' || c == '\\') {
            to += {'\\', static_cast<char>(c)};
        } else if (c < 0x20 || c >= 0x7f) {
            to += {'\\', '\\', 'x', digits[c >> 4], digits[c & 15]};
        } else {
            to += static_cast<char>(c);
        }
    }
    to += '"';
}

trace_file::trace_file(unique_fd fd, const std::string& path, std::uint64_t limit, bool is_server)
    : fd_(std::move(fd)),
      path_(path),
      limit_(limit),
      address_(std::to_string(limit) + ":" + path),
      pid_(::getpid()),
      is_server_(is_server) {
}

void trace_file::say(const std::string& path, std::string_view why) noexcept try {
    print_line("remora: trace " + quote(path_text(path)) + ": " + std::string(why));
} catch (const std::bad_alloc&) {
}

trace_file::~trace_file() {
    if (is_server_) finish();
}

void trace_file::name_process(std::string_view what, const char* before) {
    std::string record = before;
    record += "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":" + std::to_string(pid_);
    record += ",\"args\":{\"name\":";
    append_json(record, std::string(what) + " " + program_invocation_short_name);
    record += "}}";
    put_track(record, 0, "events");
    append(record);
}

void trace_file::put_track(std::string& to, int track, std::string_view name) const {
    to += ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":" + std::to_string(pid_);
    to += ",\"tid\":" + std::to_string(track) + ",\"args\":{\"name\":";
    append_json(to, name);
    to += "}}";
}

int trace_file::add_track(std::string_view name) {
    int track = 0;
    {
        const std::lock_guard lock(writing_);
        track = ++tracks_;
    }
    std::string record;
    put_track(record, track, name);
    append(record);
    return track;
}

void trace_file::begin_record(std::string& to, const trace_event& what) const {
    const auto time = what.when.time_since_epoch();
    const auto nanoseconds = std::chrono::nanoseconds(time).count();
    char rest[96];
    std::snprintf(rest, sizeof rest, "\"ph\":\"%c\",\"ts\":%lld.%03lld,\"pid\":%d,\"tid\":%d",
                  what.phase, static_cast<long long>(nanoseconds / 1000),
                  static_cast<long long>(nanoseconds % 1000), pid_, what.track);
    to += ",\n{";
    if (!what.name.empty()) {
        to += "\"name\":";
        append_json(to, what.name);
        to += ',';
    }
    to += rest;
}

void trace_file::note(std::string_view what) noexcept try {
    std::string record;
    begin_record(record, {'i', 0, std::chrono::steady_clock::now(), what});
    append(record += ",\"s\":\"p\"}");
} catch (const std::bad_alloc&) {
}

void trace_file::append(std::string_view records) noexcept {
    const std::lock_guard lock(writing_);
    if (stopped_ || records.empty()) return;
    if (!write(records)) return stop_at_error(errno);
    // The other process writes there, too.
    const off_t size = ::lseek(fd_.get(), 0, SEEK_CUR);
    if (size < 0 || static_cast<std::uint64_t>(size) >= limit_) stop_at_limit();
}

void trace_file::stop_at_error(int number) noexcept try {
    stopped_ = true;
    say(path_, "it ends early: " + std::system_category().message(number));
} catch (const std::bad_alloc&) {
}

void trace_file::stop_at_limit() noexcept try {
    stopped_ = true;
    const std::string why = "it ends early: " + std::to_string(limit_ / mib) + " MiB are written";
    say(path_, why);
    std::string record;
    begin_record(record, {'i', 0, std::chrono::steady_clock::now(), "trace: " + why});
    write(record += ",\"s\":\"p\"}");
} catch (const std::bad_alloc&) {
}

// All of it, or nothing: a record of the other process may follow.
bool trace_file::write(std::string_view text) noexcept {
    const held_signal beyond_the_limit_of_files(SIGXFSZ);
    std::size_t done = 0;
    while (done != text.size()) {
        const ssize_t count = ::write(fd_.get(), text.data() + done, text.size() - done);
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    if (done == text.size()) return true;
    const int why = errno;
    const off_t end = ::lseek(fd_.get(), 0, SEEK_CUR);
    struct stat now{};
    const bool is_last = ::fstat(fd_.get(), &now) == 0 && now.st_size == end;
    if (done != 0 && is_last && ::ftruncate(fd_.get(), end - static_cast<off_t>(done)) != 0)
        say(path_, "its last record is cut");
    errno = why;
    return false;
}

void trace_file::leave_open() noexcept {
    const std::lock_guard lock(writing_);
    leaves_open_ = true;
}

void trace_file::finish() noexcept {
    const std::lock_guard lock(writing_);
    if (!fd_) return;
    stopped_ = true;
    if (!leaves_open_) write("\n]\n");
    ::flock(fd_.get(), LOCK_UN);  // a child that was forked off may have it open
    fd_.reset();
}

}  // namespace remora::detail
