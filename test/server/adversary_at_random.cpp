// SPDX-License-Identifier: MIT
#include "server/adversary_at_random.hpp"

#include "server/raw_app.hpp"
#include "support/calls.hpp"

#include <signal.h>
#include <sys/time.h>

#include <cstring>
#include <random>
#include <span>

namespace test {
namespace {

class adversary {
public:
    adversary(raw_app& app, std::uint64_t seed, bool over_fifos)
        : app_(app),
          random_(seed),
          name_(draw(4) == 0 ? "echo" : "calls"),
          pipe_(app.connect(name_, over_fifos)) {
        if (pipe_.rings() && pipe_.rings().lent_size() >= 65536)
            lent_ = pipe_.rings().map_lent(remora::detail::side::app, 65536);
    }

    void act() {
        static const std::vector<void (adversary::*)()> deeds{
            &adversary::ask_well,          &adversary::say_any_frame,
            &adversary::say_any_frame,     &adversary::say_any_frame,
            &adversary::reuse_number,      &adversary::ask_too_much,
            &adversary::ignore_stream,     &adversary::upload_without_credit,
            &adversary::announce_too_much, &adversary::say_garbage,
            &adversary::scribble,          &adversary::lend,
            &adversary::speak_on_control};
        for (auto count = 1 + draw(12); count > 0; --count)
            (this->*deeds[draw(deeds.size())])();
    }
    [[noreturn]] void leave() {
        const auto way = draw(4);
        if (way == 0) say(frame_bytes({.kind = frame_kind::item, .id = 1}, "cut").substr(0, 25));
        if (way == 1) app_.control.say(frame_bytes({.kind = frame_kind::close}));
        if (way == 2) ::raise(SIGKILL);
        ::_exit(0);
    }

private:
    std::uint64_t draw(std::uint64_t below) { return random_() % below; }
    std::uint64_t any_number() {
        static const std::uint64_t edges[] = {0,       1,        2,   24,        262'144,
                                              262'145, 1u << 31, ~0u, 1ull << 63};
        return draw(4) == 0 ? random_() : edges[draw(std::size(edges))] - draw(2);
    }
    void say(const std::string& bytes) {
        if (!pipe_.say(bytes)) leave();
    }
    template <class T>
    void ask(const T& question, std::uint64_t id) {
        say(frame_bytes({.kind = frame_kind::request,
                         .flags = frame_header::of_sender,
                         .id = id,
                         .tag = remora::type_tag_of<T>()},
                        payload_of(question)));
    }

    void ask_well() { ask(add_later{1, 2, 3}, ++last_); }
    void reuse_number() { ask(add{1, 2}, last_); }
    void ask_too_much() {
        for (auto count = draw(2000); count > 0; --count)
            ask(wait_for_ever{}, ++last_);
    }
    void ignore_stream() {
        ask(count_up{std::int64_t{1} << 40, -1}, ++last_);
        ask(large_items{1000}, ++last_);
        if (draw(2) == 0) say(number_frame(frame_kind::credit, last_, any_number()));
    }
    void upload_without_credit() {
        ask(add_up{}, ++last_);
        for (auto count = draw(8000); count > 0; --count)
            say(frame_bytes({.kind = frame_kind::item,
                             .flags = frame_header::of_sender,
                             .id = last_,
                             .tag = remora::type_tag_of<number>()},
                            payload_of(number{1})));
    }
    void announce_too_much() {
        say(header_bytes({.length = static_cast<std::uint32_t>(any_number()),
                          .kind = static_cast<frame_kind>(draw(2) == 0 ? 2 : 32),
                          .id = ++last_}));
    }
    void say_garbage() {
        std::string bytes(draw(300), 0);
        for (char& c : bytes)
            c = static_cast<char>(draw(3) == 0 ? draw(256) : 0);
        say(bytes);
    }
    // With all that a frame may have, each of it right or wrong.
    void say_any_frame() {
        static const std::uint64_t tags[] = {remora::type_tag_of<add>(),
                                             remora::type_tag_of<count_up>(),
                                             remora::type_tag_of<number>(),
                                             remora::type_tag_of<echo>(),
                                             0,
                                             99};
        const frame_header header{
            .kind = any_kind(),
            .flags = static_cast<std::uint8_t>(draw(10) == 0 ? draw(256) : draw(8)),
            .id = draw(4) == 0 ? any_number() : 1 + draw(last_ + 2),
            .tag = tags[draw(std::size(tags))]};
        const std::string values[] = {{},
                                      payload_of(add{1, 2}),
                                      payload_of(number{5}),
                                      payload_of(any_number()),
                                      payload_of(count_up{5, 3}),
                                      std::string(draw(5000), 'x'),
                                      "\x06number" + payload_of(number{5})};
        say(frame_bytes(header, values[draw(std::size(values))]));
    }
    frame_kind any_kind() {
        const auto n = draw(10);
        return static_cast<frame_kind>(n == 0 ? draw(256) : n < 3 ? 1 + draw(3) : 32 + draw(10));
    }
    static std::string number_frame(frame_kind kind, std::uint64_t id, std::uint64_t value) {
        return frame_bytes({.kind = kind, .id = id}, payload_of(value));
    }

    // What may be its own to lend, and what is none.
    void lend() {
        if (!pipe_.rings() || pipe_.rings().lent_size() == 0) return;
        const std::uint64_t range = pipe_.rings().lent_size();
        const auto any_place = [&] { return draw(2) == 0 ? draw(16) * 4096 : any_number(); };
        std::vector<remora::detail::loan> loans(draw(4));
        for (auto& each : loans) {
            each.slot = static_cast<std::uint32_t>(draw(8) == 0 ? any_number() : draw(4));
            each.generation =
                static_cast<std::uint32_t>(draw(8) == 0 ? any_number() : ++generation_);
            each.offset = draw(8) == 0 ? range - draw(2) : any_place();
            each.size = draw(2) == 0 ? 1 + draw(4096) : any_place();
        }
        say(lending_frame({.kind = frame_kind::request,
                           .flags = frame_header::of_sender,
                           .id = ++last_,
                           .tag = remora::type_tag_of<echo>()},
                          lent_echo(static_cast<std::uint32_t>(draw(4))), loans));
        for (std::uint32_t slot = 0; slot != 4; ++slot) {
            for (const auto owner : {remora::detail::side::app, remora::detail::side::server})
                pipe_.rings().given_back(owner, slot) = static_cast<std::uint32_t>(any_number());
        }
        std::memset(lent_.data(), static_cast<int>(draw(256)), lent_.size());
    }
    // An echo whose bytes are those of a loan.
    static std::string lent_echo(std::uint32_t loan) {
        std::string value = payload_of(echo{});
        const std::uint32_t marker[] = {remora::detail::of_a_loan, loan};
        value.replace(value.size() - 4, 4, reinterpret_cast<const char*>(marker), sizeof marker);
        for (const std::size_t length : {1u, 6u})  // of both records
            value[length] = static_cast<char>(value[length] + 4);
        return value;
    }

    // Over all that the server looks at, while it reads and writes there.
    void scribble() {
        if (!pipe_.rings()) return;
        say(frame_bytes({.kind = frame_kind::message, .tag = 7}, std::string(20'000, 'x')));
        auto* const page = static_cast<unsigned char*>(pipe_.rings().page());
        static const std::size_t places[] = {0,   128,  256,  384,  512,  640, 768,
                                             896, 1024, 1152, 1408, 1416, 1536};
        auto& head = *reinterpret_cast<std::atomic<std::uint64_t>*>(page);
        const std::string text(56, static_cast<char>(draw(256)));
        auto& line = *reinterpret_cast<remora::detail::express_line*>(page + 1408);
        for (auto count = draw(300); count > 0; --count) {
            auto& index = *reinterpret_cast<std::atomic<std::uint64_t>*>(
                page + places[draw(std::size(places))]);
            if (draw(2) == 0)
                index += draw(9000) - 4000;
            else
                index = any_number();
            pipe_.scribble(random_());
            line.put(std::as_bytes(std::span(text).first(draw(57))), head + draw(100));
        }
    }
    void speak_on_control() {
        if (draw(4) != 0) return;
        static const std::uint8_t kinds[] = {1, 2, 3, 16, 17, 19, 22, 23, 200};
        app_.control.say(
            frame_bytes({.kind = static_cast<frame_kind>(kinds[draw(std::size(kinds))]),
                         .flags = static_cast<std::uint8_t>(draw(8)),
                         .id = any_number()},
                        std::string(draw(100), '\x46')));
    }

    raw_app& app_;
    std::mt19937_64 random_;
    std::string name_;
    raw_connection pipe_;
    std::span<std::byte> lent_;  ///< the beginning of its range
    std::uint32_t generation_ = 0;
    std::uint64_t last_ = 0;
};

// A hello of which some bytes are others, or missing.
void greet_badly(const std::string& directory, std::mt19937_64& random) {
    std::string words = hello_bytes();
    for (auto count = 1 + random() % 4; count > 0; --count)
        words[random() % words.size()] = static_cast<char>(random());
    if (random() % 2 == 0) words.resize(random() % words.size());
    const raw_pipe control(directory, "control");
    control.say(words);
    control.say(connect_bytes(1, "calls"));
}

}  // namespace

void act_at_random(const std::string& directory, std::uint64_t seed, bool over_fifos) try {
    const itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 30'000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    std::mt19937_64 random(seed);
    if (random() % 8 == 0) {
        greet_badly(directory, random);
        ::_exit(0);
    }
    raw_app app(directory);
    adversary one(app, random(), over_fifos);
    one.act();
    one.leave();
} catch (const remora::error&) {  // it has broken its own side of the rings
    ::_exit(89);
}

}  // namespace test
