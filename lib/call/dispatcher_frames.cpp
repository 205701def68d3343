// SPDX-License-Identifier: MIT
// What a dispatcher does with each frame that arrives.
#include <remora/detail/call/dispatcher.hpp>
#include <remora/detail/call/service_table.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace remora::detail {
namespace {

[[noreturn]] void refuse(std::uint64_t id, served_table::verdict why) {
    raise(errc::protocol_error,
          (why == served_table::verdict::repeated ? "the number of a call is used again: "
                                                  : "more unanswered calls than allowed, from ") +
              std::to_string(id));
}

}  // namespace

// Throws what is wrong with the number of a request.
void dispatcher::admit(const frame& f) {
    using verdict = served_table::verdict;
    const auto id = f.header.id;
    const bool in_pieces = (f.header.flags & frame_header::joined) != 0;
    if (in_pieces && find(id) != nullptr) refuse(id, verdict::repeated);
    auto found = served_.admit(id, in_pieces);
    if (found == verdict::admitted) [[likely]]
        return;
    if (found == verdict::too_many) {
        served_.written(end_.written());  // answers may have left by themselves since
        found = served_.admit(id, in_pieces);
    }
    if (found != verdict::admitted) refuse(id, found);
}

void dispatcher::on_request(const frame& f) {
    admit(f);
    until_ = times_left_.extract(f.header.id);
    const method* const found = services_ ? services_->find(f.header.tag) : nullptr;
    if (found != nullptr && !found->is_one_way())
        return found->serve(end_.shared_from_this(), services_, f);
    const auto id = f.header.id;
    const std::string text =
        services_ ? "no handler takes " + end_.type_text(f.header.tag) : "no service is attached";
    end_.pop_frame();
    answer_failure(id, std::make_exception_ptr(error(errc::unknown_request, text)));
}

void dispatcher::on_message(const frame& f) {
    const method* const found = services_ ? services_->find(f.header.tag) : nullptr;
    if (found != nullptr && found->is_one_way())
        return found->serve(end_.shared_from_this(), services_, f);
    ++dropped_;
    end_.pop_frame();
}

void dispatcher::on_time_left(const frame& f) {
    constexpr std::uint64_t most = std::chrono::nanoseconds::max().count();
    const auto left = std::min(decode<std::uint64_t>(f.payload), most);
    times_left_.note(f.header.id, deadline_of(std::chrono::nanoseconds(left)));
    end_.pop_frame();
}

void dispatcher::on_cancel(const frame& f) {
    const auto found = running_.find(f.header.id);
    end_.pop_frame();
    if (found == running_.end()) return;  // it was answered in the meantime
    const auto mine = found->second;
    mine->is_cancelled = true;
    cancel(*mine);
}

void dispatcher::on_item(const frame& f) {
    const worker* const found = find(f.header.id);
    const auto upload = found == nullptr ? nullptr : found->streams.upload.lock();
    if (upload) {
        upload->on_frame(end_, f);
        end_.pop_frame();
        return upload->wake();
    }
    end_.pop_frame();  // its handler has answered in the meantime, or does not care
}

void dispatcher::on_credit(const frame& f) {
    const worker* const found = find(f.header.id);
    const auto stream = found == nullptr ? nullptr : found->streams.items;
    if (stream) stream->on_credit(f);
    end_.pop_frame();
    if (stream) stream->ready.resume();
}

}  // namespace remora::detail
