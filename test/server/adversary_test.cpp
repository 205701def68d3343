// SPDX-License-Identifier: MIT
// A server with apps that do not keep to the protocol in what they say.
#include "server/hostile_run.hpp"

namespace {

using namespace test;
using remora::errc;
using remora::stop_step;

struct words_and_answer {
    std::string words;
    errc code;
    std::string text;
};

void check_refused(const words_and_answer& each, remora::server_options options) {
    CAPTURE(each.words);
    hostile_run r({each.words}, std::move(options));
    const auto memory = memory_in_use();
    const auto result = r.finish();
    CHECK(result.error == code(each.code));
    CHECK_MESSAGE(has(result.text, each.text), result.text);
    CHECK(has(r.text_of(remora::event_kind::refused), each.text));
    CHECK(result.stopped_by == stop_step::sigterm);
    CHECK(result.code() == 143);
    CHECK(memory_in_use() < memory + (16u << 20));
    CHECK(r.serves_the_next());
}

TEST_CASE("an app that begins with anything but a hello is refused, by name of the fault") {
    const std::vector<words_and_answer> all{
        {"garbage", errc::protocol_error, "unknown bits"},
        {"zeros", errc::protocol_error, "unknown bits"},
        {"a hello without magic", errc::protocol_error, "first frame is no hello"},
        {"a hello of garbage", errc::field_mismatch, ""},
        {"a hello of nothing", errc::truncated, ""},
        {"a hello of tomorrow", errc::version_mismatch, "the app 7 to 9"},
        {"a connect at once", errc::protocol_error, "first frame is no hello"},
        {"limit + 1", errc::message_too_large, "65537"},
        {"2^31", errc::message_too_large, "2147483648"},
        {"2^32 - 1", errc::message_too_large, "4294967295"},
    };
    for (const auto& each : all)
        check_refused(each, with_adversary());
}

TEST_CASE("an app that never gets to its hello is stopped after the start timeout") {
    auto options = with_adversary();
    for (const std::string words : {"nothing", "one fifo up", "one fifo down", "half a hello",
                                    "half a hello's value", "skips for ever before the hello"}) {
        options.start_timeout = 20ms;
        CAPTURE(words);
        hostile_run r({words}, options);
        const auto result = r.finish();
        CHECK(result.error == code(errc::start_timeout));
        CHECK(has(result.text, "waiting for the app's hello"));
        CHECK(result.stopped_by == stop_step::sigterm);
        CHECK(r.is_clean());
    }
}

TEST_CASE("an app that dies in the middle of its hello has its exit status") {
    hostile_run r({"half a hello, then death"});
    const auto result = r.finish();
    CHECK(result.code() == 137);
    CHECK(result.stopped_by == stop_step::none);
    CHECK(r.serves_the_next());
}

TEST_CASE("an app of another version that leaves when it is refused ends with its own code") {
    hostile_run r({"a hello of tomorrow, then death"});
    const auto result = r.finish();
    CHECK(result.code() == 5);
    CHECK(result.stopped_by == stop_step::none);
    CHECK(result.error == code(errc::version_mismatch));
    CHECK(has(result.text, "the app 7 to 9"));
    CHECK(r.serves_the_next());
}

TEST_CASE("an app that talks nonsense after its hello is stopped, by name of the fault") {
    const std::vector<words_and_answer> all{
        {"a second hello", errc::protocol_error, "a second hello"},
        {"a number again", errc::protocol_error, "the number of a connection"},
        {"a lower number", errc::protocol_error, "the number of a connection"},
        {"number 0", errc::protocol_error, "the number of a connection"},
        {"a connect of garbage", errc::field_mismatch, ""},
        {"an unknown kind", errc::protocol_error, "a frame of kind 200"},
        {"no kind", errc::protocol_error, "unknown bits"},
        {"unknown flags", errc::protocol_error, "unknown bits"},
        {"a message", errc::protocol_error, "a frame of kind 2"},
        {"a welcome", errc::protocol_error, "unexpected frame"},
        {"a goodbye", errc::protocol_error, "unexpected frame"},
        {"a name of another tag", errc::protocol_error, "is not its own"},
        {"limit + 1 later", errc::message_too_large, "65537"},
        {"2^32 - 1 later", errc::message_too_large, "4294967295"},
    };
    for (const auto& each : all)
        check_refused(each, with_adversary());
}

TEST_CASE("a bad name on the wire is bad_name, and the conversation goes on") {
    for (const std::string& name : {std::string("../x"), std::string(), std::string("a\nb"),
                                    std::string(1024, 'x'), std::string("/"), std::string("a/b")}) {
        CAPTURE(name);
        hostile_run r({"asks for", name});
        const auto result = r.finish();
        CHECK(result.code() == static_cast<int>(errc::bad_name));
        CHECK(!result.error);
        CHECK(r.count(remora::event_kind::rejected) == 1);
        CHECK(r.serves_the_next());
    }
}

TEST_CASE("frames of the largest size, and frames to be passed over, do no harm") {
    hostile_run r({"the limit"});
    CHECK(r.finish().code() == 0);
    CHECK(r.failures.empty());
    CHECK(r.serves_the_next());
}

TEST_CASE("a pipe that does not begin with its open frame is not given to a service") {
    for (const std::string words :
         {"a message before open", "open of another number", "half an open", "open with a value"}) {
        CAPTURE(words);
        hostile_run r({words});
        CHECK(r.finish().code() == 0);
        CHECK(has(r.text_of(remora::event_kind::rejected), "pipe \"echo\" #1"));
        CHECK(has(r.text_of(remora::event_kind::rejected), "has not opened the pipe"));
        CHECK(r.count(remora::event_kind::connected) == 0);
        CHECK(r.failures.empty());
        CHECK(r.serves_the_next());
    }
}

TEST_CASE("nonsense on a pipe ends its service with a clear error, and nothing else") {
    const std::vector<words_and_answer> all{
        {"garbage on a pipe", errc::protocol_error, "unknown bits"},
        {"open twice", errc::protocol_error, "a frame of kind 1"},
        {"an unknown kind on a pipe", errc::protocol_error, "a frame of kind 200"},
        {"a hello on a pipe", errc::protocol_error, "a frame of kind 16"},
        {"a misnamed message", errc::protocol_error, "\"number\" is not its own"},
        {"an unknown type", errc::type_mismatch, "an unnamed type (tag 99)"},
        {"pipe limit + 1", errc::message_too_large, "65537"},
        {"pipe 2^31", errc::message_too_large, "2147483648"},
        {"pipe 2^32 - 1", errc::message_too_large, "4294967295"},
        {"a close of garbage", errc::protocol_error, ""},
    };
    for (const auto& [words, code, text] : all) {
        CAPTURE(words);
        hostile_run r({words});
        const auto memory = memory_in_use();
        CHECK(r.finish().code() == 0);
        REQUIRE(r.failures.size() == 1);
        CHECK_MESSAGE(has(r.failures[0], text), r.failures[0]);
        CHECK(has(r.failures[0], "pipe \"echo\""));
        CHECK(memory_in_use() < memory + (16u << 20));
        CHECK(r.serves_the_next());
    }
}

TEST_CASE("an app that dies while it opens a pipe, or in a message, fails no service") {
    for (const std::string words :
         {"never opens, then death", "half an open, then death", "half a message, then death"}) {
        CAPTURE(words);
        hostile_run r({words});
        const auto result = r.finish();
        CHECK(result.code() == 137);
        CHECK(!result.error);
        CHECK(r.failures.empty());
        CHECK(r.serves_the_next());
    }
}

}  // namespace
