// queue.hpp: queues of their own for cleanups and death callbacks; see queue.h,
// and gcweak.hpp for what all share.
#ifndef GCWEAK_CPP_QUEUE_HPP
#define GCWEAK_CPP_QUEUE_HPP

#include <gcweak/cpp/core.hpp>
#include <gcweak/queue.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <optional>

namespace gcw {

// A queue: gcw_queue.  A copy is the same queue.
//
//     gcw::queue q("connections");
//     gcw::cleanup(q, object, [] { ... });
//     while (q.wait())
//         q.drain();
class queue {
public:
    queue() : queue(static_cast<const char *>(nullptr)) { }
    explicit queue(const char *name)
        : handle_(detail::must(gcw_queue_new(name), "gcw::queue")) { }

    // The one where all that has no other becomes pending.
    static queue
    of_process()
    {
        return queue(detail::must(gcw_queue_default(),
                                  "gcw::queue::of_process"),
                     adopted());
    }

    // Runs up to `max` callbacks that are pending, all for 0; returns how many.
    std::size_t
    drain(std::size_t max = 0)
    {
        return detail::count_or_throw(
            [&] { return gcw_queue_drain(handle_, max); },
            "gcw::queue::drain");
    }

    // The next callback that is pending, for the caller to make
    // (gcw_call_invoke); nothing if none is.
    std::optional<gcw_call>
    next()
    {
        gcw_call call;
        std::size_t taken = detail::count_or_throw(
            [&] { return gcw_queue_next(handle_, &call) ? 1u : 0u; },
            "gcw::queue::next");

        return taken == 0 ? std::nullopt : std::optional<gcw_call>(call);
    }

    // Waits until a callback is pending, without end, or for so long at most
    // (24 days): whether one is.
    bool wait() { return wait_for(-1); }
    bool
    wait(std::chrono::milliseconds limit)
    {
        using count = std::chrono::milliseconds::rep;

        return wait_for(static_cast<int>(std::clamp(limit.count(), count{0},
                                                    count{INT_MAX})));
    }

    // Readable while something is pending.
    int
    fd()
    {
        return detail::must(gcw_queue_fd(handle_), "gcw::queue::fd");
    }

    // Has a callable hear of the queue's callbacks that fail.
    template <class F>
    GCW__LOCAL void
    on_error(F callable)
    {
        detail::must(
            gcw_queue_on_error(
                handle_, detail::hook<F>::call,
                detail::place(callable, handle_, "gcw::queue::on_error")),
            "gcw::queue::on_error");
    }

    gcw_queue *handle() const noexcept { return handle_; }

private:
    struct adopted { };
    queue(gcw_queue *handle, adopted) noexcept : handle_(handle) { }

    bool
    wait_for(int milliseconds)
    {
        return detail::must(gcw_queue_wait(handle_, milliseconds),
                            "gcw::queue::wait") != 0;
    }

    gcw_queue *handle_;
};

} // namespace gcw

#endif
