// SPDX-License-Identifier: MIT
/// Certificates for TLS, made by the program openssl.
#pragma once

#include "support/support.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace test {

/// Two authorities, "ours" and "other"; of ours "server" and "user". Each has NAME.pem and NAME.key
/// in a directory that goes with this.
class certificates {
public:
    certificates() {
        std::string path = std::filesystem::temp_directory_path() / "remora_tls.XXXXXX";
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        directory_ = path;
        make("ours", "");
        make("other", "");
        const std::string by_us =
            " -CA " + pem("ours") + " -CAkey " + key("ours") + " -addext basicConstraints=CA:FALSE";
        make("server", by_us + " -addext subjectAltName=IP:127.0.0.1,DNS:nats.example");
        make("user", by_us);
    }
    ~certificates() { std::filesystem::remove_all(directory_); }
    certificates(const certificates&) = delete;
    certificates& operator=(const certificates&) = delete;

    std::string pem(const std::string& name) const { return directory_ + '/' + name + ".pem"; }
    std::string key(const std::string& name) const { return directory_ + '/' + name + ".key"; }

private:
    void make(const std::string& name, const std::string& more) const {
        const std::string log = directory_ + "/log";
        const std::string command = REMORA_TEST_OPENSSL
                                    " req -x509 -nodes -newkey ec -pkeyopt "
                                    "ec_paramgen_curve:prime256v1 -days 2 -subj /CN=" +
                                    name + " -keyout " + key(name) + " -out " + pem(name) + more +
                                    " >" + log + " 2>&1";
        REQUIRE_MESSAGE(std::system(command.c_str()) == 0, command);
    }

    std::string directory_;
};

}  // namespace test
