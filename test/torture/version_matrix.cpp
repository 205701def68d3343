// SPDX-License-Identifier: MIT
// App and server of three versions of one protocol, each with each. What both know works, what only
// one knows keeps its default, and a request that the server does not know is `unknown_request` on
// a pipe that goes on. And apps that say hello for other versions of the wire: they are welcomed or
// refused with both sides' versions. The same program is server and app.
#include "row.hpp"
#include "server/raw_app.hpp"

#include <remora/client.hpp>
#include <remora/server.hpp>
#include <remora/service.hpp>

#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/vector.hpp>

namespace {

using namespace torture;
using remora::failure_kind;

template <int version>
struct answer {
    std::int32_t value = 0;
    std::string unit = "none";                   // since version 2
    std::map<std::string, std::string> notes{};  // since version 3
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
        if constexpr (version > 1) ar(unit);
        if constexpr (version > 2) ar(notes);
    }
};

template <int version>
struct question {
    using reply = answer<version>;
    std::int32_t a = 0, b = 0;
    std::optional<std::int32_t> times;      // since version 2
    std::vector<answer<version>> examples;  // since version 3, and they have grown as well
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b);
        if constexpr (version > 1) ar(times);
        if constexpr (version > 2) ar(examples);
    }
};

/// Since version 2.
template <int version>
struct negate {
    using reply = answer<version>;
    question<version> of;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(of);
    }
};

/// Since version 3.
template <int version>
struct history {
    using reply = remora::stream<answer<version>>;
    std::int32_t count = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(count);
    }
};

}  // namespace

template <int version>
inline constexpr std::string_view remora::type_name<answer<version>> = "answer";
template <int version>
inline constexpr std::string_view remora::type_name<question<version>> = "question";
template <int version>
inline constexpr std::string_view remora::type_name<negate<version>> = "negate";
template <int version>
inline constexpr std::string_view remora::type_name<history<version>> = "history";

