// SPDX-License-Identifier: MIT
/// Boost.Interprocess message_queue: slots in shared memory behind one mutex, a queue each way.
/// The names are removed as soon as the queues are made; the second process inherits the memory.
///
/// Its idiom: plain bytes in, plain bytes out. Its best mode: try_send and try_receive again and
/// again, giving way between tries, which burns both CPUs. A blocking round trip takes some 60 µs,
/// and tries without giving way fight for the mutex. The depths are the best of those tried.
#include "peer.hpp"

#include <boost/interprocess/ipc/message_queue.hpp>

#include <thread>

namespace {

namespace ipc = boost::interprocess;

class queue {
public:
    queue(const std::string& name, std::size_t depth, std::size_t bytes)
        : queue_(ipc::create_only, name.c_str(), depth, bytes) {
        ipc::message_queue::remove(name.c_str());
    }

    void send(const void* data, std::size_t size) {
        while (!queue_.try_send(data, size, 0))
            std::this_thread::yield();
    }
    std::size_t receive(void* data, std::size_t size) {
        ipc::message_queue::size_type received = 0;
        unsigned priority = 0;
        while (!queue_.try_receive(data, size, received, priority))
            std::this_thread::yield();
        return received;
    }

private:
    ipc::message_queue queue_;
};

void solve(queue& questions, queue& answers) {
    for (;;) {
        peer::flat_question q;
        questions.receive(&q, sizeof q);
        const auto a = q.solved();
        answers.send(&a, sizeof a);
    }
}

// An empty message asks how many there were.
void take(queue& stream, queue& acknowledgements, std::size_t bytes) {
    peer::inbox in(bytes);
    std::vector<std::byte> message(bytes);
    for (;;) {
        const auto size = stream.receive(message.data(), bytes);
        if (size != 0) {
            in.take(message.data(), size);
        } else {
            const auto count = in.acknowledge();
            acknowledgements.send(&count, sizeof count);
        }
    }
}

struct client {
    queue& to;
    queue& from;

    peer::answer ask(const peer::question& q) {
        const peer::flat_question flat(q);
        to.send(&flat, sizeof flat);
        peer::answer a;
        from.receive(&a, sizeof a);
        return a;
    }
    void send(std::span<const std::byte> message) { to.send(message.data(), message.size()); }
    std::uint64_t acknowledge() {
        to.send(nullptr, 0);
        std::uint64_t count = 0;
        from.receive(&count, sizeof count);
        return count;
    }
};

}  // namespace

int main(int argc, char** argv) {
    const auto o = peer::parse(argc, argv);
    queue to(o.name, o.pattern == "bulk" ? 2 : 1024,
             o.asks() ? sizeof(peer::flat_question) : o.bytes);
    queue from(o.name, 1, o.asks() ? sizeof(peer::answer) : sizeof(std::uint64_t));
    peer::second_process server([&](auto ready) {
        ready();
        o.asks() ? solve(to, from) : take(to, from, o.bytes);
    });
    peer::bind_pollers(o, server);
    client c{to, from};
    peer::measure(c, o, server);
}
