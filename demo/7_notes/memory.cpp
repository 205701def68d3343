// SPDX-License-Identifier: MIT
// A server that forgets its notes when the app ends: for tests.
//
//     notes-memory shell
#include "server.hpp"
#include "service.hpp"
#include "words.hpp"

#include <map>

namespace {

using namespace notes;

class memory_store : public store {
public:
    asio::awaitable<std::vector<std::int64_t>> add(std::vector<note> notes) override {
        std::vector<std::int64_t> ids;
        for (auto& each : notes) {
            each.id = ++last_;
            ids.push_back(each.id);
            kept_[each.id] = each;
            changes().send(added{each});
        }
        co_return ids;
    }
    asio::awaitable<bool> remove(std::int64_t id) override {
        const bool was_there = kept_.erase(id) != 0;
        if (was_there) changes().send(removed{id});
        co_return was_there;
    }
    asio::awaitable<std::int64_t> count() override {
        co_return static_cast<std::int64_t>(kept_.size());
    }
    asio::awaitable<std::vector<note>> list(std::int64_t after) override {
        co_return page(after, [](const note&) { return true; });
    }
    asio::awaitable<std::vector<note>> find(std::string words, std::int64_t after) override {
        const query wanted(words);
        co_return page(after, [&](const note& each) { return wanted.matches(each.text); });
    }
    asio::awaitable<void> watch() override { co_return; }

private:
    template <class Matches>
    std::vector<note> page(std::int64_t after, Matches matches) const {
        std::vector<note> found;
        for (auto at = kept_.upper_bound(after); at != kept_.end() && found.size() < 100; ++at) {
            if (matches(at->second)) found.push_back(at->second);
        }
        return found;
    }

    std::map<std::int64_t, note> kept_;
    std::int64_t last_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    notes::server_program program("notes-memory", "Keeps notes until the app ends.");
    if (int code = 0; !program.parse(argc, argv, code)) return code;
    asio::io_context io;
    memory_store kept;
    return program.run(io, notes::make_service(kept));
}
