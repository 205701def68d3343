// SPDX-License-Identifier: MIT
// Values whose bytes by reference become bytes of the value, whatever their types are.
#include "support/support.hpp"

#include "wire/copy_loans.hpp"

#include <remora/archive.hpp>
#include <remora/shared_bytes.hpp>

#include <cereal/types/chrono.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <list>
#include <map>
#include <memory>
#include <tuple>
#include <variant>

using namespace test;

namespace {

using remora::errc;
using remora::shared_bytes;
using remora::detail::append_copying_loans;
using remora::detail::block_ref;

/// Lends all of its blocks, which it keeps.
struct lends_all final : remora::detail::block_lender {
    struct block final : remora::detail::byte_block {
        block(const lends_all& of, std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {
            place(bytes_, &of);
        }
        bool is_shared() const noexcept override { return true; }
        void drop_last() noexcept override { leave(); }
        std::vector<std::byte> bytes_;
    };
    std::list<block> blocks;
    std::vector<block_ref> lent;

    shared_bytes make(std::uint8_t with, std::size_t count) {
        shared_bytes made;
        auto& next = blocks.emplace_back(*this, std::vector<std::byte>(count, std::byte{with}));
        remora::detail::block_access::set(made, block_ref(next));
        return made;
    }
    std::optional<std::uint32_t> lend(remora::detail::byte_block& block) override {
        lent.emplace_back(block);
        return static_cast<std::uint32_t>(lent.size() - 1);
    }
};

struct with_version {
    shared_bytes bytes;
    template <class Archive>
    void serialize(Archive& ar, const std::uint32_t) {
        ar(bytes);
    }
};

/// One field of each kind; bytes in each that may have them.
struct everything {
    bool flag = true;
    std::int8_t small = -1;
    std::uint64_t large = 1;
    float half = 0.5f;
    double third = 0.3;
    std::string text = "text";
    shared_bytes bytes;
    std::vector<std::int16_t> numbers{1, 2, 3};
    std::vector<shared_bytes> list;
    std::map<std::string, shared_bytes> map;
    std::map<std::uint16_t, std::vector<shared_bytes>> nested;
    std::optional<shared_bytes> maybe;
    std::optional<std::int32_t> none;
    std::variant<std::int32_t, shared_bytes> either;
    std::tuple<shared_bytes, std::int32_t, std::optional<shared_bytes>> some;
    std::chrono::seconds seconds{5};
    std::chrono::duration<std::int32_t, std::ratio<1, 3>> thirds{2};
    std::chrono::system_clock::time_point when{std::chrono::seconds(9)};
    std::vector<with_version> records;
    std::unique_ptr<with_version> pointee;
    std::int32_t last = 7;
};

everything all_kinds(lends_all& by) {
    const auto some_bytes = [&](std::uint8_t with, std::size_t count) {
        return by.make(with, count);
    };
    everything e;
    e.bytes = some_bytes(1, 10);
    e.list = {some_bytes(2, 1), shared_bytes(), some_bytes(3, 300)};
    e.map["a"] = some_bytes(4, 4);
    e.nested[7] = {some_bytes(5, 5), some_bytes(6, 6)};
    e.maybe = some_bytes(7, 7);
    e.either = some_bytes(8, 8);
    e.some = {some_bytes(9, 9), 3, some_bytes(10, 10)};
    e.records.resize(2);
    e.records[1].bytes = some_bytes(11, 11);
    e.pointee = std::make_unique<with_version>();
    e.pointee->bytes = some_bytes(12, 70'000);
    return e;
}

/// The same value, with its bytes lent and not.
struct lent_value {
    lends_all by;
    remora::byte_buffer plain, lent;
    lent_value() {
        const everything e = all_kinds(by);
        remora::encode(plain, e);
        remora::detail::encode_with(lent, e, {}, &by);
    }
};

failure copying_fails(std::span<const std::byte> value, std::span<const block_ref> loans,
                      std::size_t limit = 1u << 20) {
    remora::byte_buffer out;
    out.max_size(limit);
    return failure_of([&] { append_copying_loans(out, value, loans, 100); });
}

/// Refused for what is wrong with it; or it has become a value without references, within the
/// limit.
bool is_refused_or_whole(std::span<const std::byte> value, std::span<const block_ref> loans,
                         std::size_t limit) {
    remora::byte_buffer out, again;
    out.max_size(limit);
    const auto why = failure_of([&] { append_copying_loans(out, value, loans, 100); }).code;
    if (why)
        return why == errc::truncated || why == errc::bad_value || why == errc::too_deep ||
               why == errc::message_too_large;
    append_copying_loans(again, out.bytes(), {}, 100);
    return out.size() <= limit && std::ranges::equal(out.bytes(), again.bytes());
}

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
    std::vector<std::byte> made;
    for (const unsigned v : values)
        made.push_back(static_cast<std::byte>(v));
    return made;
}

TEST_CASE("a value with bytes by reference becomes the value that has them in it") {
    const lent_value v;
    REQUIRE(v.by.lent.size() == 12);
    remora::byte_buffer out;
    append_copying_loans(out, v.lent.bytes(), v.by.lent, 100);
    CHECK(std::ranges::equal(out.bytes(), v.plain.bytes()));
    remora::byte_buffer same;
    append_copying_loans(same, v.plain.bytes(), {}, 100);
    CHECK(std::ranges::equal(same.bytes(), v.plain.bytes()));
}

TEST_CASE("a value that is cut off anywhere is refused, and so is one with more behind it") {
    const lent_value v;
    for (std::size_t size = 0; size != v.lent.size(); ++size)
        CHECK(copying_fails(v.lent.bytes().first(size), v.by.lent).code == code(errc::truncated));
    std::vector<std::byte> longer(v.lent.bytes().begin(), v.lent.bytes().end());
    longer.push_back({});
    CHECK(copying_fails(longer, v.by.lent).code == code(errc::bad_value));
}

TEST_CASE("a value with any byte changed is refused or becomes some value, within its limit") {
    const lent_value v;
    for (std::size_t at = 0; at != v.lent.size(); ++at) {
        for (const unsigned change : {0x01u, 0x80u, 0xffu}) {
            std::vector<std::byte> changed(v.lent.bytes().begin(), v.lent.bytes().end());
            changed[at] ^= static_cast<std::byte>(change);
            CHECK(is_refused_or_whole(changed, v.by.lent, 200'000));
        }
    }
}

TEST_CASE("a loan that did not come, and a kind that there is not, are refused") {
    const lent_value v;
    CHECK(copying_fails(v.lent.bytes(), std::span(v.by.lent).first(11)).code ==
          code(errc::bad_value));
    const auto unknown = copying_fails(bytes_of({0x99, 0}), {});
    CHECK(unknown.has("kind 0x99"));
    CHECK(copying_fails(bytes_of({0x43, 2}), {}).code == code(errc::bad_value));
}

TEST_CASE("values too deep within each other are refused") {
    const std::vector<std::byte> deep(100'000, std::byte{0x43});
    CHECK(copying_fails(deep, {}).code == code(errc::bad_value));  // 0x43 is no mark
    auto optionals = bytes_of({});
    for (int i = 0; i != 100'000; ++i) {
        optionals.push_back(std::byte{0x43});
        optionals.push_back(std::byte{1});
    }
    CHECK(copying_fails(optionals, {}).code == code(errc::too_deep));
}

TEST_CASE("one loan that is referred to often makes a value no larger than the limit") {
    const lent_value v;
    auto often = bytes_of({0x41, 0x40, 100, 0, 0, 0});
    for (int i = 0; i != 100; ++i) {
        const auto reference = bytes_of({0xff, 0xff, 0xff, 0xff, 11, 0, 0, 0});
        often.insert(often.end(), reference.begin(), reference.end());
    }
    CHECK(copying_fails(often, v.by.lent).code == code(errc::message_too_large));
}

}  // namespace
