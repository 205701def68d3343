// SPDX-License-Identifier: MIT
// A bucket of NATS's key-value store, as this demo needs it. All its functions block; they may be
// called by several threads.
#pragma once

#include "cluster.hpp"

#include <nats/nats.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace notes {

template <auto Destroy>
struct destroyer {
    void operator()(auto* what) const noexcept { Destroy(what); }
};
using watcher = std::unique_ptr<kvWatcher, destroyer<kvWatcher_Destroy>>;

class bucket {
public:
    // Connects, and makes the bucket if there is none. Throws std::exception.
    bucket(const cluster& where, int replicas);

    // Writes if `last` is still the key's revision; 0: if the key was never written. False if it is
    // not, or if nobody answers in time: then it may be written now, later, or never.
    bool write(const std::string& key, std::span<const std::byte> value, std::uint64_t last);
    // A revision behind all that was written before. Throws timed_out.
    std::uint64_t fence();
    // The last revision that a server has told; 0: none did. It may be an old one.
    std::uint64_t last_revision();
    // Begins with what is there. Null if it cannot now.
    watcher watch();

private:
    using connection = std::unique_ptr<natsConnection, destroyer<natsConnection_Destroy>>;
    using jet_stream = std::unique_ptr<jsCtx, destroyer<jsCtx_Destroy>>;
    using key_value = std::unique_ptr<kvStore, destroyer<kvStore_Destroy>>;

    const std::string name_;
    connection connection_;
    jet_stream jet_stream_;
    key_value keys_;
};

}  // namespace notes
