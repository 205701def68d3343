// SPDX-License-Identifier: MIT
/// What is written down of the frames of one end of a pipe.
#pragma once

#include "base/trace_file.hpp"
#include "pipe/failure_words.hpp"

#include <remora/detail/wire/frame.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace remora::detail {

/// Frames in, records of events out. A request begins a span, its answer ends it, and every other
/// frame is an instant. The end of a span says how the call has ended. A pipe has one track, and
/// further ones for as many calls as are in flight at once: spans of a track do not overlap.
/// Belongs to the pipe's executor. Where memory is short records are lost.
class pipe_trace {
public:
    enum class way { sent, received };

    /// `service` is the name of the pipe, `track` that of its tracks.
    pipe_trace(std::shared_ptr<trace_file> file, const std::string& service, std::string track);
    /// Ends the spans of the calls that have no answer.
    ~pipe_trace();
    pipe_trace(const pipe_trace&) = delete;
    pipe_trace& operator=(const pipe_trace&) = delete;

    /// The first `count` of these bytes have left, at `when`; the first of all stands at `begin` of
    /// its direction. A frame counts when its first byte has left, and is whole in `bytes` then.
    void sent(std::span<const std::byte> bytes, std::size_t count, std::uint64_t begin,
              trace_time when) noexcept;
    /// A frame was read, of so many bytes up to `end` of its direction; perhaps once more. `type`
    /// is the name of its type.
    void received(const frame& f, std::string_view type, std::size_t size,
                  std::uint64_t end) noexcept;
    /// The time of this call of this end has passed. given_up() follows.
    void timed_out(std::uint64_t id) noexcept;
    /// Who has made this call of this end goes on without its answer: the span ends. What comes
    /// later is an instant.
    void given_up(std::uint64_t id) noexcept;
    /// The first frame of a connection, which no end of a pipe reads or writes.
    void opened(way which, std::uint64_t connection) noexcept;

private:
    struct call {
        std::uint64_t id = 0;
        bool of_this_end = false;

        auto operator<=>(const call&) const = default;
    };
    /// A track of the pipe, and the call whose span is on it now.
    struct lane {
        int track = 0;
        bool busy = false;
        call with = {};
    };
    struct traced_frame {
        way which;
        const frame_header& header;
        std::span<const std::byte> payload;
        std::string_view type;
        std::size_t size;
        trace_time when;
    };

    void put_sent(const std::byte* at, trace_time when) noexcept;
    void end_spans() noexcept;
    void note_name(const frame_header& header, const std::byte* payload);
    std::string_view name_of(std::uint64_t tag) const;
    void put(const traced_frame& f);
    void put_event(char phase, const lane* on, const traced_frame& f);
    void put_arguments(const traced_frame& f);
    void put_request(const traced_frame& f);
    void put_cancelled(const traced_frame& f);
    void end_span(lane& on, trace_time when, const traced_frame* answer);
    end_word end_of(const call& which, const traced_frame* answer) const noexcept;
    static call call_of(const traced_frame& f) noexcept;
    lane* span_of(const traced_frame& f) noexcept;
    lane* span_of(const call& which) noexcept;
    lane* begin_span(const traced_frame& f);
    void flush() noexcept;

    std::shared_ptr<trace_file> file_;
    std::string service_;  ///< as JSON
    std::string track_;
    std::vector<lane> lanes_;
    std::map<call, const end_word*> given_up_;  ///< whose span has not ended, and how it will
    std::uint64_t next_sent_ = 0;               ///< where the next frame begins
    std::uint64_t next_received_ = 0;           ///< the same
    std::unordered_map<std::uint64_t, std::string> names_sent_;
    std::string first_piece_;  ///< of the frame that leaves in pieces: as much as a name takes
    std::string records_;      ///< that are not in the file yet
};

}  // namespace remora::detail
