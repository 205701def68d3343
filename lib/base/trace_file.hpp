// SPDX-License-Identifier: MIT
/// The file that REMORA_TRACE names: what is written down of a run, by its server and its app.
#pragma once

#include "base/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace remora::detail {

/// A moment by CLOCK_MONOTONIC, which is the same in all processes.
using trace_time = std::chrono::steady_clock::time_point;

/// Appends a JSON string. Bytes that are not fit to be shown are written as \xNN, as by quote().
void append_json(std::string& to, std::string_view text);

/// What records of an event begin with: all but its arguments and the closing brace.
struct trace_event {
    char phase;  ///< of the format: B, E, i
    int track;   ///< of this process; 0: none
    trace_time when;
    std::string_view name;  ///< empty for an end
};

/// Records of Chrome's Trace Event Format in a JSON array, to which two processes append: each
/// write is of whole records and goes to the end of the file. So nothing that was written is lost
/// if a process dies, and nothing has to be kept in memory. For any thread.
class trace_file {
public:
    /// In a server, for a run: makes the file that REMORA_TRACE names. Null without that variable,
    /// or if it cannot be made: then a line on stderr says why.
    static std::shared_ptr<trace_file> make();
    /// In an app: joins its server in the file of this address(). Null as above.
    static std::shared_ptr<trace_file> join(const std::string& address);
    /// The variable by which an app gets it.
    static constexpr const char* variable = "REMORA_TRACE_INTO";
    ~trace_file();
    trace_file(const trace_file&) = delete;
    trace_file& operator=(const trace_file&) = delete;

    /// What an app is given to join: the limit in bytes, a colon, and the path.
    const std::string& address() const noexcept { return address_; }

    /// A further track of this process, and its number. Throws std::bad_alloc.
    int add_track(std::string_view name);
    /// Begins a record with all but the arguments and the last brace.
    void begin_record(std::string& to, const trace_event& what) const;
    /// Writes records. What the system refuses is told on stderr, once, and ends the trace.
    void append(std::string_view records) noexcept;
    /// Writes an event of the whole process. Nothing, where memory is short.
    void note(std::string_view what) noexcept;

    /// In a server: the app may live on after the run, and go on writing: the array stays open.
    void leave_open() noexcept;
    /// In a server: completes the file. Whatever follows is dropped.
    void finish() noexcept;

private:
    static constexpr std::uint64_t mib = 1u << 20;

    trace_file(unique_fd fd, const std::string& path, std::uint64_t limit, bool is_server);

    static void say(const std::string& path, std::string_view why) noexcept;
    void name_process(std::string_view what, const char* before);
    void put_track(std::string& to, int track, std::string_view name) const;
    bool write(std::string_view text) noexcept;
    void stop_at_error(int number) noexcept;
    void stop_at_limit() noexcept;

    std::mutex writing_;
    unique_fd fd_;
    std::string path_;
    std::uint64_t limit_;  ///< of the file, in bytes
    std::string address_;
    int pid_;
    bool is_server_;
    bool leaves_open_ = false;  ///< guarded by writing_
    bool stopped_ = false;      ///< by an error or the limit; guarded by writing_
    int tracks_ = 0;            ///< guarded by writing_
};

}  // namespace remora::detail
