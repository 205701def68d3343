// SPDX-License-Identifier: MIT
/// Objects that owning pointers hold, also those of classes without a default constructor.
#pragma once

#include <cereal/access.hpp>
#include <memory>
#include <utility>

#include <remora/archive/record.hpp>

/// Cereal's own door into `construct`, which only its pointers may open otherwise.
template <class T>
struct cereal::memory_detail::LoadAndConstructLoadWrapper<remora::input_archive, T> {
    explicit LoadAndConstructLoadWrapper(T* place) : construct(place) {}
    bool is_made() const noexcept { return construct.itsValid; }
    ::cereal::construct<T> construct;
};

namespace remora::detail {

/// Memory in which the user's load_and_construct makes an object, unless it throws.
template <class T>
class construction {
public:
    construction() : place_(allocator_.allocate(1)), wrapper_(place_) {}
    construction(const construction&) = delete;
    construction& operator=(const construction&) = delete;
    ~construction() {
        if (place_ == nullptr) return;
        if (wrapper_.is_made()) place_->~T();
        allocator_.deallocate(place_, 1);
    }

    void load(input_archive& in) {
        cereal::detail::Construct<T, input_archive>::load_andor_construct(in, wrapper_.construct);
        if (!wrapper_.is_made()) in.fail_bad_value("load_and_construct has not made the object");
    }
    T* release() noexcept { return std::exchange(place_, nullptr); }

private:
    std::allocator<T> allocator_;
    T* place_;
    cereal::memory_detail::LoadAndConstructLoadWrapper<input_archive, T> wrapper_;
};

/// Reads the body of a value into an object of its own; what holds it may delete it.
template <class T>
std::unique_ptr<T> make_object(input_archive& in) {
    if constexpr (traits::has_load_and_construct<T, input_archive>::value) {
        construction<T> made;
        auto outer = in.begin_record(record_name<T>);
        made.load(in);
        in.end_record(outer);
        return std::unique_ptr<T>(made.release());
    } else {
        std::unique_ptr<T> made(cereal::access::construct<T>());
        codec<T>::get(in, *made);
        return made;
    }
}

}  // namespace remora::detail
