// SPDX-License-Identifier: MIT
#include "pipe/pipe_trace.hpp"

#include "process/children.hpp"

#include <remora/archive.hpp>
#include <remora/call.hpp>
#include <remora/detail/pipe/frame_writer.hpp>

#include <doctest/doctest.h>

#include <stdlib.h>

#include <fstream>
#include <optional>
#include <string>

namespace {

using remora::failure_kind;
using remora::detail::frame_header;
using remora::detail::frame_kind;
using remora::detail::frame_writer;
using remora::detail::pipe_trace;
using remora::detail::trace_file;

// The record of a failure: wire::call_failure.
struct told_failure {
    std::uint8_t kind = 0, category = 0;
    std::int32_t code = 0;
    std::string text;
};

remora::detail::frame arriving(const frame_header& header,
                               std::span<const std::byte> payload = {}) {
    return {header, {}, payload};
}

// A trace of one pipe, and the lines of its file.
class traced_pipe {
public:
    traced_pipe() {
        ::setenv("REMORA_TRACE", (folder_.path / "trace").c_str(), 1);
        file_ = trace_file::make();
        ::unsetenv("REMORA_TRACE");
        trace.emplace(file_, "maths", "maths #1");
    }

    // So many lines of it have this.
    std::size_t count(const std::string& words) const {
        std::ifstream in(folder_.path / "trace");
        std::size_t found = 0;
        for (std::string line; std::getline(in, line);)
            found += line.find(words) != std::string::npos;
        return found;
    }

    // Queues a frame.
    frame_writer::position put(frame_kind kind, std::uint64_t id = 0, std::size_t size = 0,
                               std::uint64_t tag = 0, std::string_view type = {}) {
        auto p = queue.begin_frame(kind, id, tag, type);
        queue.out().extend(size);
        queue.end_frame(p);
        return p;
    }
    // Writes so many bytes of what is queued.
    void write(std::size_t count) {
        trace->sent(queue.unwritten(), count, queue.written(), {});
        queue.advance(count);
    }
    void write_all() {
        while (queue.queued() != 0)
            write(queue.unwritten().size());
    }

private:
    test::scratch folder_;
    std::shared_ptr<trace_file> file_;

public:
    std::optional<pipe_trace> trace;
    frame_writer queue{1 << 20};
};

}  // namespace

TEST_CASE("a frame is written down when its first byte has left, and once") {
    traced_pipe t;
    t.put(frame_kind::message, 0, 100);
    t.put(frame_kind::message, 0, 100);
    CHECK(t.count("message") == 0);
    for (std::size_t i = 0; i != frame_header::size + 100; ++i) {
        t.write(1);
        CHECK(t.count("\"way\":\"sent\"") == 1);
    }
    t.write(1);
    CHECK(t.count("\"way\":\"sent\"") == 2);
    t.write_all();
    CHECK(t.count("\"size\":124}") == 2);
}

TEST_CASE("a frame that was taken back is not written down") {
    traced_pipe t;
    t.put(frame_kind::message, 0, 8);
    const auto second = t.put(frame_kind::request, 1, 8);
    t.put(frame_kind::cancel, 2, 0);
    t.write(10);
    CHECK(t.queue.withdraw(second));
    t.write_all();
    CHECK(t.count("\"frame\":\"message\"") == 1);
    CHECK(t.count("\"frame\":\"cancel\"") == 1);
    CHECK(t.count("\"frame\":\"request\"") == 0);
}

TEST_CASE("a frame that is read twice is written down once") {
    traced_pipe t;
    const auto message = arriving({.kind = frame_kind::message});
    t.trace->received(message, "one", 30, 30);
    t.trace->received(message, "one", 30, 30);
    CHECK(t.count("\"type\":\"one\"") == 1);
    t.trace->received(message, "one", 30, 60);
    CHECK(t.count("\"type\":\"one\"") == 2);
}

