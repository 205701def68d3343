// SPDX-License-Identifier: MIT
#include "service.hpp"

#include <ctime>
#include <functional>
#include <system_error>
#include <utility>

namespace notes {

namespace {

// So many notes of an import are made safe together, and then acknowledged.
constexpr std::size_t batch_size = 100;

void check_size(const std::string& text) {
    if (text.size() <= longest_text) return;
    throw std::system_error(std::make_error_code(std::errc::message_size),
                            "a note has at most " + std::to_string(longest_text) + " bytes");
}

asio::awaitable<std::int64_t> add_one(store& kept, add what) {
    check_size(what.text);
    std::vector<note> one(1);
    one[0].time = std::time(nullptr);
    one[0].text = std::move(what.text);
    const auto ids = co_await kept.add(std::move(one));
    co_return ids.front();
}

asio::awaitable<void> remove_one(store& kept, remove what) {
    const bool was_there = co_await kept.remove(what.id);
    if (was_there) co_return;
    throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory),
                            "note " + std::to_string(what.id));
}

using page_function = std::function<asio::awaitable<std::vector<note>>(std::int64_t after)>;

// Goes on to the next page when the app has taken this one.
remora::generator<note> pages(page_function next) {
    std::int64_t last = 0;
    for (;;) {
        const auto page = co_await next(last);
        if (page.empty()) break;
        for (const auto& each : page)
            co_yield each;
        last = page.back().id;
    }
}

remora::generator<std::int64_t> import_all(store& kept, remora::stream<note> arriving) {
    std::int64_t safe = 0;
    for (bool is_over = false; !is_over;) {
        std::vector<note> batch;
        while (batch.size() < batch_size) {
            auto next = co_await arriving.next();
            is_over = !next;
            if (is_over) break;
            check_size(next->text);
            batch.push_back(std::move(*next));
        }
        const auto ids = co_await kept.add(std::move(batch));
        safe += static_cast<std::int64_t>(ids.size());
        co_yield safe;
    }
}

remora::generator<change> watch_all(store& kept) {
    co_await kept.watch();
    auto changes = kept.changes().subscribe();
    co_yield change(begun{});
    while (const auto next = co_await changes.next()) {
        if (changes.lost() != 0) co_yield change(missed{changes.lost()});
        co_yield *next;
    }
    throw std::system_error(std::make_error_code(std::errc::io_error), "changes are lost");
}

}  // namespace

remora::service make_service(store& kept) {
    remora::service notes;
    notes.on([&kept](add what) { return add_one(kept, std::move(what)); });
    notes.on([&kept](remove what) { return remove_one(kept, what); });
    notes.on([&kept](count) { return kept.count(); });
    notes.on(
        [&kept](list) { return pages([&kept](std::int64_t after) { return kept.list(after); }); });
    notes.on([&kept](find what) {
        return pages([&kept, what](std::int64_t after) { return kept.find(what.query, after); });
    });
    notes.on([&kept](import_notes, remora::stream<note> arriving) {
        return import_all(kept, std::move(arriving));
    });
    notes.on([&kept](watch) { return watch_all(kept); });
    return notes;
}

}  // namespace notes