namespace {

template <int version>
answer<version> solve(question<version> q) {
    answer<version> a{(q.a + q.b) * q.times.value_or(1), "pieces", {}};
    for (const auto& example : q.examples)
        a.notes[std::to_string(example.value)] = example.unit;
    return a;
}

template <int version>
remora::generator<answer<version>> remember(history<version> h) {
    for (std::int32_t i = 0; i < h.count; ++i)
        co_yield remora::item<answer<version>>(i);
}

template <int version>
remora::service maths() {
    remora::service s;
    s.on(solve<version>);
    if constexpr (version > 1) {
        s.on([](negate<version> n) {
            auto a = solve(n.of);
            a.value = -a.value;
            return a;
        });
    }
    if constexpr (version > 2) s.on(remember<version>);
    return s;
}

remora::service maths_of(int version) {
    return version == 1 ? maths<1>() : version == 2 ? maths<2>() : maths<3>();
}

// The app. Each of these is true if it went as the two versions say.

template <int mine>
asio::awaitable<bool> asks(remora::pipe& pipe, int theirs) {
    const int both = std::min(mine, theirs);
    question<mine> q{2, 3, 10, {{7, "eggs", {}}}};
    const auto a = co_await pipe.call(q);
    const std::map<std::string, std::string> eggs{{"7", "eggs"}};
    co_return a.value == (both > 1 ? 50 : 5) && a.unit == (both > 1 ? "pieces" : "none") &&
        a.notes == (both > 2 ? eggs : decltype(eggs){});
}

template <int mine>
asio::awaitable<bool> negates(remora::pipe& pipe, int theirs) {
    negate<mine> n{{2, 3, {}, {}}};
    try {
        const auto a = co_await pipe.call(n);
        co_return theirs > 1 && a.value == -5;
    } catch (const remora::remote_error& e) {
        co_return theirs == 1 && e.kind() == failure_kind::unknown_request;
    }
}

template <int mine>
asio::awaitable<bool> remembers(remora::pipe& pipe, int theirs) {
    history<mine> h{3};
    std::int32_t count = 0;
    try {
        auto answers = co_await pipe.stream(h);
        while (const auto a = co_await answers.next())
            count += a->value == count && a->unit == "none" ? 1 : 0;
        co_return theirs > 2 && count == 3;
    } catch (const remora::remote_error& e) {
        co_return theirs < 3 && e.kind() == failure_kind::unknown_request;
    }
}

template <int mine>
asio::awaitable<int> be_app(remora::client& client, int theirs) {
    auto pipe = co_await client.connect("maths");
    if (!co_await asks<mine>(pipe, theirs)) co_return 90;
    if constexpr (mine > 1) {
        if (!co_await negates<mine>(pipe, theirs)) co_return 91;
    }
    if constexpr (mine > 2) {
        if (!co_await remembers<mine>(pipe, theirs)) co_return 92;
    }
    if (!co_await asks<mine>(pipe, theirs)) co_return 93;
    co_return 0;
}

int run_app(int argc, char** argv) {
    const std::string mine = argv[2];
    const int theirs = argv[3][0] - '0';
    asio::io_context io;
    remora::client client{io, argc, argv};
    return client.run([&](remora::client& c) {
        return mine == "1"   ? be_app<1>(c, theirs)
               : mine == "2" ? be_app<2>(c, theirs)
                             : be_app<3>(c, theirs);
    });
}

/// Says hello for versions of the wire, "1-2" for example.
int say_hello(const std::string& directory, const std::string& versions) {
    const auto oldest = static_cast<std::uint32_t>(versions[0] - '0');
    const auto newest = static_cast<std::uint32_t>(versions[2] - '0');
    const test::raw_pipe control(directory, "control");
    control.say(test::hello_bytes(oldest, newest));
    std::vector<std::byte> bytes;
    const auto kind = test::hear(control, bytes);
    if (oldest == 1) {
        const bool good = kind == test::frame_kind::welcome &&
                          test::value_of<remora::wire::welcome>(bytes).version == 1;
        return good ? 0 : 94;
    }
    if (kind != test::frame_kind::refused) return 95;
    const auto why = test::value_of<remora::wire::close_reason>(bytes);
    const std::string ends = "the app " + std::to_string(oldest) + " to " + std::to_string(newest);
    return why.to_refusal() == remora::errc::version_mismatch && why.text.ends_with(ends) ? 0 : 96;
}

// The server.

/// The app's exit code.
int serve(const row& r, int version, std::vector<std::string> words) {
    static std::uint64_t round = 0;
    asio::io_context io;
    remora::server_options options;
    options.ring_size = ring_of_round(round++);
    options.target = r.programs + "/test/torture/version_matrix";
    options.standard_error = remora::null_device;
    options.transport =
        r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::shared_memory;
    remora::server server{io, options};
    server.serve("maths", maths_of(version));
    return server.run(std::move(words));
}

verdict judge(const row& r) {
    verdict v;
    const run_parent directory;
    int pairs = 0, hellos = 0;
    for (std::uint64_t i = 0; i < r.rounds; ++i) {
        r.progress(i);
        for (const int theirs : {1, 2, 3}) {
            for (const std::string mine : {"1", "2", "3"}) {
                const int code = serve(r, theirs, {mine, std::to_string(theirs)});
                v.expect(code == 0, "app " + mine + " and server " + std::to_string(theirs) +
                                        " end with " + std::to_string(code));
                v.expect(directory.is_empty(), "a directory is left");
                pairs += i == 0 && code == 0 ? 1 : 0;
            }
        }
        for (const std::string versions : {"1-1", "1-2", "1-3", "2-2", "2-3", "3-3"}) {
            const int code = serve(r, 1, {"hello", versions});
            v.expect(code == 0, "hello " + versions + " ends with " + std::to_string(code));
            v.expect(directory.is_empty(), "a directory is left");
            hellos += i == 0 && code == 0 ? 1 : 0;
        }
    }
    v.figures = std::to_string(pairs) + " of 9 pairs of a protocol work; " +
                std::to_string(hellos) + " of 6 hellos welcomed or refused as they should be";
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 3 && std::string_view(argv[1]).starts_with("--remora.pipes=")) {
        ::alarm(20);  // it hangs: let that be seen
        if (argv[2] == std::string("hello"))
            return say_hello(std::string(argv[1]).substr(15), argv[3]);
        return run_app(argc, argv);
    }
    return row("Versions, each with each", 20).run(argc, argv, judge);
}
