// SPDX-License-Identifier: MIT
/// gRPC over a Unix socket with an abstract name.
///
/// Its idiom: a stream of messages to the server. Its best mode, of those tried: the asynchronous
/// interface with one thread and one completion queue a side, and one stream both ways for all
/// questions, which takes half as long as a unary call each or as the synchronous or callback
/// interface; streams written with the hint that writes may be put together, which makes four of
/// one. There is no limit on the size of a message. Other sizes of windows, frames and buffers than
/// the default ones change nothing that could be told from chance.
#include "peer.hpp"
#include "peer_grpc.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <memory>

namespace {

using namespace peer_grpc;

// Whether the one operation that was begun has succeeded, once it is done.
bool done(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
}

void must(bool ok) {
    if (!ok) peer::fail("a call has failed");
}

void solve(Peer::AsyncService& service, grpc::ServerCompletionQueue& queue) {
    grpc::ServerContext context;
    grpc::ServerAsyncReaderWriter<Answer, Question> stream(&context);
    service.RequestAsk(&context, &stream, &queue, &queue, nullptr);
    must(done(queue));
    Question q;
    Answer a;
    for (;;) {
        stream.Read(&q, nullptr);
        must(done(queue));
        a.set_value(peer::solve(q.a(), q.b(), q.op()).value);
        stream.Write(a, nullptr);
        must(done(queue));
    }
}

// One stream: as many messages as there are until the client acknowledges.
void take(Peer::AsyncService& service, grpc::ServerCompletionQueue& queue, std::size_t bytes) {
    grpc::ServerContext context;
    grpc::ServerAsyncReader<Acknowledgement, Message> stream(&context);
    service.RequestSend(&context, &stream, &queue, &queue, nullptr);
    must(done(queue));
    peer::inbox in(bytes);
    Message message;
    for (stream.Read(&message, nullptr); done(queue); stream.Read(&message, nullptr))
        in.take(message.data().data(), message.data().size());
    Acknowledgement acknowledgement;
    acknowledgement.set_count(in.acknowledge());
    stream.Finish(acknowledgement, grpc::Status::OK, nullptr);
    must(done(queue));
}

void serve(const peer::options& o, auto ready) {
    Peer::AsyncService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix-abstract:" + o.name, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    builder.SetMaxReceiveMessageSize(-1);
    const auto queue = builder.AddCompletionQueue();
    const auto server = builder.BuildAndStart();
    must(server != nullptr);
    ready();
    if (o.asks()) solve(service, *queue);
    for (;;)
        take(service, *queue, o.bytes);
}

class client {
public:
    explicit client(const std::string& name)
        : peer_(Peer::NewStub(
              grpc::CreateChannel("unix-abstract:" + name, grpc::InsecureChannelCredentials()))) {}

    peer::answer ask(const peer::question& q) {
        if (questions_ == nullptr) {
            questions_ = peer_->AsyncAsk(&asking_, &queue_, nullptr);
            must(done(queue_));
        }
        question_.set_a(q.a);
        question_.set_b(q.b);
        question_.set_op(q.op);
        questions_->Write(question_, nullptr);
        questions_->Read(&answer_, nullptr);
        must(done(queue_) && done(queue_));
        return {answer_.value()};
    }
    void send(std::span<const std::byte> message) {
        if (stream_ == nullptr) {
            sending_ = std::make_unique<grpc::ClientContext>();
            stream_ = peer_->AsyncSend(sending_.get(), &acknowledgement_, &queue_, nullptr);
            must(done(queue_));
        }
        message_.set_data(message.data(), message.size());
        stream_->Write(message_, grpc::WriteOptions().set_buffer_hint(), nullptr);
        must(done(queue_));
    }
    std::uint64_t acknowledge() {
        grpc::Status status;
        stream_->WritesDone(nullptr);
        stream_->Finish(&status, nullptr);
        must(done(queue_) && done(queue_) && status.ok());
        stream_.reset();
        return acknowledgement_.count();
    }

private:
    std::unique_ptr<Peer::Stub> peer_;
    grpc::CompletionQueue queue_;
    grpc::ClientContext asking_;
    std::unique_ptr<grpc::ClientContext> sending_;
    std::unique_ptr<grpc::ClientAsyncReaderWriter<Question, Answer>> questions_;
    std::unique_ptr<grpc::ClientAsyncWriter<Message>> stream_;
    Question question_;
    Answer answer_;
    Message message_;
    Acknowledgement acknowledgement_;
};

}  // namespace

int main(int argc, char** argv) {
    const auto o = peer::parse(argc, argv);
    peer::second_process server([&](auto ready) { serve(o, ready); });
    client c(o.name);
    peer::measure(c, o, server);
}
