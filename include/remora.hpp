// SPDX-License-Identifier: MIT
/// All public headers.
#pragma once

#include <remora/all.hpp>
#include <remora/any.hpp>
#include <remora/app_process.hpp>
#include <remora/archive.hpp>
#include <remora/asio.hpp>
#include <remora/broadcast.hpp>
#include <remora/call.hpp>
#include <remora/client.hpp>
#include <remora/error.hpp>
#include <remora/event.hpp>
#include <remora/generator.hpp>
#include <remora/limits.hpp>
#include <remora/pipe.hpp>
#include <remora/pipe_counts.hpp>
#include <remora/process.hpp>
#include <remora/receive_options.hpp>
#include <remora/request.hpp>
#include <remora/restart.hpp>
#include <remora/run_on.hpp>
#include <remora/server.hpp>
#include <remora/server_options.hpp>
#include <remora/service.hpp>
#include <remora/shared_bytes.hpp>
#include <remora/stream.hpp>
#include <remora/transport.hpp>
