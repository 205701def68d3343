// SPDX-License-Identifier: MIT
// What the connections have done, for those who look into the run.
#include "server/connection_table.hpp"

#include "server/connection.hpp"

#include <mutex>
#include <utility>

namespace remora::detail {

/// What is asked of the pipes, each on its own executor. They may answer when nobody waits any
/// more, and when the server and its context are gone: then they find no strand.
struct connection_table::count_inquiry : std::enable_shared_from_this<count_inquiry> {
    explicit count_inquiry(const asio::any_io_executor& of_server) : strand(of_server) {}

    void ask(const end_ptr& end, std::shared_ptr<question> about);
    void answer(std::size_t number, const std::optional<pipe_counts>& counts);
    void end();

    std::mutex ending;
    std::optional<asio::any_io_executor> strand;  ///< the server's; none once it is over
    std::vector<wire::connection_report> reports;
    std::size_t unanswered = 0;
    bool is_over = false;
    wait_queue all_answered;
};

/// One of them. A pipe is not asked again as long as it lives.
struct connection_table::question {
    std::shared_ptr<count_inquiry> from;
    std::size_t number;

    void answer(const std::optional<pipe_counts>& counts) const;
};

// To the server's strand. Without memory for the way the pipe counts as busy.
void connection_table::question::answer(const std::optional<pipe_counts>& counts) const try {
    const std::lock_guard lock(from->ending);
    if (!from->strand) return;
    asio::post(*from->strand, [all = from, place = number, counts] { all->answer(place, counts); });
} catch (const std::bad_alloc&) {
}

// Does not keep the pipe.
void connection_table::count_inquiry::ask(const end_ptr& end, std::shared_ptr<question> about) {
    asio::post(end->executor(),
               [about = std::move(about), weak = std::weak_ptr<pipe_end>(end)]() mutable {
                   const auto here = weak.lock();
                   about->answer(here ? std::optional(here->counts()) : std::nullopt);
                   about.reset();
               });
    ++unanswered;
}

void connection_table::count_inquiry::answer(std::size_t number,
                                             const std::optional<pipe_counts>& counts) {
    if (is_over) return;
    reports[number].counts = counts;
    if (--unanswered == 0) all_answered.notify_all();
}

void connection_table::count_inquiry::end() {
    is_over = true;
    const std::lock_guard lock(ending);
    strand.reset();
}

asio::awaitable<std::vector<wire::connection_report>> connection_table::report(deadline until) {
    struct ended_inquiry {
        connection_table& table;
        ~ended_inquiry() { std::exchange(table.count_inquiry_, nullptr)->end(); }
    };
    const auto all = count_inquiry_ = std::make_shared<count_inquiry>(server_.strand);
    const ended_inquiry guard{*this};
    ask_pipes(*all);
    if (all->unanswered != 0) co_await all->all_answered.wait(until);
    co_return std::move(all->reports);
}

void connection_table::end_report() noexcept {
    if (count_inquiry_) count_inquiry_->all_answered.notify_all();
}

void connection_table::ask_pipes(count_inquiry& all) {
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::pair<end_ptr, std::shared_ptr<question>>> asked;
    {
        const std::lock_guard lock(server_.handing_over);
        for (open_pipe& pipe : pipes_) {
            const auto end = pipe.end.lock();
            if (!end) continue;
            all.reports.push_back(
                {pipe.id, end->name(), to_string(pipe.transport), now - pipe.since, {}});
            if (!pipe.asked.expired()) continue;  // it is busy
            asked.emplace_back(end, std::make_shared<question>(
                                        question{all.shared_from_this(), all.reports.size() - 1}));
            pipe.asked = asked.back().second;
        }
    }
    for (auto& [end, about] : asked)
        all.ask(end, std::move(about));
}

std::size_t connection_table::not_open_yet() const {
    const std::lock_guard lock(server_.handing_over);
    return pending_.size() + opening_.size() + server_.count_to_accept(app_);
}

}  // namespace remora::detail
