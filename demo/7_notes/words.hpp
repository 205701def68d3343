// SPDX-License-Identifier: MIT
// Which notes a query finds, where no database says so.
#pragma once

#include <string>
#include <vector>

namespace notes {

// Finds the texts that have all its words. One with a star at its end stands for all words that
// begin with it.
class query {
public:
    // Throws invalid_argument for one that is none.
    explicit query(const std::string& words);

    bool matches(const std::string& text) const;

private:
    std::vector<std::string> words_;
};

}  // namespace notes
