// SPDX-License-Identifier: MIT
/// One object for each executor of a context.
#pragma once

#include <remora/asio.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace remora::detail {

/// The objects of type `T`, of which an executor has one as long as somebody holds it. `T` has
/// `executor()`. May be used by several threads.
template <class T>
class per_executor {
public:
    std::shared_ptr<T> get_or_make(const asio::any_io_executor& executor) {
        const std::lock_guard lock(mutex_);
        std::erase_if(all_, [](const auto& weak) { return weak.expired(); });
        for (const auto& weak : all_) {
            auto found = weak.lock();
            if (found && found->executor() == executor) return found;
        }
        auto made = std::make_shared<T>(executor);
        all_.push_back(made);
        return made;
    }

    template <class Use>
    void for_each(Use use) {
        for (const auto& weak : all_) {
            if (const auto found = weak.lock()) use(*found);
        }
    }

private:
    std::mutex mutex_;
    std::vector<std::weak_ptr<T>> all_;
};

}  // namespace remora::detail
