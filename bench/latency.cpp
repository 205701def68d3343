// SPDX-License-Identifier: MIT
// The benchmark: every transport and way to wait, in every pattern, each beside its floor.
#include "latency/files.hpp"
#include "latency/jobs.hpp"
#include "latency/machine.hpp"
#include "latency/options.hpp"
#include "latency/programs.hpp"
#include "latency/report.hpp"
#include "latency/rounds.hpp"
#include "latency/targets.hpp"

#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace bench;

void print(const std::vector<job>& jobs) {
    for (const auto& [what, floor] : jobs)
        std::printf("%-45s %s\n", title(what).c_str(), floor ? title(*floor).c_str() : "-");
}

/// Takes out what cannot be measured; false, and says so, if it should have been.
bool keep_available(std::vector<job>& jobs, const programs& where) {
    std::map<std::string, int> rows_without;
    const auto is_missing = [&](const row& what) {
        const auto missing = where.missing(what);
        if (!is_optional(what))
            for (const auto& program : missing)
                ++rows_without[program];
        return !missing.empty();
    };
    std::erase_if(jobs, [&](const job& one) { return is_missing(one.what); });
    for (auto& one : jobs)
        if (one.floor && is_missing(*one.floor)) one.floor.reset();
    for (const auto& [program, rows] : rows_without)
        std::fprintf(stderr, "not available: %s, for %d rows\n", program.c_str(), rows);
    return rows_without.empty();
}

int run(const options& chosen) {
    const end_requests requests;
    const programs where{chosen.bin};
    auto jobs = jobs_of(chosen.quick ? quick_plan() : whole_plan(), chosen.wanted);
    if (chosen.list) {
        print(jobs);
        return 0;
    }
    check_files(chosen, requests);
    const bool complete = keep_available(jobs, where);
    std::printf("%s\n%s\nrounds: %d, slices of %g s\n\n", machine().c_str(), build().c_str(),
                chosen.rounds, chosen.seconds);
    std::fflush(stdout);

    rounds all{where, {chosen.rounds, chosen.seconds}, requests};
    const results measured = all.run(jobs);
    const auto rows = measured.all();
    print_table(rows);
    print_versions(rows);
    print_targets(targets_of(measured));
    write_files(chosen, rows, requests);
    return complete && !all.failed() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(options::from(argc, argv));
    } catch (const interrupted&) {
        std::fprintf(stderr, "interrupted\n");
        return 130;
    } catch (const std::exception& ex) {
        std::fprintf(stderr, "latency: %s\n", ex.what());
        return 1;
    }
}
