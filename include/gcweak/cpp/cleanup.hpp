// cleanup.hpp: cleanups; see cleanup.h and drain.h, and gcweak.hpp for what
// all share.
#ifndef GCWEAK_CPP_CLEANUP_HPP
#define GCWEAK_CPP_CLEANUP_HPP

#include <gcweak/cpp/queue.hpp>
#include <gcweak/cleanup.h>
#include <gcweak/drain.h>

namespace gcw {

// Calls something once when an object has died: gcw_cleanup.  It runs in the
// drain (gcw_drain, gcw_collect, the worker), and needs no handle for that:
//
//     gcw::cleanup(image, [fd] { ::close(fd); });
//
// What the callable captures must not lead to the object.
class cleanup {
public:
    constexpr cleanup() noexcept = default;
    explicit constexpr cleanup(gcw_cleanup *handle) noexcept
        : handle_(handle) { }

    template <class T, class F>
    GCW__LOCAL
    cleanup(T *target, F callable)
        : handle_(detail::must(
              gcw_cleanup_new(
                  detail::erase(target), detail::named<detail::plain<F>>(),
                  detail::place(callable, target, "gcw::cleanup")),
              "gcw::cleanup")) { }

    // In a queue of one's own.
    template <class T, class F>
    GCW__LOCAL
    cleanup(queue q, T *target, F callable)
        : handle_(detail::must(
              gcw_cleanup_new_in(
                  q.handle(), detail::erase(target),
                  detail::named<detail::plain<F>>(),
                  detail::place(callable, target, "gcw::cleanup")),
              "gcw::cleanup")) { }

    // Whether it has still to run.
    bool
    alive() const noexcept
    {
        return handle_ != nullptr && gcw_cleanup_alive(handle_);
    }

    // Runs it now; false if it has run, or was detached.
    bool run() { return handle_ != nullptr && gcw_cleanup_run(handle_); }

    // Takes it off; false if it is too late.
    bool
    detach() noexcept
    {
        return handle_ != nullptr && gcw_cleanup_detach(handle_);
    }

    // Whether it runs at exit if the object lives then; so it does, unless
    // told otherwise.
    void
    set_atexit(bool on)
    {
        detail::must(gcw_cleanup_set_atexit(handle_, on),
                     "gcw::cleanup::set_atexit");
    }

    // For reports; copied.  NULL is none, and takes it away.
    const char *name() const noexcept { return gcw_cleanup_name(handle_); }
    void
    name(const char *name)
    {
        detail::must(gcw_cleanup_set_name(handle_, name),
                     "gcw::cleanup::name");
    }

    gcw_cleanup *handle() const noexcept { return handle_; }

private:
    gcw_cleanup *handle_ = nullptr;
};

// Has a callable hear of cleanups that fail: gcw_drain_on_error.
template <class F>
GCW__LOCAL void
on_cleanup_error(F callable)
{
    detail::must(
        gcw_drain_on_error(
            detail::hook<F>::call,
            detail::place(callable, nullptr, "gcw::on_cleanup_error")),
        "gcw::on_cleanup_error");
}

} // namespace gcw

#endif
