// SPDX-License-Identifier: MIT
// The service of all servers: the requests of the protocol, answered from a store.
#pragma once

#include "store.hpp"

#include <remora/service.hpp>

namespace notes {

// The store lives until the last call has ended.
remora::service make_service(store& kept);

}  // namespace notes
