// SPDX-License-Identifier: MIT
/// Requests, answers and items as bytes, for who passes them on without knowing their types.
///
///     remora::service proxy(remora::pipe& to) {
///         return remora::service().on_any(
///             [&to](remora::any_call call) { return to.pass_on(std::move(call)); });
///     }
#pragma once

#include <remora/archive.hpp>
#include <remora/generator.hpp>
#include <remora/service.hpp>
#include <remora/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace remora {

namespace detail {

struct any_access;
struct possible_upload;

/// What an any_value has. Used again for the next one of the thread.
struct any_record {
    std::string type_name;
    std::uint64_t tag = 0;
    byte_buffer bytes;
    any_record* next = nullptr;  ///< while it waits to be used again
};
/// An empty one. Throws std::bad_alloc.
any_record* take_any_record();
void give_back(any_record* record) noexcept;

}  // namespace detail

/// A value as it travels: its bytes, and what tells its type. Move-only; owns its bytes.
///
/// pipe::send() and try_send() take one, too: it is a message of its type.
///
/// What an other end has sent was not looked at: it may be no value at all. Bytes that were sent as
/// a reference (shared_bytes) are in the value, as if they had travelled in it.
///
/// Thread safety: none; distinct ones are independent, also of the pipe.
class any_value {
public:
    /// No value, of no type: it cannot be sent.
    any_value() = default;
    /// Of a type with this name, which has 1 to 255 characters: else it throws `bad_option`. The
    /// bytes are copied.
    any_value(std::string_view type_name, std::span<const std::byte> bytes);
    /// Leaves the other one without a value.
    any_value(any_value&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
    /// The same; the value that was here is gone.
    any_value& operator=(any_value&& other) noexcept {
        any_value taken(std::move(other));
        std::swap(record_, taken.record_);
        return *this;
    }
    ~any_value() {
        if (record_ != nullptr) detail::give_back(record_);
    }

    /// The same value in bytes. Throws as encode() does.
    template <class T>
    static any_value of(const T& value) {
        any_value made(detail::take_any_record());
        made.record_->type_name = type_name_of<T>();
        made.record_->tag = type_tag_of<T>();
        encode(made.record_->bytes, value);
        return made;
    }

    /// False for one that was made without a value, or moved from.
    bool has_value() const noexcept { return record_ != nullptr; }
    /// The name of the type. Empty if the other end has told only the tag; not to be trusted
    /// otherwise.
    std::string_view type_name() const noexcept {
        return record_ == nullptr ? std::string_view() : record_->type_name;
    }
    /// The number of the type, see type_tag_of(); 0 if there is no value.
    std::uint64_t tag() const noexcept { return record_ == nullptr ? 0 : record_->tag; }
    /// The kind of the value, and its body: see lib/wire/protocol.md.
    std::span<const std::byte> bytes() const noexcept {
        return record_ == nullptr ? std::span<const std::byte>() : record_->bytes.bytes();
    }

    /// Whether the value is said to be a T.
    template <class T>
    bool is() const noexcept {
        return tag() == type_tag_of<T>();
    }
    /// The value. Throws `type_mismatch` if it is not said to be a T, otherwise as decode() does.
    template <class T>
    T as(const decode_limits& limits = {}) const {
        if (!is<T>()) throw_mismatch(type_name_of<T>());
        return decode<T>(bytes(), limits);
    }

private:
    friend struct detail::any_access;

    explicit any_value(detail::any_record* record) noexcept : record_(record) {}
    [[noreturn]] void throw_mismatch(std::string_view wanted) const;

    detail::any_record* record_ = nullptr;
};

/// What answers a request: nothing, for `reply = void`; a value; or items, one after the other.
/// Move-only.
///
/// Which of them a request is answered with is known to those who know its type. What pipe's
/// call_bytes() and pass_on() return is known by what has come first. A stream without items is
/// done.
class any_answer {
public:
    /// Done.
    any_answer() = default;
    /// A reply; done, if it has no value.
    any_answer(any_value value) noexcept : value_(std::move(value)) {}
    /// Items that come from elsewhere. If they fail with a remote_error, so does the call.
    any_answer(stream<any_value> items)
        : items_(std::make_unique<any_items>(std::move(items), std::nullopt)) {}
    /// Items that are made here.
    any_answer(generator<any_value> items)
        : items_(std::make_unique<any_items>(stream<any_value>(), std::move(items))) {}

    /// Null if it is no reply.
    any_value* value() noexcept { return value_.has_value() ? &value_ : nullptr; }
    /// Null if it is no stream that has come from elsewhere.
    stream<any_value>* items() noexcept {
        return items_ && !items_->made ? &items_->arriving : nullptr;
    }
    /// That there is neither a reply nor an item.
    bool is_done() const noexcept { return !value_.has_value() && !items_; }

private:
    friend struct detail::any_access;

    struct any_items {
        any_items(stream<any_value> from, std::optional<generator<any_value>> here)
            : arriving(std::move(from)), made(std::move(here)) {}

        stream<any_value> arriving;
        std::optional<generator<any_value>> made;  ///< or this
    };

    any_value value_;
    std::unique_ptr<any_items> items_;  ///< most answers have none
};

/// A call that a handler serves which takes requests of any type. Move-only; it belongs to its
/// handler: once that has ended there is no upload any more. What else a handler knows of its call
/// it has from this_call().
class any_call {
public:
    /// What was moved from has no request and no upload.
    any_call(any_call&& other) noexcept;
    any_call& operator=(any_call&&) = delete;
    ~any_call();

    /// What is asked.
    any_value& request() noexcept { return request_; }
    /// What is asked.
    const any_value& request() const noexcept { return request_; }

    /// True for a plain message, which is not answered: what its handler returns is dropped.
    bool is_message() const noexcept { return is_message_; }
    /// Whether the request says that it may be served twice, see idempotent_request. False if its
    /// caller is an older program, and in a worker of remora_nats. pass_on() says it again.
    bool is_idempotent() const noexcept { return is_idempotent_; }

    /// The items that come with the request, whether it has any or not: who waits for the first one
    /// of a request without an upload waits until the handler ends. Good for one time: what a
    /// second call returns throws `closed` when it is used, and so does that of a call that was
    /// answered.
    stream<any_value> upload();

private:
    friend struct detail::any_access;

    explicit any_call(any_value request) noexcept : request_(std::move(request)) {}

    any_value request_;
    bool is_message_ = false, is_idempotent_ = false;
    detail::possible_upload* upload_ = nullptr;  ///< null once the call was answered
};

namespace detail {

/// Encodes a frame with such a value into the queue.
pipe_state::position put_frame(pipe_state& end, frame_kind kind, std::uint64_t id,
                               std::uint8_t flags, const any_value& value);
/// Copies the oldest item of a stream of any items.
void read_item(incoming_stream& from, any_value& into);

}  // namespace detail
}  // namespace remora
