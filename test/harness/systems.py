# SPDX-License-Identifier: MIT
"""What the benchmark compares with, by the names that rows call transports."""
NAMES = {
    "channel_one_thread": "Asio channel, one thread",
    "channel_two_threads": "Asio channel, two threads",
    "channel_go_one_thread": "Go channel, one thread",
    "channel_go_two_threads": "Go channel, two threads",
    "peer_remora_go": "Remora in Go, of 2016",
    "peer_zeromq": "ZeroMQ",
    "peer_capnproto": "Cap'n Proto RPC",
    "peer_grpc": "gRPC",
    "peer_boost_queue": "Boost message_queue",
    "peer_iceoryx": "iceoryx",
}
