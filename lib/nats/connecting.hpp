// SPDX-License-Identifier: MIT
/// What a user says about a connection to NATS, as libnats takes it.
#pragma once

#include <remora/nats.hpp>

#include <nats/nats.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace remora::nats {

inline constexpr std::int64_t patience = 1000;  // ms

struct options_destroyer {
    void operator()(natsOptions* o) const noexcept { natsOptions_Destroy(o); }
};
using options_ptr = std::unique_ptr<natsOptions, options_destroyer>;

/// Throws `refused` with `what` and what libnats says of it, on this thread, if that has failed.
void check(natsStatus status, const std::string& what);
/// What may help then: begins with ": " if there is anything.
std::string advice(natsStatus status);
/// The executor may be blocked for `lost_after`. Throws `bad_option` for what contradicts itself.
options_ptr to_nats(const connection_options& from, std::chrono::milliseconds lost_after);
natsStatus connect(natsConnection*& made, natsOptions* options, const connection_options& from);
/// `servers` as text, without users and passwords.
std::string to_text(const std::vector<std::string>& servers);

}  // namespace remora::nats
