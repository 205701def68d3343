// SPDX-License-Identifier: MIT
#include <remora/detail/polling/wake_event.hpp>

namespace remora::detail {

void wake_event_list::drop_all() noexcept {
    while (first_ != nullptr)
        first_->drop();
}

void wake_event::link() noexcept {
    link_ = &all_.first_;
    next_ = all_.first_;
    if (next_ != nullptr) next_->link_ = &next_;
    all_.first_ = this;
}

wake_event::handler wake_event::release() noexcept {
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    handler h = std::move(*handler_);
    handler_.reset();
    return h;
}

void wake_event::resume() {
    if (!handler_) return;
    handler h = release();
    const asio::any_io_executor executor = h.get_executor();
    try {
        std::move(h)();
    } catch (...) {
        asio::post(executor, [why = std::current_exception()] { std::rethrow_exception(why); });
    }
}

void wake_event::post(const asio::any_io_executor& executor) {
    if (handler_) asio::post(executor, release());
}

// The coroutine's frame holds this: nothing may be touched afterwards.
void wake_event::drop() noexcept {
    if (handler_) const handler dropped = release();
}

}  // namespace remora::detail
