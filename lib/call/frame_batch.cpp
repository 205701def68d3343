// SPDX-License-Identifier: MIT
#include <remora/detail/call/frame_batch.hpp>
#include <remora/detail/call/pipe_end.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include <time.h>

#include <chrono>
#include <cstdint>
#include <new>
#include <utility>

namespace remora::detail {

namespace {

// Frames that leave together, at most: the other end works on them while this one makes the next.
constexpr int most_at_once = 16;
// How long a frame waits for others before the next handler runs.
constexpr auto longest_batch = std::chrono::microseconds(20);
// Reading the clock takes as long as a handler that computes little. After a frame that took no
// longer than this it is read for each eighth only, as long as the coarse clock stands still.
constexpr auto quick = std::chrono::microseconds(1);
constexpr int frames_between_clocks = 8;

// Ticks every few milliseconds, and costs a tenth of the other clock.
std::int64_t coarse_tick() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

void frame_batch::before_frame() {
    is_open_ = true;
    flush_if_due();
}

void frame_batch::end() {
    wake_streams();
    is_open_ = false;
    flush();
}

void frame_batch::queued(position p) {
    last_ = p;
    if (!is_open_ || !end_.has_buffered_input() || ++queued_ == most_at_once) flush();
}

// What is answered to the only frame leaves at once.
void frame_batch::flush_if_due() {
    if (queued_ == 0 && !end_.has_input_after_head()) return;
    const auto tick = coarse_tick();
    if (--frames_to_next_look_ > 0 && tick == tick_) return;
    tick_ = tick;
    read_clock();
}

void frame_batch::read_clock() {
    const auto now = std::chrono::steady_clock::now();
    const auto since = now - clock_read_;
    const auto frames = frames_between_looks_ - frames_to_next_look_;
    frames_to_next_look_ = frames_between_looks_ =
        since < frames * quick ? frames_between_clocks : 1;
    clock_read_ = now;
    if (queued_ != 0 && (now >= until_ || since >= longest_batch)) flush();
    if (until_ == deadline::max()) until_ = now + longest_batch;
}

// A failure to write is the end: the reader meets it.
void frame_batch::flush() {
    queued_ = 0;
    until_ = deadline::max();
    if (last_.end == 0 || !end_.can_send()) return;
    try {
        end_.flush(std::exchange(last_, {}));
    } catch (const error& e) {
        end_.fail(e.code());
    } catch (const std::bad_alloc&) {
        end_.fail(std::make_error_code(std::errc::not_enough_memory));
    }
}

frame_batch::position frame_batch::put_empty(frame_kind kind, std::uint64_t id,
                                             std::uint8_t flags) {
    return end_.put(kind, id, 0, flags, [](byte_buffer&) {});
}

frame_batch::position frame_batch::put_number(frame_kind kind, std::uint64_t id, std::uint8_t flags,
                                              std::uint64_t number) {
    return end_.put(kind, id, 0, flags, [&](byte_buffer& to) { encode(to, number); });
}

void frame_batch::send_number(frame_kind kind, std::uint64_t id, std::uint8_t flags,
                              std::uint64_t number) {
    queued(put_number(kind, id, flags, number));
}

void frame_batch::wake_later(std::shared_ptr<incoming_stream> stream) {
    try {
        to_wake_.push_back(stream);
    } catch (const std::bad_alloc&) {
        stream->resume();
    }
}

void frame_batch::wake_streams() {
    while (!to_wake_.empty()) {
        const auto next = std::move(to_wake_.back());
        to_wake_.pop_back();
        next->resume();
    }
}

}  // namespace remora::detail
