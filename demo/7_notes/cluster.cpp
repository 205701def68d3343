// SPDX-License-Identifier: MIT
#include "cluster.hpp"

#include <nats/nats.h>

#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace notes {

namespace {

void check_file(natsStatus status, const std::string& file) {
    if (status != NATS_OK) throw std::runtime_error(file + ": " + natsStatus_GetText(status));
}

}  // namespace

void cluster::add_options(CLI::App& cli) {
    cli.add_option("--url", urls, "Servers of NATS, with commas between them")
        ->envname("NATS_URL")
        ->capture_default_str();
    cli.add_option("--bucket", bucket, "The bucket of the notes; it is made if there is none")
        ->capture_default_str();
    cli.add_option("--creds", credentials, "A file with the user's credentials")
        ->envname("NATS_CREDS")
        ->check(CLI::ExistingFile);
    cli.add_option("--tlsca", authority, "TLS: a file with the authorities to trust")
        ->envname("NATS_CA")
        ->check(CLI::ExistingFile);
    auto* const own = cli.add_option("--tlscert", certificate, "TLS: the user's certificate")
                          ->envname("NATS_CERT")
                          ->check(CLI::ExistingFile);
    cli.add_option("--tlskey", key, "TLS: the key of that certificate")
        ->envname("NATS_KEY")
        ->check(CLI::ExistingFile)
        ->needs(own);
}

remora::nats::connection_options cluster::connection() const {
    const auto add_tls = [me = *this](natsOptions* to) {
        natsOptions_SetTimeout(to, 2000);
        if (!me.authority.empty())
            check_file(natsOptions_LoadCATrustedCertificates(to, me.authority.c_str()),
                       me.authority);
        if (!me.certificate.empty())
            check_file(
                natsOptions_LoadCertificatesChain(to, me.certificate.c_str(), me.key.c_str()),
                me.certificate);
    };
    std::vector<std::string> servers;
    std::istringstream in(urls);
    for (std::string each; std::getline(in, each, ',');)
        servers.push_back(each);
    return {.servers = servers, .credentials = credentials, .configure = add_tls};
}

int cluster::complain(const std::string& program, const char* why) const {
    std::fprintf(stderr, "%s: %s: %s\nStart nats-server -js, or name another with --url.\n",
                 program.c_str(), urls.c_str(), why);
    return no_cluster;
}

}  // namespace notes
