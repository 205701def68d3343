// SPDX-License-Identifier: MIT
// What a server makes of a connection before the app has asked for it.
#include "support/pairs.hpp"

#include "server/transport_factory.hpp"
#include "wire/control_records.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <set>

namespace {

using namespace test;
using remora::transport_kind;
using remora::detail::transport_factory;
using remora::wire::over_fifo;
using remora::wire::over_shared_memory;
using file_names = std::set<std::string>;

// A maker that has prepared a connection with rings of a page.
struct prepared_maker {
    remora::event_hook no_events = [](const remora::event&) {};
    transport_factory maker{transport_kind::automatic, no_events};

    prepared_maker() { maker.prepare({4096}); }
    file_names files() const {
        file_names names;
        for (const auto& each : std::filesystem::directory_iterator(maker.directory()))
            names.insert(each.path().filename());
        return names;
    }
    // Of the arena, in bytes.
    std::size_t memory() const {
        struct stat info{};
        ::fstat(maker.arena()->fd(), &info);
        return static_cast<std::size_t>(info.st_blocks) * 512;
    }
};

TEST_CASE("the first connection is made before it is asked for") {
    prepared_maker m;
    CHECK(m.files() == file_names{"1.down", "1.up"});
    CHECK(m.memory() == 3 * 4096);
    const auto ends = m.maker.make("1", over_fifo | over_shared_memory, {4096});
    CHECK(ends.fifo.out);
    CHECK(ends.rings.offset() == 0);
    const auto next = m.maker.make("2", over_fifo | over_shared_memory, {4096});
    CHECK(next.rings.offset() > 0);
    CHECK(m.files() == file_names{"1.down", "1.up", "2.down", "2.up"});
}

TEST_CASE("what was prepared and is not wanted leaves nothing behind") {
    SUBCASE("another connection comes first") {
        prepared_maker m;
        const auto ends = m.maker.make("7", over_fifo, {4096});
        CHECK(m.files() == file_names{"7.down", "7.up"});
        CHECK(m.memory() == 0);
    }
    SUBCASE("the first one wants FIFOs") {
        prepared_maker m;
        const auto ends = m.maker.make("1", over_fifo, {4096});
        CHECK(!ends.rings);
        CHECK(m.memory() == 0);
    }
    SUBCASE("the first one wants larger rings") {
        prepared_maker m;
        const auto ends = m.maker.make("1", over_shared_memory, {8192});
        CHECK(ends.rings.size() == 8192);
        CHECK(m.memory() == 4096 + 2 * 8192);
    }
    SUBCASE("nothing is asked for") {
        prepared_maker m;
        const std::string directory = m.maker.directory();
        m.maker.close(true);
        CHECK(!std::filesystem::exists(directory));
    }
}

TEST_CASE("nothing is prepared once there are connections") {
    remora::event_hook no_events = [](const remora::event&) {};
    transport_factory maker(transport_kind::automatic, no_events);
    const auto ends = maker.make("1", over_fifo, {4096});
    maker.unlink("1");
    maker.prepare({4096});
    CHECK(std::filesystem::is_empty(maker.directory()));
}

}  // namespace