TEST_CASE("a type keeps the name that its first frame had") {
    traced_pipe t;
    t.queue.cut_large_frames();
    for (int i = 0; i != 2; ++i) {
        t.put(frame_kind::message, 0, 8, 7, "small");
        t.put(frame_kind::request, 1, 200'000, 8, "large");
        t.write_all();
    }
    CHECK(t.count("\"type\":\"small\"") == 2);
    CHECK(t.count(
              "\"frame\":\"request\",\"way\":\"sent\",\"service\":\"maths\",\"type\":\"large\"") ==
          2);
    CHECK(t.count("\"frame\":\"piece\"") == 6);
}

TEST_CASE("calls of both ends with one number are told apart") {
    traced_pipe t;
    t.put(frame_kind::request, 1);
    t.write_all();
    t.trace->received(arriving({.kind = frame_kind::request, .id = 1}), "theirs", 24, 24);
    t.trace->received(
        arriving({.kind = frame_kind::item, .flags = frame_header::of_sender, .id = 1}), "item", 24,
        48);
    t.trace->received(arriving({.kind = frame_kind::reply, .id = 1}), "answer", 24, 72);
    CHECK(t.count("\"ph\":\"B\"") == 2);
    CHECK(t.count("\"name\":\"item\",\"ph\":\"i\"") == 1);
    CHECK(t.count("\"tid\":2") == 3);  // its name, the request, and the item
    CHECK(t.count("\"ph\":\"E\"") == 1);
    t.trace.reset();
    CHECK(t.count("\"answer\":null") == 1);
}

TEST_CASE("the end of a call says whether it was answered, has failed, or was given up") {
    traced_pipe t;
    const auto failure = [](failure_kind kind) {
        remora::byte_buffer bytes;
        remora::encode(bytes, told_failure{.kind = static_cast<std::uint8_t>(kind), .text = "no"});
        return bytes;
    };
    const auto gone = failure(failure_kind::gone), failed = failure(failure_kind::failed);
    for (std::uint64_t id = 1; id != 7; ++id)
        t.put(frame_kind::request, id);
    t.write_all();
    t.trace->given_up(4);
    t.trace->timed_out(5);
    t.trace->given_up(5);
    CHECK(t.count("\"answer\":null") == 2);
    std::uint64_t end = 0;
    const auto answer = [&](frame_kind kind, std::uint64_t id, std::span<const std::byte> payload) {
        t.trace->received(arriving({.kind = kind, .id = id}, payload), "", 24, ++end);
    };
    answer(frame_kind::reply, 1, {});
    answer(frame_kind::failure, 2, failed.bytes());
    answer(frame_kind::failure, 3, gone.bytes());
    answer(frame_kind::end, 4, {});
    answer(frame_kind::failure, 5, failed.bytes());
    answer(frame_kind::failure, 6, {});
    t.put(frame_kind::request, 7);
    t.write_all();
    t.trace.reset();
    CHECK(t.count("\"end\":\"answered\"") == 1);
    CHECK(t.count("\"cname\":\"terrible\",\"args\":{\"end\":\"failed\"") == 2);
    CHECK(t.count("\"cname\":\"terrible\",\"args\":{\"end\":\"gone\"") == 2);
    CHECK(t.count("\"cname\":\"grey\",\"args\":{\"end\":\"cancelled\"") == 1);
    CHECK(t.count("\"cname\":\"bad\",\"args\":{\"end\":\"timed out\"") == 1);
    CHECK(t.count("\"ph\":\"E\"") == 7);
    CHECK(t.count("\"name\":\"end\",\"ph\":\"i\"") == 1);
    CHECK(t.count("\"failure\":{\"kind\":\"failed\",\"text\":\"no\"}") == 2);
}

TEST_CASE("a call that is given up before its request has left ends when that leaves") {
    traced_pipe t;
    t.put(frame_kind::request, 1);
    t.put(frame_kind::request, 2);
    t.trace->timed_out(1);
    t.trace->given_up(1);
    t.trace->given_up(2);
    CHECK(t.count("\"ph\":\"E\"") == 0);
    t.write_all();
    CHECK(t.count("\"end\":\"timed out\",\"answer\":null") == 1);
    CHECK(t.count("\"end\":\"cancelled\",\"answer\":null") == 1);
}

TEST_CASE("a call that the other end has cancelled is so without its answer, too") {
    traced_pipe t;
    const frame_header cancel{.kind = frame_kind::cancel, .id = 1};
    t.trace->received(arriving({.kind = frame_kind::request, .id = 1}), "theirs", 24, 24);
    t.trace->received(arriving(cancel), "", 24, 48);
    t.trace.reset();
    CHECK(t.count("\"end\":\"cancelled\",\"answer\":null") == 1);
}

TEST_CASE("calls beyond a thousand at once have no span") {
    traced_pipe t;
    for (std::uint64_t id = 1; id != 1030; ++id)
        t.trace->received(arriving({.kind = frame_kind::request, .id = id}), "question", 24,
                          24 * id);
    CHECK(t.count("\"ph\":\"B\"") == 1024);
    CHECK(t.count("\"name\":\"question\",\"ph\":\"i\"") == 5);
}
