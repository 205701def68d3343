// SPDX-License-Identifier: MIT
#include <remora/event.hpp>

#include "base/error_text.hpp"
#include "base/print_line.hpp"

#include <remora/error.hpp>

#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace remora {
namespace {

const char* word_of(event_kind kind) {
    switch (kind) {
        case event_kind::started:
            return "started";
        case event_kind::awaiting_app:
            return "awaiting app";
        case event_kind::hello:
            return "hello";
        case event_kind::refused:
            return "refused";
        case event_kind::connected:
            return "connected";
        case event_kind::rejected:
            return "rejected";
        case event_kind::closed:
            return "closed";
        case event_kind::service_failed:
            return "service failed";
        case event_kind::goodbye:
            return "goodbye";
        case event_kind::stopping:
            return "stopping";
        case event_kind::app_ended:
            return "app ended";
        case event_kind::server_gone:
            return "server gone";
        case event_kind::fallback:
            return "fallback to FIFOs";
        case event_kind::output_lost:
            return "output lost";
        case event_kind::restarting:
            return "restarting";
        case event_kind::gave_up:
            return "gave up";
        case event_kind::message_dropped:
            return "message dropped";
    }
    return "event";
}

void print_mistake(const event& e) {
    if (e.kind == event_kind::message_dropped || e.kind == event_kind::gave_up)
        detail::print_line("remora: " + to_string(e));
}

}  // namespace

std::string to_string(const event& e) {
    std::string line = word_of(e.kind);
    if (!e.pipe.empty()) line += " pipe " + quote(e.pipe);
    if (e.connection != 0) line += " #" + std::to_string(e.connection);
    if (e.pid != 0) line += " pid " + std::to_string(e.pid);
    if (e.life > 1) line += " life " + std::to_string(e.life);
    if (!e.code) return e.text.empty() ? line : line + ": " + e.text;
    line += ": " + e.code.message();
    std::string_view more = detail::without_code(e.text, e.code);
    const std::string about = "pipe " + quote(e.pipe) + ": ";
    if (more.starts_with(about)) more.remove_prefix(about.size());
    return more.empty() ? line : line + " (" + std::string(more) + ")";
}

namespace detail {

event_hook with_log(event_hook hook, std::string_view who) {
    const char* const level = std::getenv("REMORA_LOG");
    if (level == nullptr || std::string_view(level) != "debug") {
        if (level != nullptr && *level != '\0')
            print_line("remora: REMORA_LOG is " + quote(level) + "; there is only debug");
        return hook ? std::move(hook) : print_mistake;
    }
    const std::string prefix =
        "remora " + std::string(who) + "[" + std::to_string(::getpid()) + "]: ";
    return [hook = std::move(hook), prefix](const event& e) {
        print_line(prefix + to_string(e));
        if (hook) hook(e);
    };
}

}  // namespace detail
}  // namespace remora
