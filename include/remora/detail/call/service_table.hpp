// SPDX-License-Identifier: MIT
/// The handlers of a service, found by the type that they take. Not for users.
#pragma once

#include <remora/detail/call/pipe_end.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace remora::detail {

class service_table;
using service_ptr = std::shared_ptr<const service_table>;

/// What a service does with one type.
class request_handler {
public:
    /// `name` is that of its type; none for what takes any.
    explicit request_handler(bool one_way, std::string_view name = {}) noexcept
        : name_(name), one_way_(one_way) {}
    virtual ~request_handler() = default;

    /// True for a message, false for a request.
    bool is_one_way() const noexcept { return one_way_; }
    std::string_view name() const noexcept { return name_; }
    /// Takes the frame out of the pipe and serves it. Throws nothing that a handler throws.
    virtual void serve(const end_ptr& end, const service_ptr& owner, const frame& f) const = 0;

private:
    std::string_view name_;
    bool one_way_;
};

/// The handlers of one service, by the tags of their types. Never changed: a service, its copies
/// and its connections share it.
class service_table {
public:
    /// One with the handlers of `from`, which may be null, and one more. Throws bad_option if there
    /// is a handler for that tag.
    static service_ptr with(const service_ptr& from, std::uint64_t tag, std::string_view name,
                            std::shared_ptr<const request_handler> what);
    /// The same, with one for what no other takes. Throws bad_option if there is one.
    static service_ptr with_any(const service_ptr& from,
                                std::shared_ptr<const request_handler> what);

    const request_handler* find(std::uint64_t tag) const noexcept {
        const auto found = handlers_.find(tag);
        return found == handlers_.end() ? nullptr : found->second.get();
    }

    /// What takes a request of this type; null: nothing.
    const request_handler* find_for_request(std::uint64_t tag) const noexcept {
        const request_handler* const found = find(tag);
        return found != nullptr && !found->is_one_way() ? found : any_.get();
    }
    /// The same for a message.
    const request_handler* find_for_message(std::uint64_t tag) const noexcept {
        const request_handler* const found = find(tag);
        return found != nullptr && found->is_one_way() ? found : any_.get();
    }
    /// Why it takes no request of that name: "no handler takes ...", and what it takes instead.
    std::string why_unknown(const std::string& request) const;

private:
    std::unordered_map<std::uint64_t, std::shared_ptr<const request_handler>> handlers_;
    std::shared_ptr<const request_handler> any_;
};

}  // namespace remora::detail
