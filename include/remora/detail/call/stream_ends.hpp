// SPDX-License-Identifier: MIT
/// The receiving and the sending end of a stream. Not for users.
#pragma once

#include <remora/detail/call/pending_call.hpp>
#include <remora/detail/call/pipe_end.hpp>
#include <remora/detail/call/stream_flow.hpp>
#include <remora/detail/polling/wake_event.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace remora::detail {

/// The items that come in, of a call of this end or of one that it serves.
class incoming_stream final : public pending_call,
                              public std::enable_shared_from_this<incoming_stream> {
public:
    /// Of items with this tag. `own`: the call is one of this end.
    incoming_stream(end_ptr end, std::uint64_t tag, std::string_view request, bool own);
    /// Of items of any type; a reply counts as one, after which none comes. `request` is copied.
    incoming_stream(end_ptr end, const std::string& request, bool own);
    ~incoming_stream();

    void on_frame(pipe_end& end, const frame& f) override;
    void fail(std::exception_ptr why) noexcept override { inbox.end(std::move(why)); }
    void wake() override;
    /// Goes on with the coroutine that waits, for the batch to which wake() has added this.
    void resume();
    std::string_view request_name() const noexcept override { return request_; }
    const char* awaited_end() const noexcept override { return "end of the stream"; }

    /// Gives credit back, if it is time to.
    void return_credit();
    /// Nobody takes items any more: who waits for one fails with `closed`, and the producer is told
    /// to stop, if the call is of this end.
    void drop() noexcept;
    /// The handler whose upload this is has ended.
    void handler_ended();
    /// Something is sent along with the request.
    void begin_upload() noexcept;
    /// That has ended, its generator too.
    void upload_ended();
    /// That the item is a reply.
    bool has_reply() const noexcept { return has_reply_; }
    /// Completes when nothing is sent along any more. Cancelling does not end it if
    /// throw_if_cancelled is false.
    asio::awaitable<void> wait_upload_ended();
    /// No item comes any more, and nothing of the call goes on.
    bool is_over() const noexcept { return inbox.at_end() && !is_uploading; }
    /// Completes when another look at the inbox is worth while. Throws timed_out.
    asio::awaitable<void> wait(deadline until);
    /// Completes when there is an item, or the end.
    static asio::awaitable<void> wait_readable(std::shared_ptr<incoming_stream> self,
                                               deadline until);

    const end_ptr end;
    std::uint64_t id = 0;
    stream_inbox inbox;
    bool is_awaited = false;
    bool is_uploading = false;

private:
    std::exception_ptr closed_because(const char* why) const noexcept;
    void on_reply(const frame& f);
    stream_inbox::verdict keep(const frame& f);

    wake_event ready_;
    std::int64_t first_window_;  ///< what has grown beyond it is given back at the end
    std::string kept_name_;      ///< if this is what request_ refers to
    std::string_view request_;
    bool own_;
    bool has_items_ = false;
    bool has_reply_ = false;
    bool is_listed_ = false;  ///< among those to wake at the end of the batch
};

/// Decodes the oldest item.
template <class T>
void read_item(incoming_stream& from, T& into) {
    from.end->decode_value(from.inbox.front(), into, from.inbox.front_loans());
}

/// Held by the one coroutine that may await items.
class awaiting_items {
public:
    explicit awaiting_items(incoming_stream& of) : of_(of) {
        if (of.is_awaited) throw_error(errc::receive_in_progress, of.end->context() + "next");
        of.is_awaited = true;
    }
    ~awaiting_items() { of_.is_awaited = false; }
    awaiting_items(const awaiting_items&) = delete;
    awaiting_items& operator=(const awaiting_items&) = delete;

private:
    incoming_stream& of_;
};

/// The items that go out.
struct outgoing_stream {
    explicit outgoing_stream(wake_event_list& all) noexcept : credit_event(all) {}

    /// A frame that grants credit. Throws protocol_error for more than was used.
    void on_credit(const frame& f);
    /// Its producer ends with operation_aborted.
    void stop(const asio::any_io_executor& executor) {
        stopped = true;
        credit_event.post(executor);
        item_event.post(executor);
    }

    stream_credit credit;
    wake_event credit_event;  ///< credit has come
    wake_event_list item_events;
    /// The generator has yielded. Not in the session's list: who waits for this is destroyed with
    /// the generator.
    wake_event item_event{item_events};
    bool stopped = false;
};

}  // namespace remora::detail
