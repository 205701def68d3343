// SPDX-License-Identifier: MIT
// Each call below must not compile, and the compiler must say why in the words behind `expect:`.
// With REMORA_ONLY_VALID they are left out, and the rest must compile.
#include <remora/archive.hpp>
#include <remora/shared_bytes.hpp>

struct shape {
    virtual ~shape() = default;
    template <class Archive>
    void serialize(Archive&) {}
};
template <class T>
struct box {
    T value{};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};
struct plain {
    int value = 0;
};
struct pointing {
    int* value = nullptr;
};
struct fixed {
    const int value = 0;
};
struct parent {
    template <class Archive>
    void serialize(Archive&) {}
};
struct two_ways : parent {
    template <class Archive>
    void save(Archive&) const {}
    template <class Archive>
    void load(Archive&) {}
};
struct metres {
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
struct labelled : metres {
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};
enum loose { one };
enum class shade : int {};
template <class Archive>
void serialize(Archive&, shade&) {
}
struct a_name_of_twenty_eight_chars : parent {};
template <class T>
using four = std::tuple<T, T, T, T>;
using long_name = four<four<a_name_of_twenty_eight_chars>>;
struct by_state {
    bool up = false;
    bool operator()(int a, int b) const { return up ? a < b : b < a; }
};
using queue = std::priority_queue<int, std::vector<int>, by_state>;

template <class T>
void send(const T& value) {
    remora::byte_buffer out;
    remora::encode(out, value);
}

void values() {
    send(1);
    send(box<int>());
    send(parent());
    send(plain());
    send(fixed());
    send(metres());
    send(std::array<char, 6>());
    send(remora::shared_bytes());
    (void)remora::type_name_of<four<a_name_of_twenty_eight_chars>>();
}

#ifndef REMORA_ONLY_VALID
void not_values(int* raw, void (*function)(), int plain::* member) {
    send(raw);                               // expect: a raw pointer is not a value
    send(box<const char*>());                // expect: a raw pointer is not a value
    send(pointing());                        // expect: a raw pointer is not a value
    send(std::string_view());                // expect: send a std::string
    send(std::shared_ptr<int>());            // expect: std::shared_ptr is not a value
    send(std::weak_ptr<int>());              // expect: std::weak_ptr is not a value
    send(std::unique_ptr<shape>());          // expect: a pointer to a polymorphic class
    send(std::unique_ptr<int[]>());          // expect: a pointer to an array does not know
    send(two_ways());                        // expect: more than one way to be serialized
    send(labelled());                        // expect: more than one way to be serialized
    send(shade());                           // expect: an enumeration is a number, or
    send("hello");                           // expect: a character array
    (void)remora::type_tag_of<long_name>();  // expect: has more than 255 characters
    send(remora::writable_bytes());          // expect: writable_bytes are not a value
    send(L'x');                              // expect: the width of wchar_t
    send(1.0L);                              // expect: the layout of long double
    send(one);                               // expect: the width of this enumeration
    send(function);                          // expect: a raw pointer is not a value
    send(member);                            // expect: pointers to members, functions
    send(queue());                           // expect: a priority_queue's order
    (void)remora::type_name_of<box<int>>();  // expect: declare the name of this type
    const int constant = 0;
    remora::input_archive in({}, {});
    in(constant);  // expect: a constant cannot be read into
}
#endif
