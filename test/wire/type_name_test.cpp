// SPDX-License-Identifier: MIT
#include "wire/archive_support.hpp"

namespace maths {
struct question {};
inline namespace v2 {
struct answer {};
namespace {
struct hidden {};
}  // namespace
}  // namespace v2
template <class T, int N = 3>
struct box {};
struct outer_class {
    struct inner_class {};
    enum colour : int { red };
};
enum class shade : unsigned char { dark };
struct renamed {};
struct degrees {
    double value = 0;
    template <class Archive>
    double save_minimal(const Archive&) const {
        return value;
    }
    template <class Archive>
    void load_minimal(const Archive&, const double& from) {
        value = from;
    }
};
}  // namespace maths

struct global {};

template <>
inline constexpr std::string_view remora::type_name<maths::box<unsigned char>> = "byte_box";
template <>
inline constexpr std::string_view remora::type_name<maths::renamed> = "question";

using remora::type_name_of;
using remora::type_tag_of;

// Known to the compiler: a switch over tags works.
static_assert(type_name_of<maths::question>() == "question");

TEST_CASE("a class is named by the last component of its name") {
    struct local {};
    CHECK(type_name_of<maths::question>() == "question");
    CHECK(type_name_of<maths::answer>() == "answer");
    CHECK(type_name_of<maths::hidden>() == "hidden");
    CHECK(type_name_of<maths::outer_class::inner_class>() == "inner_class");
    CHECK(type_name_of<global>() == "global");
    CHECK(type_name_of<local>() == "local");
    CHECK([] {
        struct in_lambda {};
        return type_name_of<in_lambda>();
    }() == "in_lambda");
}

template <class T>
std::string_view name_in_template() {
    struct within {};
    return type_name_of<within>();
}

TEST_CASE("a class in a function template has its own name") {
    CHECK(name_in_template<int>() == "within");
    CHECK(name_in_template<maths::box<std::string>>() == "within");
}

TEST_CASE("enumerations and classes with a minimal form are named like classes") {
    CHECK(type_name_of<maths::shade>() == "shade");
    CHECK(type_name_of<maths::outer_class::colour>() == "colour");
    CHECK(type_name_of<maths::degrees>() == "degrees");
}

TEST_CASE("numbers are named by kind and width") {
    CHECK(type_name_of<bool>() == "bool");
    CHECK(type_name_of<std::int8_t>() == "i8");
    CHECK(type_name_of<short>() == "i16");
    CHECK(type_name_of<int>() == "i32");
    CHECK(type_name_of<long>() == "i64");
    CHECK(type_name_of<long long>() == "i64");
    CHECK(type_name_of<unsigned long long>() == "u64");
    CHECK(type_name_of<std::byte>() == "u8");
    CHECK(type_name_of<char>() == "u8");
    CHECK(type_name_of<char16_t>() == "u16");
    CHECK(type_name_of<char32_t>() == "u32");
    CHECK(type_name_of<float>() == "f32");
    CHECK(type_name_of<double>() == "f64");
    CHECK(type_name_of<std::atomic<int>>() == "i32");
}

TEST_CASE("what the standard library holds is named by its structure") {
    using question = maths::question;
    CHECK(type_name_of<std::string>() == "string");
    CHECK(type_name_of<std::vector<std::uint8_t>>() == "bytes");
    CHECK(type_name_of<std::vector<int>>() == "list<i32>");
    CHECK(type_name_of<std::set<int>>() == "list<i32>");
    CHECK(type_name_of<std::array<int, 4>>() == "list<i32>");
    CHECK(type_name_of<std::priority_queue<question>>() == "list<question>");
    CHECK(type_name_of<std::map<std::string, question>>() == "map<string,question>");
    CHECK(type_name_of<std::unordered_map<int, std::vector<bool>>>() == "map<i32,list<bool>>");
    CHECK(type_name_of<std::optional<question>>() == "optional<question>");
    CHECK(type_name_of<std::unique_ptr<question>>() == "optional<question>");
    CHECK(type_name_of<std::variant<int, std::string>>() == "variant<i32,string>");
    CHECK(type_name_of<std::tuple<>>() == "tuple<>");
    CHECK(type_name_of<std::tuple<int, bool, char>>() == "tuple<i32,bool,u8>");
    CHECK(type_name_of<std::pair<int, bool>>() == "tuple<i32,bool>");
    CHECK(type_name_of<std::complex<double>>() == "tuple<f64,f64>");
    CHECK(type_name_of<std::bitset<12>>() == "bitset<12>");
    CHECK(type_name_of<std::chrono::milliseconds>() == "duration<i64,1/1000>");
    CHECK(type_name_of<std::chrono::hours>() == "duration<i64,3600/1>");
    CHECK(type_name_of<std::chrono::sys_seconds>() == "time_point<system_clock,duration<i64,1/1>>");
}

TEST_CASE("a declared name takes the place of the class's own, also inside others") {
    CHECK(type_name_of<maths::box<unsigned char>>() == "byte_box");
    CHECK(type_name_of<std::vector<maths::box<unsigned char>>>() == "list<byte_box>");
    CHECK(type_tag_of<maths::renamed>() == type_tag_of<maths::question>());
}

TEST_CASE("a tag is the FNV-1a hash of the name, and never 0") {
    CHECK(remora::detail::fnv1a("") == 0xcbf29ce484222325);
    CHECK(remora::detail::fnv1a("a") == 0xaf63dc4c8601ec8c);
    CHECK(remora::detail::fnv1a("foobar") == 0x85944171f73967e8);
    CHECK(type_tag_of<maths::question>() == remora::detail::fnv1a("question"));
    static_assert(type_tag_of<int>() != 0);
}
