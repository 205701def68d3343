// SPDX-License-Identifier: MIT
/// Making the objects that owning pointers hold, also those without a default constructor.
#pragma once

#include <cereal/access.hpp>
#include <memory>
#include <new>
#include <utility>

#include <remora/detail/wire/archive/record.hpp>

/// Access to Cereal's `construct`, which is otherwise private to the functions for its pointers.
template <class T>
struct cereal::memory_detail::LoadAndConstructLoadWrapper<remora::input_archive, T> {
    explicit LoadAndConstructLoadWrapper(T* place) : construct(place) {}
    bool is_made() const noexcept { return construct.itsValid; }
    ::cereal::construct<T> construct;
};

namespace remora::detail {

template <class T>
inline constexpr bool is_overaligned = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

/// Memory as `new T` would get it, and as `delete` of a T would give it back: the class may have
/// operators of its own.
template <class T>
T* allocate_object() {
    constexpr std::align_val_t alignment{alignof(T)};
    if constexpr (is_overaligned<T> && requires { T::operator new(sizeof(T), alignment); })
        return static_cast<T*>(T::operator new(sizeof(T), alignment));
    else if constexpr (requires { T::operator new(sizeof(T)); })
        return static_cast<T*>(T::operator new(sizeof(T)));
    else
        return std::allocator<T>().allocate(1);
}

template <class T>
void deallocate_object(T* place) {
    constexpr std::align_val_t alignment{alignof(T)};
    if constexpr (is_overaligned<T> && requires { T::operator delete(place, alignment); })
        T::operator delete(place, alignment);
    else if constexpr (requires { T::operator delete(place); })
        T::operator delete(place);
    else if constexpr (requires { T::operator delete(place, sizeof(T)); })
        T::operator delete(place, sizeof(T));
    else
        std::allocator<T>().deallocate(place, 1);
}

/// Memory in which the user's load_and_construct makes an object, unless it throws.
template <class T>
class construction {
public:
    construction() : place_(detail::allocate_object<T>()), wrapper_(place_) {}
    construction(const construction&) = delete;
    construction& operator=(const construction&) = delete;
    ~construction() {
        if (place_ == nullptr) return;
        if (wrapper_.is_made()) place_->~T();
        detail::deallocate_object(place_);
    }

    void load(input_archive& in) {
        cereal::detail::Construct<T, input_archive>::load_andor_construct(in, wrapper_.construct);
        if (!wrapper_.is_made()) in.fail_bad_value("load_and_construct has not made the object");
    }
    T* release() noexcept { return std::exchange(place_, nullptr); }

private:
    T* place_;
    cereal::memory_detail::LoadAndConstructLoadWrapper<input_archive, T> wrapper_;
};

/// Reads the body of a value into an object of its own; what holds it may delete it.
template <class T>
std::unique_ptr<T> make_object(input_archive& in) {
    if constexpr (traits::has_load_and_construct<T, input_archive>::value) {
        construction<T> made;
        auto outer = in.begin_record(record_name<T>);
        auto container = in.begin_container(element_size<T>());
        made.load(in);
        in.end_container(container);
        in.end_record(outer);
        return std::unique_ptr<T>(made.release());
    } else {
        std::unique_ptr<T> made(cereal::access::construct<T>());
        codec<T>::get(in, *made);
        return made;
    }
}

}  // namespace remora::detail
