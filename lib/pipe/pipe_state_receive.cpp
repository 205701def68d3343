// SPDX-License-Identifier: MIT
// The receiving half of an end of a pipe.
#include "transport/transport.hpp"
#include "wire/close_reason.hpp"

#include <remora/detail/call/call_session.hpp>
#include <remora/detail/pipe/pipe_state.hpp>

namespace remora::detail {
namespace {

// An honest peer has a few dozen types; one that invents names without end is stopped here.
constexpr std::size_t max_names = 4096;
// Beside a frame that is passed over.
constexpr unsigned price_of_a_piece = 4;

}  // namespace

endpoint::receiving::receiving(endpoint& end) : end_(end) {
    if (end.receiving_) raise(errc::receive_in_progress, end.context());
    end.receiving_ = true;
}

const frame* endpoint::head(effort how) {
    if (head_) return &*head_;
    // A peer that sends nothing else but frames to pass over, or a message without an end in sight,
    // must not keep the context to itself.
    for (in_one_look_ = 0; in_one_look_ < most_in_a_row;) {
        if (end_code_) {
            if (at_end()) return nullptr;
            raise_closed();
        }
        if (closing_) raise(errc::closed, context() + "closed by this end");
        if (next_frame()) {
            if (head_) return &*head_;
            continue;
        }
        if (!fetch(how)) return nullptr;
        in_one_look_ += price_of_a_piece;
    }
    return nullptr;
}

// False if nothing has come.
bool endpoint::fetch(effort how) try {
    if (how == effort::least && !failure_ && transport_->was_emptied()) return false;
    const auto result = transport_->fetch(wanted_);
    if (result == transport::fetched::more) return true;
    if (result == transport::fetched::nothing && !failure_) return false;
    end_of_input();
    return true;
} catch (const error& e) {
    give_up(e);
}

// What is no conversation any more ends here, and the peer is told.
void endpoint::give_up(const error& why) {
    set_end(why.code(), why.context());
    close(why.code(), why.context());
    raise_closed();
}

// True if there was a frame. What is none, or comes where it may not, is no conversation.
bool endpoint::next_frame() try {
    const auto f = parse_frame(transport_->input(), limits_.message, wanted_);
    if (f) accept(*f);
    return f.has_value();
} catch (const error& e) {
    give_up(e);
}

bool endpoint::takes(frame_kind kind) const noexcept {
    if (kinds_ == frame_kinds::messages) {
        return kind == frame_kind::message ||
               (calls && ((kind >= frame_kind::request && kind < frame_kind::window) ||
                          kind == frame_kind::time_left));
    }
    return kind >= frame_kind::hello && kind <= frame_kind::listed;
}

void endpoint::accept(const frame& f) {
    if (takes(f.header.kind)) [[likely]] {
        if (!f.type_name.empty()) note_name(f);
        head_ = f;
    } else if (f.header.kind == frame_kind::close) {
        note_close(f);
    } else if (f.header.kind == frame_kind::window && kinds_ == frame_kinds::messages) {
        note_window(f);
    } else if ((f.header.flags & frame_header::may_skip) != 0) {
        transport_->consume(f.size());
        ++in_one_look_;
    } else {
        const bool call = f.header.kind >= frame_kind::request;
        raise(errc::protocol_error,
              "a frame of kind " + std::to_string(static_cast<int>(f.header.kind)) +
                  (call ? " has no place here: no service is attached" : " has no place here"));
    }
}

void endpoint::note_name(const frame& f) {
    if (fnv1a(f.type_name) != f.header.tag) {
        raise(errc::protocol_error, "the tag of type " + quote(f.type_name) + " is not its own");
    }
    if (names_seen_.size() >= max_names) raise(errc::protocol_error, "too many names of types");
    names_seen_.try_emplace(f.header.tag, f.type_name);
}

void endpoint::note_close(const frame& f) {
    wire::close_reason reason;
    if (!f.payload.empty()) decode(f.payload, reason, limits_.decode);
    transport_->consume(f.size());
    set_end(reason.to_code(), reason.text.empty() ? "" : quote(reason.text, 1024));
    fail_sending(errc::closed);
}

void endpoint::note_window(const frame& f) {
    call_window_ = decode<std::uint64_t>(f.payload, limits_.decode);
    transport_->consume(f.size());
    ++in_one_look_;
    if (calls) calls->set_window(call_window_);
}

void endpoint::end_of_input() {
    const bool whole = transport_->input().empty();
    set_end(failure_ ? failure_ : make_error_code(gone_),
            whole ? "it left without closing the pipe" : "it left in the middle of a frame");
    fail_sending(*end_code_);
}

void endpoint::set_end(std::error_code why, std::string text) {
    end_code_ = why;
    end_text_ = std::move(text);
}

void endpoint::pop() noexcept {
    if (!head_) return;  // closed in the meantime
    transport_->consume(head_->size());
    head_.reset();
}

bool endpoint::has_more() const noexcept {
    return !transport_->input().empty();
}

bool endpoint::has_more_than_head() const noexcept {
    return transport_->input().size() > (head_ ? head_->size() : 0);
}

void endpoint::raise_closed() const {
    if (at_end()) raise(errc::closed, context() + "closed by the other end");
    throw error(*end_code_, context() + end_text_);
}

void endpoint::raise_mismatch(const frame& f, std::string_view wanted) const {
    raise(errc::type_mismatch, context() + "expected " + std::string(wanted) + ", the message is " +
                                   type_text(f.header.tag));
}

std::string endpoint::type_text(std::uint64_t tag) const {
    const auto seen = names_seen_.find(tag);
    if (seen != names_seen_.end()) return quote(seen->second);
    return "an unnamed type (tag " + std::to_string(tag) + ")";
}

void endpoint::rethrow_in_context() const try { throw; } catch (const error& e) {
    throw error(e, context());
}

std::string endpoint::context() const {
    return "pipe " + quote(name_) + ": ";
}

bool endpoint::has_news() noexcept {
    try {
        return head() != nullptr || at_end();
    } catch (const std::exception&) {
        return true;
    }
}

}  // namespace remora::detail
