// SPDX-License-Identifier: MIT
#include <remora/service.hpp>

#include <remora/detail/call/call_access.hpp>

#include <string>
#include <utility>

namespace remora {
namespace detail {

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

service_ptr call_access::handlers_of(const service& what) {
    return what.table_ ? what.table_ : std::make_shared<const service_table>();
}

}  // namespace detail
}  // namespace remora
