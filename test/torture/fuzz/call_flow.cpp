// SPDX-License-Identifier: MIT
// The tables of calls and the flow of streams, driven by events, beside models that keep all that
// has happened.
#include "fuzz.hpp"

#include <remora/detail/call/call_table.hpp>
#include <remora/detail/call/served_table.hpp>
#include <remora/detail/call/stream_flow.hpp>

#include <deque>
#include <map>
#include <set>

namespace {

using namespace fuzz;
using remora::detail::call_table;
using remora::detail::served_table;
using remora::detail::stream_credit;
using remora::detail::stream_inbox;
using remora::detail::stream_window;

call_table::time at(std::uint8_t when) {
    return when == 0 ? call_table::time::max() : call_table::time(std::chrono::seconds(when));
}

struct model_call {
    remora::detail::pending_call* call;
    call_table::time until;
};

void check_answer(const std::map<std::uint64_t, model_call>& model, std::uint64_t last,
                  std::uint64_t id, call_table::match got) {
    using enum call_table::verdict;
    const auto found = model.find(id);
    if (found == model.end()) {
        must(got.what == (id == 0 || id > last ? unknown : repeated), "unknown or repeated");
    } else {
        must(got.what == (found->second.call != nullptr ? expected : abandoned),
             "expected or abandoned");
        must(got.call == found->second.call, "the call that it belongs to");
    }
}

void drive_calls(input& in) {
    call_table table;
    std::map<std::uint64_t, model_call> model;
    std::uint64_t last = 0;
    char places[256];
    const auto call_at = [&](std::uint8_t i) {
        return reinterpret_cast<remora::detail::pending_call*>(&places[i]);
    };
    while (!in.empty()) {
        const auto event = in.take();
        const std::uint64_t id = in.take();
        if (event % 6 == 0) {
            const auto until = at(in.take());
            must(table.begin(*call_at(static_cast<std::uint8_t>(id)), until) == last + 1, "next");
            model[++last] = {call_at(static_cast<std::uint8_t>(id)), until};
        } else if (event % 6 == 1) {
            check_answer(model, last, id, table.find(id));
        } else if (event % 6 == 2) {
            check_answer(model, last, id, table.finish(id));
            model.erase(id);
        } else if (event % 6 == 3) {
            const auto found = model.find(id);
            const bool waited = found != model.end() && found->second.call != nullptr;
            must(table.abandon(id) == waited, "abandoned once");
            if (waited) found->second = {nullptr, call_table::time::max()};
        } else if (event % 6 == 4) {
            table.withdraw(id);
            model.erase(id);
        } else {
            table.set_window(id);
            must(table.has_room() == (model.size() < id), "room");
        }
        auto next = call_table::time::max();
        for (const auto& each : model)
            next = std::min(next, each.second.until);
        must(table.next_deadline() == next, "the next deadline");
        must(table.size() == model.size(), "as many calls");
    }
    while (table.extract_any() != nullptr) {
    }
    must(table.size() == 0 && table.next_deadline() == call_table::time::max(), "nothing left");
}

void drive_served(input& in) {
    std::size_t limit = in.take();
    served_table table(limit);
    std::uint64_t last = 0, end = 0, written = 0;
    std::size_t open = 0;  // admitted, not answered
    std::deque<std::uint64_t> queued;
    while (!in.empty()) {
        const auto event = in.take();
        const std::uint64_t n = in.take();
        using enum served_table::verdict;
        if (event % 4 == 0) {
            const bool full = open + queued.size() >= limit;
            const auto expected = n <= last ? repeated : full ? too_many : admitted;
            must(table.admit(n) == expected, "admitted, repeated or too many");
            if (expected == admitted) last = n, ++open;
        } else if (event % 4 == 1 && open != 0) {
            end += 1 + n;
            table.answered(end);
            queued.push_back(end);
            --open;
        } else if (event % 4 == 2) {
            written = std::min(end, written + n);
            table.written(written);
            while (!queued.empty() && queued.front() <= written)
                queued.pop_front();
        } else {
            table.set_limit(limit = n);
        }
        must(table.in_flight() == open + queued.size(), "as many in flight");
    }
}

// A producer that keeps to its credit, and one that does not; a consumer that takes, drops and
// refuses.
void drive_stream(input& in) {
    stream_inbox inbox(7);
    stream_credit credit;
    const std::string bytes(1 << 16, 'x');
    std::deque<std::size_t> items;
    bool ended = false, discarding = false;
    while (!in.empty()) {
        const auto event = in.take();
        const auto n = in.take<std::uint16_t>();
        if (event % 8 < 3) {
            const bool room = credit.has_room();
            const auto item = std::as_bytes(std::span(bytes)).first(n);
            const auto got = inbox.arrived(event == 2 ? 8 : 7, item, n + 24u);
            using enum stream_inbox::verdict;
            if (ended && !discarding)
                must(got == after_end, "after the end");
            else if (!room)
                must(got == too_much, "without credit");
            else if (event == 2 && !discarding)
                must(got == wrong_type, "of another type");
            else {
                must(got == taken, "taken");
                credit.sent(n + 24u);
                if (!discarding) items.push_back(n);
            }
        } else if (event % 8 == 3 && !inbox.empty()) {
            must(inbox.front().size() == items.front(), "the oldest item");
            inbox.pop();
            items.pop_front();
        } else if (event % 8 == 4) {
            if (const auto back = inbox.take_credit()) must(credit.granted(back), "its own credit");
        } else if (event == 5) {
            inbox.end();
            ended = true;
        } else if (event == 6) {
            inbox.discard();
            items.clear();
            discarding = true;
        } else if (event == 7) {
            inbox.refuse(nullptr);
            ended = discarding = true;
        }
        must(inbox.empty() == items.empty() && inbox.at_end() == (ended && items.empty()), "end");
        stream_credit other = credit;
        must(!other.granted(~std::uint64_t{0}) && !other.granted(1u << 30), "not more than sent");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const clocked time;
    input in(data, size);
    switch (in.take() % 3) {
        case 0:
            drive_calls(in);
            break;
        case 1:
            drive_served(in);
            break;
        default:
            drive_stream(in);
    }
    return 0;
}
