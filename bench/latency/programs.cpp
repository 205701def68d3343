// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include <unistd.h>

namespace bench {

namespace {

using strings = std::vector<std::string>;

/// The name of the program, the second one that it needs if there is one, and then its options.
struct recipe {
    std::string program;
    std::string app = "";
    strings options = {};
};

recipe recipe_of(const row& what) {
    const std::string& name = what.transport;
    if (is_remora(what))
        return {"remora_server", "remora_app", {"--transport", name, "--wait", what.wait}};
    if (name.starts_with("floor_fifo_")) return {"floor_fifo", "", {"--wait", what.wait}};
    if (name == "floor_shared_memory_spin") return {"floor_shared_memory"};
    if (name == "channel_one_thread") return {"floor_channel", "", {"--threads", "1"}};
    if (name == "channel_two_threads") return {"floor_channel", "", {"--threads", "2"}};
    return {name};
}

}  // namespace

std::vector<std::string> programs::missing(const row& what) const {
    strings names;
    const recipe needs = recipe_of(what);
    for (const auto& name : {needs.program, needs.app})
        if (!name.empty() && ::access(find(name).c_str(), X_OK) != 0) names.push_back(name);
    return names;
}

std::vector<std::string> programs::command(const row& what, double seconds) const {
    const recipe needs = recipe_of(what);
    strings words{find(needs.program)};
    const auto add = [&words](const std::string& option, const std::string& value) {
        words.insert(words.end(), {option, value});
    };
    if (!needs.app.empty()) add("--app", find(needs.app));
    words.insert(words.end(), needs.options.begin(), needs.options.end());
    add("--pattern", what.pattern);
    if (what.bytes != 0) add("--bytes", std::to_string(what.bytes));
    add("--batch", std::to_string(what.batch));
    add("--pipes", std::to_string(what.pipes));
    add("--cpus", std::to_string(what.cpus));
    if (what.hogs != 0) add("--hogs", std::to_string(what.hogs));
    add("--seconds", std::to_string(seconds));
    return words;
}

std::filesystem::path programs::find(const std::string& name) const {
    const auto among_peers = directory_ / "peers" / name;
    return std::filesystem::exists(among_peers) ? among_peers : directory_ / name;
}

bool is_optional(const row& what) {
    return what.transport == "channel_go" || what.transport.starts_with("peer_");
}

}  // namespace bench
