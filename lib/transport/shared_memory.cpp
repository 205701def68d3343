// SPDX-License-Identifier: MIT
#include "transport/shared_memory.hpp"

#include "wire/control_records.hpp"

#include <remora/detail/wire/frame.hpp>
#include <remora/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace remora::detail {
namespace {

// What is smaller is copied out before anybody looks at it: the other side may still write to it.
constexpr std::size_t largest_copied = 4096;
constexpr std::size_t copy_size = 2 * largest_copied;
// How many polls look at the express line alone, before one at the head too.
constexpr unsigned polls_of_line = 16;
// After a message that did not take the line where it was expected: nobody looks there for the
// answers to so many writes, twice as many each time.
constexpr unsigned most_writes_without_line = 64;
// How often a look that finds nothing passes before the FIFO is looked at too, for the end.
constexpr unsigned polls_per_drain = 1024;

// Two rings, and the FIFOs that wake sleepers: each with its state for either direction.
class shared_memory_transport final : public transport {
public:
    shared_memory_transport(const asio::any_io_executor& executor, transport_parts ends)
        : wake_fifos_(executor, std::move(ends.fifo)),
          rings_(std::make_shared<shared_rings>(std::move(ends.rings))),
          reader_(rings_->reader()),
          writer_(rings_->writer()) {}

    transport_kind kind() const noexcept override { return transport_kind::shared_memory; }
    std::shared_ptr<shared_rings> lendable() const noexcept override {
        return rings_ && rings_->lent_size() != 0 ? rings_ : nullptr;
    }
    bool shares_cpu() noexcept override;
    fetched fetch(std::size_t wanted) override;
    fetched poll(std::size_t wanted) override;
    std::size_t write(std::span<const std::byte> bytes) override;
    bool begin_wait(readiness what) override;
    asio::awaitable<void> wait(readiness what, std::error_code& ec) override;
    void end_wait(readiness what) override;
    void cancel() noexcept override { wake_fifos_.cancel(); }
    void set_features(std::uint64_t features) noexcept override;
    void on_peer_opened() noexcept override { wake_fifos_.on_peer_opened(); }
    void close() noexcept override;

private:
    bool fetch_express();
    void found_elsewhere() noexcept;
    void expect_answer() noexcept;
    fetched fetch_ring(std::size_t wanted);
    fetched show(std::span<const std::byte> unread, std::size_t wanted);
    fetched gather(std::span<const std::byte> unread, std::size_t wanted);
    fetched after_finding_nothing();
    bool is_ready(readiness what);
    void set_asleep(readiness what, bool asleep) noexcept;
    void send_wake_byte() noexcept;
    void check_wake_error() const;
    void drain_wake_bytes();
    void shrink() noexcept;

