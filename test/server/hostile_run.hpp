// SPDX-License-Identifier: MIT
/// A server with an app that does not keep to the protocol: see adversary.cpp for what it does.
#pragma once

#include "support/runs.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace test {

inline remora::server_options with_adversary() {
    remora::server_options options;
    options.target = REMORA_TEST_ADVERSARY;
    options.start_timeout = patience;
    options.drain_timeout = 50ms;
    options.stop_timeout = 1s;  // until SIGKILL: enough on a busy machine, too
    options.limits.message = 64u << 10;
    return options;
}

struct hostile_run : served_run {
    explicit hostile_run(std::vector<std::string> words,
                         remora::server_options options = with_adversary())
        : served_run(std::move(words), std::move(options)) {
        server.serve("echo", echo_service);
    }
    /// The text of the first event of this kind; with none, what there is instead.
    std::string text_of(remora::event_kind what) const {
        std::string others = "none, but";
        for (const auto& e : events) {
            if (e.kind == what) return to_string(e);
            others += " [" + to_string(e) + "]";
        }
        return others;
    }
    std::ptrdiff_t count(remora::event_kind what) const {
        return std::ranges::count(events, what, &remora::event::kind);
    }
    void stop_at_hello() {
        on_event = [this](const remora::event& e) {
            if (e.kind == remora::event_kind::hello) run().terminate(20ms);
        };
    }
    /// The same server serves a good app, and then is clean.
    bool serves_the_next() {
        on_event = nullptr;
        start({"behaves"});
        const auto result = finish();
        CHECK(result.code() == 0);
        CHECK(!result.error);
        CHECK(is_clean());
        return true;
    }
};

inline bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace test
