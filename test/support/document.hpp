// SPDX-License-Identifier: MIT
/// What lib/wire/protocol.md says, for tests that compare it with what the library does.
#pragma once

#include "support/hex.hpp"

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

/// The lines below a heading of the document, such as "## Values", up to the next heading.
inline std::vector<std::string> lines_below(const std::string& heading) {
    std::ifstream document(REMORA_TEST_DOCUMENT);
    std::vector<std::string> lines;
    bool inside = false;
    for (std::string line; std::getline(document, line);) {
        if (line.starts_with("#")) {
            inside = line == heading;
        } else if (inside) {
            lines.push_back(line);
        }
    }
    if (lines.empty())
        throw std::runtime_error("lib/wire/protocol.md has nothing below " + heading);
    return lines;
}

/// A frame of the run that the document shows in bytes.
struct traced_frame {
    std::string pipe;     ///< "control", or the number of a connection
    bool by_app = false;  ///< who says it
    std::string what;
    test::bytes bytes;
};

/// In their order. Each begins with a line "PIPE, from the WHO: WHAT". The lines that follow are
/// bytes, and behind two spaces what they mean.
inline std::vector<traced_frame> traced_frames() {
    std::vector<traced_frame> frames;
    bool fenced = false;
    for (const auto& line : lines_below("## A run in bytes")) {
        const auto who = line.find(", from the ");
        if (line == "```") {
            fenced = !fenced;
        } else if (fenced && who != std::string::npos) {
            frames.push_back({.pipe = line.substr(0, who),
                              .by_app = line.find("the app: ") != std::string::npos,
                              .what = line.substr(line.find(": ") + 2),
                              .bytes = {}});
        } else if (fenced && !line.empty()) {
            const auto more = from_hex(line.substr(0, line.find("  ")));
            auto& all = frames.back().bytes;
            all.insert(all.end(), more.begin(), more.end());
        }
    }
    return frames;
}

}  // namespace test
