// SPDX-License-Identifier: MIT
#include "inspect/json.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <cstdio>
#include <string_view>

namespace remora::inspect {
namespace {

using seconds = std::chrono::duration<double>;

// How many bytes the character at the head takes; 0 if that is no UTF-8.
std::size_t length_of_character(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i != length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    const bool beyond = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
    return overlong || beyond ? 0 : length;
}

/// Writes values one after the other, with what stands between them.
class writer {
public:
    std::string take() { return std::move(out_); }

    template <class Body>
    void object(Body body) {
        enclosed('{', body, '}');
    }
    template <class Body>
    void list(Body body) {
        enclosed('[', body, ']');
    }
    template <class Body>
    void object(std::string_view name, Body body) {
        key(name);
        object(body);
    }
    template <class Body>
    void list(std::string_view name, Body body) {
        key(name);
        list(body);
    }
    void field(std::string_view name, std::string_view text) {
        key(name);
        string(text);
    }
    template <std::integral T>
    void field(std::string_view name, T value) {
        number(name, std::to_string(value));
    }
    void field(std::string_view name, double value) {
        std::array<char, 32> text{};
        std::snprintf(text.data(), text.size(), "%.6g", value);
        number(name, text.data());
    }
    void field(std::string_view name, std::chrono::nanoseconds time) {
        std::array<char, 64> text{};
        std::snprintf(text.data(), text.size(), "%.3f", seconds(time).count());
        number(name, text.data());
    }

private:
    template <class Body>
    void enclosed(char begin, Body& body, char end) {
        separate();
        out_ += begin;
        first_ = true;
        body();
        out_ += end;
        first_ = false;
    }
    void separate() {
        if (!first_) out_ += ',';
        first_ = false;
    }
    void key(std::string_view name) {
        separate();
        string(name);
        out_ += ':';
        first_ = true;  // no comma before its value
    }
    void number(std::string_view name, std::string_view digits) {
        key(name);
        out_ += digits;
        first_ = false;
    }
    void string(std::string_view text);

    std::string out_;
    bool first_ = true;
};

// What is no UTF-8 becomes U+FFFD.
void writer::string(std::string_view text) {
    first_ = false;
    out_ += '"';
    while (!text.empty()) {
        const std::size_t length = length_of_character(text);
        const auto c = static_cast<unsigned char>(text.front());
        if (length == 0) {
            out_ += "\xef\xbf\xbd";
        } else if (c == '"' || c == '\\') {
            (out_ += '\\') += text.front();
        } else if (c < 0x20) {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\u%04x", c);
            out_ += code.data();
        } else {
            out_ += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    out_ += '"';
}

void put_direction(writer& out, std::string_view name, const pipe_traffic& counts,
                   const flow& rates) {
    out.object(name, [&] {
        out.field("messages", counts.messages);
        out.field("items", counts.items);
        out.field("bytes", counts.bytes);
        out.field("polled", counts.polled);
        out.field("slept", counts.slept);
        out.object("rates", [&] {
            out.field("messages", rates.messages);
            out.field("calls", rates.calls);
            out.field("items", rates.items);
            out.field("bytes", rates.bytes);
        });
    });
}

void put_counts(writer& out, const pipe_counts& counts, const pipe_rates& rates) {
    out.object("counts", [&] {
        out.field("calls", counts.calls);
        out.field("running_handlers", counts.running_handlers);
        out.field("dropped", counts.dropped);
        out.field("queued", counts.queued);
        out.field("peak_queued", counts.peak_queued);
        out.field("calls_made", counts.calls_made);
        out.field("calls_failed", counts.calls_failed);
        out.field("calls_served", counts.calls_served);
        out.field("served_failed", counts.served_failed);
        put_direction(out, "sent", counts.sent, rates.out);
        put_direction(out, "received", counts.received, rates.in);
    });
}

void put_connection(writer& out, const wire::connection_report& c, const pipe_rates& rates) {
    out.object([&] {
        out.field("id", c.id);
        out.field("name", c.name);
        out.field("transport", c.transport);
        out.field("age", c.age);
        if (c.counts) put_counts(out, *c.counts, rates);
    });
}

void put_run(writer& out, const answer& server, const wire::run_report& run) {
    out.field("program", run.program);
    out.field("age", run.age);
    out.object("app", [&] {
        out.field("pid", run.app.pid);
        out.field("target", run.app.target);
        out.field("life", run.app.life);
        out.field("state", run.app.state);
        out.field("age", run.app.age);
    });
    out.field("opening", run.opening);
    out.list("connections", [&] {
        for (std::size_t i = 0; i != run.connections.size(); ++i)
            put_connection(out, run.connections[i], server.rates.at(i));
    });
}

}  // namespace

std::string json_of(const std::vector<answer>& answers) {
    writer out;
    out.object([&] {
        out.field("time", std::chrono::system_clock::now().time_since_epoch());
        out.list("servers", [&] {
            for (const answer& each : answers) {
                out.object([&] {
                    out.field("pid", each.pid);
                    out.field("directory", each.directory.string());
                    if (each.report) put_run(out, each, *each.report);
                    if (!each.problem.empty()) out.field("problem", each.problem);
                });
            }
        });
    });
    return out.take();
}

}  // namespace remora::inspect
