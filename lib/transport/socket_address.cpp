// SPDX-License-Identifier: MIT
#include "transport/socket_address.hpp"

#include <cstring>

namespace remora::detail {

sockaddr_un address_in(int fd, const std::filesystem::path& path, const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string text = (path / name).string();
    if (text.size() >= sizeof address.sun_path)
        text = "/proc/self/fd/" + std::to_string(fd) + "/" + name;
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    return address;
}

}  // namespace remora::detail
