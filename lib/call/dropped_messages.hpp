// SPDX-License-Identifier: MIT
/// How an end of a pipe tells its session of messages that were dropped.
#pragma once

#include <remora/asio.hpp>
#include <remora/event.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace remora::detail {

/// For pipe_end::on_dropped: an event of the session, if that lives, on its strand. A pipe may
/// live longer than both.
template <class Session>
std::function<void(const std::string&)> how_to_tell_dropped(std::weak_ptr<Session> session,
                                                            const std::string& pipe,
                                                            std::uint64_t connection) {
    return [=](const std::string& why) {
        const event news{.kind = event_kind::message_dropped,
                         .pipe = pipe,
                         .connection = connection,
                         .text = why};
        if (auto lives = session.lock()) {
            const auto strand = lives->strand();
            asio::post(strand, [lives = std::move(lives), news] { lives->emit(news); });
        }
    };
}

}  // namespace remora::detail
