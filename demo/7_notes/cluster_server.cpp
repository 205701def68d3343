// SPDX-License-Identifier: MIT
// A server that keeps nothing: passes the calls of its app on to workers, over a cluster of NATS.
//
//     notes-cluster add buy milk
#include "cluster.hpp"
#include "protocol.hpp"
#include "server.hpp"

#include <remora/archive.hpp>

#include <optional>

namespace {

// These may be asked twice: when a worker is lost before it has answered, others try.
std::vector<std::string> only_reading() {
    return {std::string(remora::type_name_of<notes::list>()),
            std::string(remora::type_name_of<notes::find>()),
            std::string(remora::type_name_of<notes::count>()),
            std::string(remora::type_name_of<notes::watch>())};
}

}  // namespace

int main(int argc, char** argv) {
    notes::cluster where;
    notes::server_program program("notes-cluster",
                                  "Keeps notes in a cluster of NATS, by all its notes-worker.");
    where.add_options(program.options());
    if (int code = 0; !program.parse(argc, argv, code)) return code;
    asio::io_context io;
    std::optional<remora::nats::gateway> gateway;
    try {
        gateway.emplace(io.get_executor(),
                        remora::nats::gateway_options{.service = where.bucket,
                                                      .connection = where.connection(),
                                                      .idempotent = only_reading()});
    } catch (const std::exception& e) {
        return where.complain("notes-cluster", e.what());
    }
    return program.run(io, gateway->service());
}
