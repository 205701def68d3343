// SPDX-License-Identifier: MIT
#include "nats/connecting.hpp"

#include <remora/call.hpp>

#include <algorithm>
#include <string_view>
#include <thread>
#include <vector>

namespace remora::nats {
namespace {

bool is_made_of(std::string_view text, std::string_view characters) {
    return text.find_first_not_of(characters) == text.npos;
}

// Host and port. A URL without a host has the user and the password in their place.
std::string_view without_secret(std::string_view host) {
    host = host.substr(0, host.find('/'));
    std::size_t end = std::min(host.find(':'), host.size());
    if (host.starts_with('[')) {
        end = host.find(']');
        if (end == host.npos || !is_made_of(host.substr(1, end - 1), "0123456789abcdefABCDEF:."))
            return {};
        ++end;
    }
    const auto port = host.substr(end);
    const bool is_port = port.starts_with(':') && is_made_of(port.substr(1), "0123456789");
    return is_port ? host : host.substr(0, end);
}

void refuse(const std::string& what) {
    remora::detail::throw_error(errc::bad_option, "NATS: " + what);
}

void set_servers(natsOptions* to, const std::vector<std::string>& urls) {
    if (urls.empty()) refuse("no servers");
    std::vector<const char*> servers;
    for (const auto& server : urls)
        servers.push_back(server.c_str());
    check(natsOptions_SetServers(to, servers.data(), static_cast<int>(servers.size())), "servers");
}

void set_user(natsOptions* to, const connection_options& from) {
    const bool has_nkey = !from.nkey.empty() || !from.nkey_seed.empty();
    if (!from.user.empty() + !from.token.empty() + !from.credentials.empty() + has_nkey > 1)
        refuse("more than one of user, token, credentials and nkey");
    if (from.user.empty() && !from.password.empty()) refuse("a password without a user");
    if (from.nkey.empty() != from.nkey_seed.empty()) refuse("nkey needs nkey_seed, and it that");
    if (!from.user.empty())
        check(natsOptions_SetUserInfo(to, from.user.c_str(), from.password.c_str()), "user");
    if (!from.token.empty()) check(natsOptions_SetToken(to, from.token.c_str()), "token");
    if (!from.credentials.empty())
        check(natsOptions_SetUserCredentialsFromFiles(to, from.credentials.c_str(), nullptr),
              "credentials");
    if (has_nkey)
        check(natsOptions_SetNKeyFromSeed(to, from.nkey.c_str(), from.nkey_seed.c_str()), "nkey");
}

void set_tls(natsOptions* to, const connection_options& from) {
    const auto& tls = from.tls;
    if (tls.certificate.empty() != tls.key.empty())
        refuse("tls.certificate needs tls.key, and it that");
    const bool is_required = tls.required || !tls.authorities.empty() || !tls.certificate.empty() ||
                             !tls.server_name.empty() ||
                             std::ranges::any_of(from.servers, [](const auto& url) {
                                 return url.starts_with("tls://");
                             });
    if (is_required) check(natsOptions_SetSecure(to, true), "tls");
    if (!tls.authorities.empty())
        check(natsOptions_LoadCATrustedCertificates(to, tls.authorities.c_str()),
              "tls.authorities " + quote(tls.authorities));
    if (!tls.certificate.empty())
        check(natsOptions_LoadCertificatesChain(to, tls.certificate.c_str(), tls.key.c_str()),
              "tls.certificate " + quote(tls.certificate) + ", tls.key " + quote(tls.key));
    if (!tls.server_name.empty())
        check(natsOptions_SetExpectedHostname(to, tls.server_name.c_str()), "tls.server_name");
}

void set_times(natsOptions* to, std::chrono::milliseconds lost_after) {
    check(natsOptions_SetMaxReconnect(to, -1), "reconnecting");
    check(natsOptions_SetReconnectWait(to, 100), "reconnecting");
    check(natsOptions_SetSendAsap(to, true), "sending");
    check(natsOptions_SetTimeout(to, patience), "connecting");
    // Over TLS libnats waits while it writes, until this long after the last ping: longer than from
    // one ping to the next, else a short wait would break the connection.
    check(natsOptions_SetWriteDeadline(to, 2 * patience), "connecting");
    check(natsOptions_SetPingInterval(to, patience), "looking for the server");
    const auto pings = 2 + lost_after.count() / patience;
    check(natsOptions_SetMaxPingsOut(to, static_cast<int>(std::min<std::int64_t>(pings, 1000))),
          "looking for the server");
}

// What libnats says besides, without the place in its sources. Of an invalid URL it tells parts,
// which may be the password.
std::string_view detail_of(natsStatus status) {
    natsStatus of = NATS_OK;
    const char* const said = nats_GetLastError(&of);
    if (said == nullptr || of != status || status == NATS_INVALID_ARG) return {};
    const std::string_view text = said;
    if (text.find("URL") != text.npos) return {};
    const auto place = text.starts_with('(') ? text.find("): ") : text.npos;
    return place == text.npos ? text : text.substr(place + 3);
}

}  // namespace

void check(natsStatus status, const std::string& what) {
    if (status == NATS_OK) return;
    std::string text = "NATS: " + what + ": " + natsStatus_GetText(status);
    const auto detail = detail_of(status);
    if (text.find(detail) == text.npos) text.append(", ").append(detail);
    remora::detail::throw_error(errc::refused, text + advice(status));
}

std::string advice(natsStatus status) {
    switch (status) {
        case NATS_NO_SERVER:
            return ": start nats-server there, or name another in connection.servers";
        case NATS_CONNECTION_AUTH_FAILED:
            return ": see connection.user, token, credentials and nkey";
        case NATS_SSL_ERROR:
            return ": see connection.tls.authorities, certificate, key and server_name";
        case NATS_SECURE_CONNECTION_WANTED:
            return ": the server has no TLS, which connection.tls asks for";
        case NATS_PROTOCOL_ERROR:
        case NATS_IO_ERROR:
        case NATS_CONNECTION_CLOSED:
            return ": the server's log may say why; it may want connection.tls.certificate";
        default:
            return "";
    }
}

options_ptr to_nats(const connection_options& from, std::chrono::milliseconds lost_after) {
    natsOptions* made = nullptr;
    check(natsOptions_Create(&made), "options");
    options_ptr options(made);
    set_servers(made, from.servers);
    set_user(made, from);
    set_tls(made, from);
    set_times(made, lost_after);
    if (from.configure) from.configure(made);
    return options;
}

// A server of a cluster that forms may speak of others before it answers, which libnats does not
// expect there; and one that starts may hang up. Servers refuse one in 160 of the signatures that
// libnats 3.4 makes.
natsStatus connect(natsConnection*& made, natsOptions* options, const connection_options& from) {
    const bool signs = !from.nkey.empty() || !from.credentials.empty();
    int refused = 0;
    auto status = natsConnection_Connect(&made, options);
    for (int tries = 1; tries != 5; ++tries) {
        const bool may_pass = status == NATS_PROTOCOL_ERROR || status == NATS_IO_ERROR ||
                              (signs && status == NATS_CONNECTION_AUTH_FAILED && ++refused < 3);
        if (!may_pass || made != nullptr) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        status = natsConnection_Connect(&made, options);
    }
    return status;
}

std::string to_text(const std::vector<std::string>& servers) {
    std::string text;
    for (const std::string_view url : servers) {
        const auto scheme = url.find("://");
        const auto begin = scheme == url.npos ? 0 : scheme + 3;
        const auto user = url.rfind('@');
        if (!text.empty()) text += ", ";
        text += url.substr(0, begin);
        text += without_secret(url.substr(user == url.npos ? begin : user + 1));
    }
    return quote(text);
}

}  // namespace remora::nats