    fifo_pair wake_fifos_;
    std::shared_ptr<shared_rings> rings_;  ///< shared with the blocks that are lent
    ring_reader reader_;
    ring_writer writer_;
    std::vector<std::byte> copy_;      ///< of the small frames at the head of the ring
    std::vector<std::byte> gathered_;  ///< of a frame that is larger than the ring
    std::size_t shown_ =
        0;  ///< bytes of the ring that were put into the input since the last release
    unsigned empty_polls_ = 0;
    int readers_waiting_ = 0;  ///< for the wake byte, which all of them share
    int writers_waiting_ = 0;
    bool has_line_ = false;              ///< both ends use the express line
    bool received_since_write_ = false;  ///< something has come since the last write
    bool watches_line_ = false;          ///< what comes next is likely to take it
    unsigned writes_without_line_ = 0;   ///< so many more writes, before it watches again
    unsigned line_pause_ = 1;            ///< so many writes, after the next time in vain
    unsigned polls_ = 0;
    bool gathering_ = false;  ///< the input is in gathered_
    bool ended_ = false;      ///< the other side has closed its FIFOs
    int wake_error_ = 0;      ///< of sending a wake byte
};

// On one CPU no cache line travels, and there is one poll between two turns.
bool shared_memory_transport::shares_cpu() noexcept {
    const bool shares = wake_fifos_.is_open() && rings_->shares_cpu();
    watches_line_ = watches_line_ && !shares;
    return shares;
}

void shared_memory_transport::set_features(std::uint64_t features) noexcept {
    has_line_ = (features & wire::express) != 0;
    if ((features & wire::origin) == 0) return;
    reader_.enable_origin();
    writer_.enable_origin();
}

transport::fetched shared_memory_transport::fetch(std::size_t wanted) {
    if (!wake_fifos_.is_open()) return fetched::end;
    if (gathering_) {
        gathering_ = !input_.empty();
        if (!gathering_) shrink();
    } else if (shown_ != input_.size()) {
        reader_.release(shown_ - input_.size());
        shown_ = input_.size();
        if (reader_.must_wake(false)) send_wake_byte();
    }
    return fetch_express() ? fetched::more : fetch_ring(wanted);
}

transport::fetched shared_memory_transport::poll(std::size_t wanted) {
    if (!watches_line_ || ++polls_ % polls_of_line == 0) return fetch(wanted);
    if (!wake_fifos_.is_open()) return fetched::end;
    return fetch_express() ? fetched::more : fetched::nothing;
}

transport::fetched shared_memory_transport::fetch_ring(std::size_t wanted) {
    const auto unread = reader_.unread();
    const bool too_large = !gathering_ && wanted > reader_.size();
    const bool is_behind = unread.size() < shown_;  // the express line
    if (is_behind || (unread.size() == shown_ && !(too_large && shown_ != 0)))
        return after_finding_nothing();
    empty_polls_ = 0;
    received_since_write_ = true;
    if (watches_line_) found_elsewhere();
    return gathering_ || too_large ? gather(unread, wanted) : show(unread, wanted);
}

bool shared_memory_transport::fetch_express() {
    if (!watches_line_ || shown_ != 0 || gathering_) return false;
    if (copy_.empty()) copy_.resize(copy_size);
    shown_ = reader_.read_express(copy_.data());
    if (shown_ == 0) return false;
    input_ = {copy_.data(), shown_};
    empty_polls_ = 0;
    received_since_write_ = true;
    watches_line_ = false;  // what comes after it does not
    line_pause_ = 1;
    return true;
}

void shared_memory_transport::found_elsewhere() noexcept {
    watches_line_ = false;
    writes_without_line_ = line_pause_;
    line_pause_ = std::min(2 * line_pause_, most_writes_without_line);
}

void shared_memory_transport::expect_answer() noexcept {
    received_since_write_ = false;
    if (has_line_) watches_line_ = writes_without_line_ == 0 || --writes_without_line_ == 0;
}

// Small frames as a copy; a large one where it lies, and nothing after it.
transport::fetched shared_memory_transport::show(std::span<const std::byte> unread,
                                                 std::size_t wanted) {
    if (wanted > largest_copied) {
        input_ = unread.first(std::min(unread.size(), wanted));
    } else {
        if (copy_.empty()) copy_.resize(copy_size);
        const std::size_t size = std::min(unread.size(), copy_.size());
        std::memcpy(copy_.data(), unread.data(), size);
        input_ = {copy_.data(), size};
    }
    const bool more = input_.size() > shown_;
    shown_ = input_.size();
    return more ? fetched::more : after_finding_nothing();
}

// A frame for which the ring is too small is taken out of it as it comes.
transport::fetched shared_memory_transport::gather(std::span<const std::byte> unread,
                                                   std::size_t wanted) {
    const std::size_t kept = gathering_ ? input_.size() : 0;  // at first, all of it is in the ring
    const std::size_t more = wanted > kept ? wanted - kept : unread.size();
    const auto taken = unread.first(std::min(unread.size(), more));
    gathered_.erase(gathered_.begin(), gathered_.end() - static_cast<std::ptrdiff_t>(kept));
    gathered_.insert(gathered_.end(), taken.begin(), taken.end());
    reader_.release_now(taken.size());
    if (reader_.must_wake(false)) send_wake_byte();
    gathering_ = true;
    shown_ = 0;
    input_ = gathered_;
    return fetched::more;
}

// Gives back room, wakes a writer who waits for it, and looks for the end.
transport::fetched shared_memory_transport::after_finding_nothing() {
    if (shown_ != 0) reader_.release_now(0);  // the rest of a large frame may need the room
    if (reader_.must_wake(true)) {
        reader_.release_now(0);
        send_wake_byte();
    }
    check_wake_error();
    if (++empty_polls_ % polls_per_drain == 0) drain_wake_bytes();
    // What came before the end is in the ring.
    if (!ended_ || reader_.unread().size() > shown_) return fetched::nothing;
    return fetched::end;
}

std::size_t shared_memory_transport::write(std::span<const std::byte> bytes) {
    if (!wake_fifos_.is_open()) return 0;
    const std::size_t count = writer_.write(bytes, has_line_ && received_since_write_);
    if (count != 0) expect_answer();
    if (count != 0 && writer_.must_wake()) send_wake_byte();
    check_wake_error();
    return count;
}

// A ring that makes no sense is news as well: the next fetch or write says so.
bool shared_memory_transport::is_ready(readiness what) try {
    return what == readiness::readable ? reader_.unread().size() > shown_ : writer_.has_room();
} catch (const error&) {
    return true;
}

void shared_memory_transport::set_asleep(readiness what, bool asleep) noexcept {
    if (what == readiness::readable) {
        if (asleep) {
            reader_.release_now(0);
            if (reader_.must_wake(true)) send_wake_byte();
        }
        reader_.sleeps(asleep);
    } else {
        writer_.sleeps(asleep);
    }
}

// Sets the flag before the last look: who writes after that look sees the flag, and sends a wake
// byte.
bool shared_memory_transport::begin_wait(readiness what) {
    if (!wake_fifos_.is_open()) return false;
    set_asleep(what, true);
    int& waiting = what == readiness::readable ? readers_waiting_ : writers_waiting_;
    const bool waits = wake_error_ == 0 && !is_ready(what);
    if (waits) ++waiting;
    if (waiting == 0) set_asleep(what, false);
    return waits;
}

asio::awaitable<void> shared_memory_transport::wait(readiness what, std::error_code& ec) {
    // The wake byte comes for room, too.
    return wake_fifos_.wait(what == readiness::hung_up ? what : readiness::readable, ec);
}

void shared_memory_transport::end_wait(readiness what) {
    int& waiting = what == readiness::readable ? readers_waiting_ : writers_waiting_;
    --waiting;
    if (!wake_fifos_.is_open()) return;
    if (waiting == 0) set_asleep(what, false);
    drain_wake_bytes();
}

// A full FIFO is no error: its reader wakes up anyway. After another error the other side may sleep
// for ever, so it is kept.
void shared_memory_transport::send_wake_byte() noexcept {
    const std::byte any{1};
    ssize_t count = 0;
    do {
        count = ::write(wake_fifos_.out(), &any, 1);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && errno != EAGAIN) wake_error_ = errno;
}

void shared_memory_transport::check_wake_error() const {
    if (wake_error_ != 0)
        throw_system_error(wake_error_, "shared memory: writing the wake-up byte");
}

// The bytes may be for the other wait of this end: it has to look again.
void shared_memory_transport::drain_wake_bytes() {
    std::array<std::byte, 64> bytes;
    const ssize_t count = ::read(wake_fifos_.in(), bytes.data(), bytes.size());
    if (count == 0) ended_ = true;
    if (count > 0 && readers_waiting_ + writers_waiting_ != 0) cancel();
}

// One large message does not keep its memory for good.
void shared_memory_transport::shrink() noexcept {
    if (gathered_.capacity() > keep_capacity) std::vector<std::byte>().swap(gathered_);
}

void shared_memory_transport::close() noexcept {
    input_ = {};
    rings_.reset();  // before the FIFOs, whose end says that this side has left
    wake_fifos_.close();
}

}  // namespace

std::unique_ptr<transport> make_transport(const asio::any_io_executor& executor,
                                          transport_parts ends) {
    if (!ends.rings) return make_fifo_transport(executor, std::move(ends.fifo));
    return std::make_unique<shared_memory_transport>(executor, std::move(ends));
}

}  // namespace remora::detail
