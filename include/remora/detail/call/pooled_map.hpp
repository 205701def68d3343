// SPDX-License-Identifier: MIT
/// A hash map that keeps the memory of what was taken out of it: warm, it does not allocate.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

namespace remora::detail {

template <class Key, class Value>
class pooled_map {
    using map = std::unordered_map<Key, Value>;

public:
    using iterator = typename map::iterator;
    using const_iterator = typename map::const_iterator;

    /// The key must be a new one. Nothing has happened if it throws.
    iterator emplace(const Key& key, Value value) {
        if (spare_.empty()) {
            if (spare_.capacity() <= map_.size()) spare_.reserve(2 * map_.size() + 8);
            return map_.emplace(key, std::move(value)).first;
        }
        auto node = std::move(spare_.back());
        spare_.pop_back();
        node.key() = key;
        node.mapped() = std::move(value);
        return map_.insert(std::move(node)).position;
    }
    void erase(const_iterator which) noexcept {
        auto node = map_.extract(which);
        node.mapped() = Value();
        if (spare_.size() < spare_.capacity()) spare_.push_back(std::move(node));
    }

    iterator find(const Key& key) { return map_.find(key); }
    const_iterator find(const Key& key) const { return map_.find(key); }
    iterator begin() noexcept { return map_.begin(); }
    const_iterator begin() const noexcept { return map_.begin(); }
    iterator end() noexcept { return map_.end(); }
    const_iterator end() const noexcept { return map_.end(); }
    std::size_t size() const noexcept { return map_.size(); }
    bool empty() const noexcept { return map_.empty(); }

private:
    map map_;
    std::vector<typename map::node_type> spare_;
};

}  // namespace remora::detail
