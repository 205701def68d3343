// SPDX-License-Identifier: MIT
/// iceoryx: chunks of shared memory, handed over by publishers and subscribers. Its daemon RouDi,
/// which owns the memory, is started with its built-in configuration and ended again; its CPU time
/// does not count. Where it does not start, for instance since there is one already, or no room
/// for its memory in /dev/shm (210 MB, or ten of the largest messages), this program is not
/// available.
///
/// Its idiom: loan a chunk, write the message into it, publish it; the subscriber reads it where
/// it is. Nothing is lost: a full queue makes the publisher wait. Its best mode: poll the
/// subscriber, giving way between tries, which burns both CPUs. By reference, only both ends of
/// the chunk are written, as in our row.
#include "peer.hpp"
#include "roudi.hpp"

#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_hoofs/posix_wrapper/signal_watcher.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include <cstring>
#include <thread>

namespace {

// A signal has asked this process to end.
struct interrupted {};

iox::capro::ServiceDescription topic(const char* name) {
    return {"remora", "bench", iox::capro::IdString_t(iox::cxx::TruncateToCapacity, name)};
}

class output {
public:
    explicit output(const char* name) : publisher_(topic(name), options()) {}

    void wait_for_the_other() const {
        while (!publisher_.hasSubscribers())
            std::this_thread::yield();
    }
    void send(const void* data, std::size_t size) {
        auto chunk = publisher_.loan(static_cast<std::uint32_t>(size));
        if (chunk.has_error()) peer::fail("no chunk");
        std::memcpy(chunk.value(), data, size);
        publisher_.publish(chunk.value());
    }
    void send_in_place(std::size_t size, unsigned char number) {
        auto chunk = publisher_.loan(static_cast<std::uint32_t>(size));
        if (chunk.has_error()) peer::fail("no chunk");
        auto* const bytes = static_cast<unsigned char*>(chunk.value());
        bytes[0] = bytes[size - 1] = number;
        publisher_.publish(chunk.value());
    }

private:
    static iox::popo::PublisherOptions options() {
        iox::popo::PublisherOptions o;
        o.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
        return o;
    }

    iox::popo::UntypedPublisher publisher_;
};

class input {
public:
    input(const char* name, std::size_t depth) : subscriber_(topic(name), options(depth)) {}

    /// Calls `use(data, size)` with the next message. Throws `interrupted`.
    template <class Use>
    void receive(Use use) {
        for (;;) {
            auto chunk = subscriber_.take();
            if (!chunk.has_error()) {
                const auto* header = iox::mepoo::ChunkHeader::fromUserPayload(chunk.value());
                use(chunk.value(), header->userPayloadSize());
                subscriber_.release(chunk.value());
                return;
            }
            if (iox::posix::hasTerminationRequested()) throw interrupted{};
            std::this_thread::yield();
        }
    }
    template <class T>
    T receive() {
        T value{};
        receive([&](const void* data, std::size_t) { std::memcpy(&value, data, sizeof value); });
        return value;
    }

private:
    static iox::popo::SubscriberOptions options(std::size_t depth) {
        iox::popo::SubscriberOptions o;
        o.queueCapacity = depth;
        o.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
        return o;
    }

    iox::popo::UntypedSubscriber subscriber_;
};

void serve(const peer::options& o, auto ready) {
    iox::runtime::PoshRuntime::initRuntime("remora-bench-server");
    input to(o.asks() ? "questions" : "stream", o.chunk() == 16 ? 4 : 256);
    output from("answers");
    ready();
    from.wait_for_the_other();
    peer::inbox in(o.bytes);
    const auto use = [&](const void* data, std::size_t size) {
        if (o.asks()) {
            const auto a = static_cast<const peer::flat_question*>(data)->solved();
            from.send(&a, sizeof a);
        } else if (size != 0) {
            in.take(data, size);
        } else {  // asks how many there were
            const auto count = in.acknowledge();
            from.send(&count, sizeof count);
        }
    };
    for (;;)
        to.receive(use);
}

class client {
public:
    explicit client(const peer::options& o)
        : to_(o.asks() ? "questions" : "stream"), from_("answers", 4) {
        to_.wait_for_the_other();
    }

    peer::answer ask(const peer::question& q) {
        const peer::flat_question flat(q);
        to_.send(&flat, sizeof flat);
        return from_.receive<peer::answer>();
    }
    void send(std::span<const std::byte> message) { to_.send(message.data(), message.size()); }
    void send_in_place(std::size_t size, unsigned char number) { to_.send_in_place(size, number); }
    std::uint64_t acknowledge() {
        to_.send(nullptr, 0);
        return from_.receive<std::uint64_t>();
    }

private:
    output to_;
    input from_;
};

void run(const peer::options& o) {
    peer::second_process server(
        [&](auto ready) {
            try {
                serve(o, ready);
            } catch (interrupted) {
            }
        },
        SIGTERM);
    iox::runtime::PoshRuntime::initRuntime("remora-bench-client");
    peer::bind_pollers(o, server);
    client c(o);
    peer::measure(c, o, server);
}

}  // namespace

int main(int argc, char** argv) {
    const auto o = peer::parse(argc, argv, true);
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(
        iox::log::LogLevel::kError, iox::log::LogLevelOutput::kHideLogLevel);
    static peer::roudi daemon(o.bytes);  // ends after the runtime of this process
    try {
        run(o);
    } catch (interrupted) {
        return 1;
    }
}
