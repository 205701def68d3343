// SPDX-License-Identifier: MIT
/// The handlers of a service, found by the type that they take. Not for users.
#pragma once

#include <remora/detail/call/pipe_end.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace remora::detail {

class service_table;
using service_ptr = std::shared_ptr<const service_table>;

/// What a service does with one type.
class method {
public:
    explicit method(bool one_way) noexcept : one_way_(one_way) {}
    virtual ~method() = default;

    /// True for a message, false for a request.
    bool is_one_way() const noexcept { return one_way_; }
    /// Takes the frame out of the pipe and serves it. Throws nothing that a handler throws.
    virtual void serve(const end_ptr& end, const service_ptr& owner, const frame& f) const = 0;

private:
    bool one_way_;
};

/// The handlers of one service, by the tags of their types. Never changed: a service, its copies
/// and its connections share it.
class service_table {
public:
    /// One with the handlers of `from`, which may be null, and one more. Throws bad_option if there
    /// is a handler for that tag.
    static service_ptr with(const service_ptr& from, std::uint64_t tag, std::string_view name,
                            std::shared_ptr<const method> what);

    const method* find(std::uint64_t tag) const noexcept {
        const auto found = methods_.find(tag);
        return found == methods_.end() ? nullptr : found->second.get();
    }

private:
    std::unordered_map<std::uint64_t, std::shared_ptr<const method>> methods_;
};

}  // namespace remora::detail
