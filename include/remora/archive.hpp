// SPDX-License-Identifier: MIT
/// Values to bytes and back: `encode`, `decode`, `byte_buffer`, `type_name_of`.
///
/// A value is a number, an enumeration, a string, a container, optional, variant, tuple, duration
/// or owning pointer of values, a plain struct of values, or an object of a class that has the
/// functions which users write for Cereal (`serialize`, or `load` and `save`). lib/wire/protocol.md
/// tells what their bytes are.
///
/// The functions are documented in detail/wire/archive/coding.hpp, `type_name` in
/// detail/wire/archive/type_name.hpp.
///
/// Thread safety: every function here may be called by any number of threads at a time, on
/// distinct buffers and values.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <remora/detail/wire/archive/coding.hpp>
