// SPDX-License-Identifier: MIT
#include "bucket.hpp"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace notes {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto patience = 20s;         // a cluster that has lost a server may take 10 s to choose
constexpr std::int64_t answer = 2000;  // ms, for one question

void check(natsStatus status, const char* what) {
    if (status == NATS_OK) return;
    const char* const detail = nats_GetLastError(nullptr);
    throw std::runtime_error(std::string(what) + ": " + natsStatus_GetText(status) +
                             (detail ? std::string(", ") + detail : ""));
}

natsConnection* connect(const remora::nats::connection_options& where) {
    natsOptions* made = nullptr;
    check(natsOptions_Create(&made), "options");
    const std::unique_ptr<natsOptions, destroyer<natsOptions_Destroy>> options(made);
    std::vector<const char*> servers;
    for (const auto& server : where.servers)
        servers.push_back(server.c_str());
    check(natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size())),
          "servers");
    if (!where.credentials.empty())
        check(natsOptions_SetUserCredentialsFromFiles(made, where.credentials.c_str(), nullptr),
              "credentials");
    check(natsOptions_SetMaxReconnect(made, -1), "reconnecting");
    check(natsOptions_SetReconnectWait(made, 100), "reconnecting");
    check(natsOptions_SetPingInterval(made, 1000), "looking for the server");
    where.configure(made);
    natsConnection* connected = nullptr;
    check(natsConnection_Connect(&connected, made), "connecting");
    return connected;
}

jsCtx* jet_stream_of(natsConnection* on) {
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = answer;
    jsCtx* made = nullptr;
    check(natsConnection_JetStream(&made, on, &options), "JetStream");
    return made;
}

int known_servers(natsConnection* on) {
    char** names = nullptr;
    int count = 0;
    check(natsConnection_GetServers(on, &names, &count), "servers");
    for (int i = 0; i != count; ++i)
        std::free(names[i]);
    std::free(names);
    return count;
}

// A cluster that has just been started says no for some seconds.
kvStore* open(jsCtx* on, const std::string& name, int replicas) {
    kvConfig wanted;
    kvConfig_Init(&wanted);
    wanted.Bucket = name.c_str();
    wanted.StorageType = js_FileStorage;
    wanted.Replicas = replicas;
    const auto what = "no bucket of " + std::to_string(replicas) +
                      " replicas (--replicas; each needs a server of its own)";
    for (const auto end = clock::now() + patience;; std::this_thread::sleep_for(200ms)) {
        kvStore* made = nullptr;
        if (js_KeyValue(&made, on, name.c_str()) == NATS_OK) return made;
        const auto status = js_CreateKeyValue(&made, on, &wanted);
        if (status == NATS_OK) return made;
        if (clock::now() > end) check(status, what.c_str());
    }
}

}  // namespace

bucket::bucket(const cluster& where, int replicas)
    : name_(where.bucket),
      connection_(connect(where.connection())),
      jet_stream_(jet_stream_of(connection_.get())) {
    if (replicas == 0) replicas = known_servers(connection_.get()) < 3 ? 1 : 3;
    keys_.reset(open(jet_stream_.get(), name_, replicas));
}

bool bucket::write(const std::string& key, std::span<const std::byte> value, std::uint64_t last) {
    const auto status = kvStore_Update(nullptr, keys_.get(), key.c_str(), value.data(),
                                       static_cast<int>(value.size()), last);
    const char* const why = nats_GetLastError(nullptr);
    const bool is_too_large = status == NATS_MAX_PAYLOAD ||
                              (status == NATS_ERR && why != nullptr && std::strstr(why, "maximum"));
    if (is_too_large) throw std::runtime_error("the cluster takes no note of this size");
    return status == NATS_OK;
}

std::uint64_t bucket::fence() {
    for (const auto end = clock::now() + patience;; std::this_thread::sleep_for(50ms)) {
        std::uint64_t revision = 0;
        const auto status = kvStore_Put(&revision, keys_.get(), "fence", "", 0);
        if (status == NATS_OK) return revision;
        if (clock::now() > end)
            throw std::system_error(std::make_error_code(std::errc::timed_out),
                                    natsStatus_GetText(status));
    }
}

std::uint64_t bucket::last_revision() {
    jsStreamInfo* found = nullptr;
    const auto stream = "KV_" + name_;
    if (js_GetStreamInfo(&found, jet_stream_.get(), stream.c_str(), nullptr, nullptr) != NATS_OK)
        return 0;
    const auto last = found->State.LastSeq;
    jsStreamInfo_Destroy(found);
    return last;
}

watcher bucket::watch() {
    kvWatcher* made = nullptr;
    return watcher(kvStore_WatchAll(&made, keys_.get(), nullptr) == NATS_OK ? made : nullptr);
}

}  // namespace notes
