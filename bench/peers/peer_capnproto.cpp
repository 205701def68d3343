// SPDX-License-Identifier: MIT
/// Cap'n Proto RPC between two vats at the ends of a Unix socket pair, one thread each.
///
/// Its idiom: a call for each question; for streams, calls of a method declared `-> stream`, each
/// awaited, which returns while the window of the flow control has room. Its best mode: there is
/// one, it sleeps in epoll. The window is as large as the socket's send buffer: 1 MiB here, if the
/// machine allows so much, which doubles `bulk`. Each streamed call still has its own answer.
#include "peer.hpp"
#include "peer_capnproto.capnp.h"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/io.h>
#include <sys/socket.h>

namespace {

class service final : public Peer::Server {
public:
    explicit service(std::size_t bytes) : in_(bytes) {}

    kj::Promise<void> ask(AskContext context) override {
        const auto q = context.getParams();
        const auto op = q.getOp();
        const auto a = peer::solve(q.getA(), q.getB(), {op.begin(), op.size()});
        context.getResults().setValue(a.value);
        return kj::READY_NOW;
    }
    kj::Promise<void> send(SendContext context) override {
        const auto message = context.getParams().getMessage();
        in_.take(message.begin(), message.size());
        return kj::READY_NOW;
    }
    kj::Promise<void> acknowledge(AcknowledgeContext context) override {
        context.getResults().setCount(in_.acknowledge());
        return kj::READY_NOW;
    }

private:
    peer::inbox in_;
};

struct socket_pair {
    int ends[2];

    socket_pair() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            peer::fail("no socket");
        const int window = 1 << 20;
        for (const int end : ends)
            ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &window, sizeof window);
    }
    // The calling process keeps this end only.
    kj::Own<kj::AsyncIoStream> take(int end, kj::AsyncIoContext& io) {
        ::close(ends[1 - end]);
        return io.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[end]));
    }
};

class client {
public:
    explicit client(socket_pair& sockets)
        : io_(kj::setupAsyncIo()),
          stream_(sockets.take(0, io_)),
          connection_(*stream_),
          peer_(connection_.bootstrap().castAs<Peer>()) {}

    peer::answer ask(const peer::question& q) {
        auto request = peer_.askRequest();
        request.setA(q.a);
        request.setB(q.b);
        request.setOp(q.op);
        return {request.send().wait(io_.waitScope).getValue()};
    }
    void send(std::span<const std::byte> message) {
        constexpr std::size_t call = 32;  // words, generously
        auto request = peer_.sendRequest(capnp::MessageSize{message.size() / 8 + call, 0});
        request.setMessage({reinterpret_cast<const kj::byte*>(message.data()), message.size()});
        request.send().wait(io_.waitScope);
    }
    std::uint64_t acknowledge() {
        return peer_.acknowledgeRequest().send().wait(io_.waitScope).getCount();
    }

private:
    kj::AsyncIoContext io_;
    kj::Own<kj::AsyncIoStream> stream_;
    capnp::TwoPartyClient connection_;
    Peer::Client peer_;
};

}  // namespace

int main(int argc, char** argv) {
    const auto o = peer::parse(argc, argv);
    socket_pair sockets;
    peer::second_process server([&](auto ready) {
        auto io = kj::setupAsyncIo();
        capnp::TwoPartyServer service_server(kj::heap<service>(o.bytes));
        service_server.accept(sockets.take(1, io));
        ready();
        kj::NEVER_DONE.wait(io.waitScope);
    });
    client c(sockets);
    peer::measure(c, o, server);
}
