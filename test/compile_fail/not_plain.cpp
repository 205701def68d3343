// SPDX-License-Identifier: MIT
// Structs that are not taken apart: each line below must not compile, and the compiler must say why
// in the words behind `expect:`, once for each line. With REMORA_ONLY_VALID they are left out, and
// the rest must compile.
#include <remora/archive.hpp>

#include <mutex>

// The kinds are templates, so that what is sent is another type than what is received.
struct sent;
struct received;

template <class>
class secretive {
public:
    int one = 0;

private:
    [[maybe_unused]] int two = 0;
};
template <class>
struct shielded {
    int one = 0;

protected:
    int two = 0;
};
template <class>
struct constructed {
    constructed() : value(1) {}
    int value;
};
template <class>
struct moving {
    virtual int move() { return value; }
    int value = 0;
};
template <class>
union either {
    int a;
    float b;
};
struct locks {
    std::mutex mutex;
};
struct base {
    int value = 0;
};
template <class>
struct extended : base {
    int more = 0;
};
template <class>
struct renamed : base {};
template <class>
struct crowded {
    int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8;
    int c1, c2, c3, c4, c5, c6, c7, c8, d1, d2, d3, d4, d5, d6, d7, d8;
    int e1, e2, e3, e4, e5, e6, e7, e8, f1, f2, f3, f4, f5, f6, f7, f8;
    int g1, g2, g3, g4, g5, g6, g7, g8, h1, h2, h3, h4, h5, h6, h7, h8, one_more;
};
template <class>
struct referring {
    int& value;
};
inline int number = 0;
template <class>
struct referring_to_one {
    int value = 0;
    int& other = number;
};
struct from_a_number {
    explicit from_a_number(int) {}
    template <class Archive>
    void serialize(Archive&) {}
};
template <class>
struct not_made {
    int value = 0;
    from_a_number other;
};
template <class>
struct made_by_default {
    int value = 0;
    from_a_number other{1};
};
template <class>
struct in_bits {
    int value = 0;
    unsigned three : 3;
};
template <class>
struct overlaid {
    union {
        int a;
        float b;
    };
};
template <class>
struct not_befriended {
    int value = 0;

private:
    template <class Archive>
    void serialize(Archive&) {}
};
template <class>
struct to_text {
    int value = 0;
    std::string serialize() const { return {}; }
};

template <class T>
T& value();
remora::byte_buffer out;

template <class T>
void send() {
    remora::encode(out, value<T>());
}
template <class T>
void receive() {
    remora::decode(out.bytes(), value<T>());
}

void plain_structs() {
    send<base>();
    receive<base>();
}

#ifndef REMORA_ONLY_VALID
void not_plain() {
    send<secretive<sent>>();                // expect: and it is no plain struct
    receive<secretive<received>>();         // expect: and it is no plain struct
    send<shielded<sent>>();                 // expect: and it is no plain struct
    receive<shielded<received>>();          // expect: and it is no plain struct
    send<constructed<sent>>();              // expect: and it is no plain struct
    receive<constructed<received>>();       // expect: and it is no plain struct
    send<moving<sent>>();                   // expect: and it is no plain struct
    receive<moving<received>>();            // expect: and it is no plain struct
    send<either<sent>>();                   // expect: and it is no plain struct
    receive<either<received>>();            // expect: and it is no plain struct
    send<locks>();                          // expect: and it is no plain struct
    send<extended<sent>>();                 // expect: a struct with a base class is not taken apart
    receive<extended<received>>();          // expect: a struct with a base class is not taken apart
    send<renamed<sent>>();                  // expect: a struct with a base class is not taken apart
    receive<renamed<received>>();           // expect: a struct with a base class is not taken apart
    send<crowded<sent>>();                  // expect: a struct of more than 64 members is not taken
    receive<crowded<received>>();           // expect: a struct of more than 64 members is not taken
    send<referring<sent>>();                // expect: a member of this struct cannot be made by {}
    receive<referring<received>>();         // expect: a member of this struct cannot be made by {}
    send<referring_to_one<sent>>();         // expect: a member of this struct cannot be made by {}
    receive<referring_to_one<received>>();  // expect: a member of this struct cannot be made by {}
    send<not_made<sent>>();                 // expect: a member of this struct cannot be made by {}
    receive<not_made<received>>();          // expect: a member of this struct cannot be made by {}
    send<made_by_default<sent>>();          // expect: a member of this struct cannot be made by {}
    receive<made_by_default<received>>();   // expect: a member of this struct cannot be made by {}
    send<in_bits<sent>>();                // expect: a struct with a bit-field or an anonymous union
    receive<in_bits<received>>();         // expect: a struct with a bit-field or an anonymous union
    send<overlaid<sent>>();               // expect: a struct with a bit-field or an anonymous union
    receive<overlaid<received>>();        // expect: a struct with a bit-field or an anonymous union
    send<not_befriended<sent>>();         // expect: the archive cannot call this struct's serialize
    receive<not_befriended<received>>();  // expect: the archive cannot call this struct's serialize
    send<to_text<sent>>();                // expect: the archive cannot call this struct's serialize
    receive<to_text<received>>();         // expect: the archive cannot call this struct's serialize
}
#endif
