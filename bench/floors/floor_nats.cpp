// SPDX-License-Identifier: MIT
// The floor of calls through NATS: requests and replies of libnats, and nothing else. Replies come
// to a subject of the asking side's own, and each asks the next question.
#include "../nats_calls.hpp"

#include <nats/nats.h>

#include <array>
#include <semaphore>

namespace {

using namespace bench;

// As many as Remora's messages have, with what stands before the values.
constexpr std::size_t question_bytes = 72;
constexpr std::size_t answer_bytes = 56;

void check(natsStatus status) {
    if (status == NATS_OK) return;
    std::fprintf(stderr, "floor_nats: %s\n", natsStatus_GetText(status));
    std::exit(1);
}

natsConnection* connect(const std::string& url) {
    natsOptions* options = nullptr;
    check(natsOptions_Create(&options));
    check(natsOptions_SetURL(options, url.c_str()));
    check(natsOptions_SetSendAsap(options, true));
    natsConnection* made = nullptr;
    check(natsConnection_Connect(&made, options));
    return made;
}

void answer(natsConnection* on, natsSubscription*, natsMsg* question, void*) {
    const std::array<char, answer_bytes> text{};
    check(natsConnection_Publish(on, natsMsg_GetReply(question), text.data(), answer_bytes));
    natsMsg_Destroy(question);
}

void serve(const std::string& url, auto ready) {
    natsConnection* const on = connect(url);
    natsSubscription* made = nullptr;
    check(natsConnection_QueueSubscribe(&made, on, "maths", "maths", answer, nullptr));
    check(natsConnection_Flush(on));
    ready();
    for (;;)
        ::pause();
}

// Answers come on one thread of libnats.
struct asking {
    natsConnection* on = nullptr;
    std::string inbox = "answers";
    recorder samples;
    std::uint64_t count = 0;
    std::int64_t end = 0;
    std::size_t left = 0;
    std::binary_semaphore is_over{0};
    std::vector<std::int64_t> asked = {};

    void ask(std::size_t which) {
        const std::array<char, question_bytes> text{};
        asked[which] = now();
        check(natsConnection_PublishRequest(on, "maths",
                                            (inbox + '.' + std::to_string(which)).c_str(),
                                            text.data(), question_bytes));
    }
    void on_answer(const char* subject) {
        const auto which = static_cast<std::size_t>(std::atoi(subject + inbox.size() + 1));
        const auto after = now();
        samples.add(after - asked[which]);
        ++count;
        if (after < end) return ask(which);
        if (--left == 0) is_over.release();
    }
    void run(std::size_t in_flight, std::int64_t duration) {
        end = now() + duration;
        count = 0;
        left = in_flight;
        asked.assign(in_flight, 0);
        for (std::size_t i = 0; i != in_flight; ++i)
            ask(i);
        is_over.acquire();
    }
};

void take(natsConnection*, natsSubscription*, natsMsg* answer, void* to) {
    static_cast<asking*>(to)->on_answer(natsMsg_GetSubject(answer));
    natsMsg_Destroy(answer);
}

}  // namespace

int main(int argc, char** argv) {
    const auto slice = nats_slice(argc, argv);
    const nats_server server;
    const worker_processes workers(slice.pipes, server.url(),
                                   [](const auto& url, auto ready) { serve(url, ready); });
    asking at;
    at.on = connect(server.url());
    natsSubscription* answers = nullptr;
    check(natsConnection_Subscribe(&answers, at.on, (at.inbox + ".*").c_str(), take, &at));
    check(natsConnection_Flush(at.on));
    const auto cpu = [&] { return cpu_time() + server.cpu_time() + workers.cpu_time(); };
    at.run(slice.batch, nats_warm_up);
    at.samples.start(cpu());
    at.run(slice.batch, static_cast<std::int64_t>(slice.seconds * 1e9));
    at.samples.finish(at.count, 0, cpu());
    at.samples.print();
    natsSubscription_Destroy(answers);
    natsConnection_Destroy(at.on);
}
