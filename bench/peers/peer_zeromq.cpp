// SPDX-License-Identifier: MIT
/// ZeroMQ over ipc://, which is a Unix socket; the name is abstract and leaves no file.
///
/// Its idiom: REQ and REP for questions (PAIR and DEALER take as long), PUSH and PULL for streams,
/// messages that are plain structs. Its best mode: blocking calls. Calls that do not wait keep
/// its threads from the CPU and answer a question in milliseconds. The high-water mark is the
/// default one, but for bulk a few messages, so that they stay in the caches.
#include "peer.hpp"

#include <zmq.h>

namespace {

void check(int result) {
    if (result < 0) peer::fail(::zmq_strerror(::zmq_errno()));
}

class socket {
public:
    socket(void* context, int type, const peer::options& o) : socket_(::zmq_socket(context, type)) {
        if (socket_ == nullptr) check(-1);
        if (o.pattern != "bulk") return;
        const int messages = 4;
        check(::zmq_setsockopt(socket_, ZMQ_SNDHWM, &messages, sizeof messages));
        check(::zmq_setsockopt(socket_, ZMQ_RCVHWM, &messages, sizeof messages));
    }
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;
    ~socket() { ::zmq_close(socket_); }

    void bind(const std::string& name) { check(::zmq_bind(socket_, ("ipc://@" + name).c_str())); }
    void connect(const std::string& name) {
        check(::zmq_connect(socket_, ("ipc://@" + name).c_str()));
    }
    void send(const void* data, std::size_t size) { check(::zmq_send(socket_, data, size, 0)); }
    template <class T>
    T receive() {
        T value;
        if (::zmq_recv(socket_, &value, sizeof value, 0) != sizeof value) peer::fail("no value");
        return value;
    }
    void receive(zmq_msg_t& message) { check(::zmq_msg_recv(&message, socket_, 0)); }

private:
    void* socket_;
};

void solve(socket& questions) {
    for (;;) {
        const auto a = questions.receive<peer::flat_question>().solved();
        questions.send(&a, sizeof a);
    }
}

// An empty message asks how many there were.
void take(socket& stream, socket& acknowledgements, std::size_t bytes) {
    peer::inbox in(bytes);
    zmq_msg_t message;
    ::zmq_msg_init(&message);
    for (;;) {
        stream.receive(message);
        if (::zmq_msg_size(&message) != 0) {
            in.take(::zmq_msg_data(&message), ::zmq_msg_size(&message));
        } else {
            const auto count = in.acknowledge();
            acknowledgements.send(&count, sizeof count);
        }
    }
}

void serve(const peer::options& o, auto ready) {
    void* context = ::zmq_ctx_new();
    socket questions(context, ZMQ_REP, o), stream(context, ZMQ_PULL, o);
    socket acknowledgements(context, ZMQ_PUSH, o);
    questions.bind(o.name);
    stream.bind(o.name + "-stream");
    acknowledgements.bind(o.name + "-acknowledgements");
    ready();
    if (o.asks()) solve(questions);
    take(stream, acknowledgements, o.bytes);
}

class client {
public:
    explicit client(const peer::options& o)
        : context_(::zmq_ctx_new()),
          questions_(context_, ZMQ_REQ, o),
          stream_(context_, ZMQ_PUSH, o),
          acknowledgements_(context_, ZMQ_PULL, o) {
        questions_.connect(o.name);
        stream_.connect(o.name + "-stream");
        acknowledgements_.connect(o.name + "-acknowledgements");
    }

    peer::answer ask(const peer::question& q) {
        const peer::flat_question flat(q);
        questions_.send(&flat, sizeof flat);
        return questions_.receive<peer::answer>();
    }
    void send(std::span<const std::byte> message) { stream_.send(message.data(), message.size()); }
    std::uint64_t acknowledge() {
        stream_.send(nullptr, 0);
        return acknowledgements_.receive<std::uint64_t>();
    }

private:
    void* context_;
    socket questions_, stream_, acknowledgements_;
};

}  // namespace

int main(int argc, char** argv) {
    const auto o = peer::parse(argc, argv);
    peer::second_process server([&](auto ready) { serve(o, ready); });
    client c(o);
    peer::measure(c, o, server);
}
