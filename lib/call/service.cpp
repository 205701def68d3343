// SPDX-License-Identifier: MIT
#include <remora/service.hpp>

#include <remora/detail/call/call_access.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace remora {
namespace detail {
namespace {

// Of the requests that a service takes, in the error that one is unknown.
constexpr std::size_t most_told_requests = 8;
constexpr std::size_t most_bytes_of_requests = 512;

}  // namespace

service_ptr service_table::with(const service_ptr& from, std::uint64_t tag, std::string_view name,
                                std::shared_ptr<const request_handler> what) {
    auto all = from ? std::make_shared<service_table>(*from) : std::make_shared<service_table>();
    if (all->handlers_.emplace(tag, std::move(what)).second) return all;
    throw_error(
        errc::bad_option,
        "service::on: there is a handler for \"" + std::string(name) +
            "\" already; if it takes another type, declare remora::type_name for one of them");
}

service_ptr service_table::with_any(const service_ptr& from,
                                    std::shared_ptr<const request_handler> what) {
    auto all = from ? std::make_shared<service_table>(*from) : std::make_shared<service_table>();
    if (all->any_)
        throw_error(errc::bad_option, "service::on_any: there is such a handler already");
    all->any_ = std::move(what);
    return all;
}

std::string service_table::why_unknown(const std::string& request) const {
    const std::string why = "no handler takes " + request;
    std::vector<std::string_view> names;
    for (const auto& [tag, handler] : handlers_)
        if (!handler->is_one_way()) names.push_back(handler->name());
    if (names.empty()) return why + ", this service takes no requests";
    const auto most = std::min(names.size(), most_told_requests);
    std::ranges::partial_sort(names, names.begin() + static_cast<std::ptrdiff_t>(most));
    std::string all;
    std::size_t told = 0;
    for (; told != most && all.size() < most_bytes_of_requests; ++told)
        all.append(told == 0 ? "" : ", ").append(names[told]);
    if (told != names.size()) all += " and " + std::to_string(names.size() - told) + " more";
    return why + ", this service takes " + all;
}

service_ptr call_access::handlers_of(const service& what) {
    return what.table_ ? what.table_ : std::make_shared<const service_table>();
}

}  // namespace detail
}  // namespace remora
