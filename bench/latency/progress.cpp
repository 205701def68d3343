// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace bench {

progress::progress(std::size_t steps) : steps_(steps), visible_(::isatty(STDERR_FILENO) == 1) {
}

progress::~progress() {
    clear();
}

void progress::next(const std::string& title) {
    constexpr std::size_t width = 30;
    const std::size_t done = begun_++;
    if (!visible_) return;
    const std::size_t filled = std::min(width, width * done / steps_);
    std::string left;
    if (done != 0) {
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
        const double rest = static_cast<double>(steps_) / static_cast<double>(done) - 1;
        const auto seconds = static_cast<unsigned>(std::max(spent.count() * rest, 0.0));
        left = std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s left";
    }
    std::fprintf(stderr, "\r[%s%s] %3zu %%  %s  %.44s\033[K", std::string(filled, '#').c_str(),
                 std::string(width - filled, '.').c_str(), 100 * done / steps_, left.c_str(),
                 title.c_str());
}

void progress::say(const std::string& message) {
    clear();
    const std::string text = message.substr(0, message.find_last_not_of('\n') + 1);
    std::fprintf(stderr, "%s\n", text.c_str());
}

void progress::clear() const {
    if (visible_) std::fprintf(stderr, "\r\033[K");
}

}  // namespace bench
