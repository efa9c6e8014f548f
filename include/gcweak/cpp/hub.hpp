// hub.hpp: events by type and source; see hub.h, and gcweak.hpp for what all
// share.
#ifndef GCWEAK_CPP_HUB_HPP
#define GCWEAK_CPP_HUB_HPP

#include <gcweak/cpp/event.hpp>
#include <gcweak/hub.h>

namespace gcw {

namespace detail {

// A hub's listeners get a gcw_emission, which is good for the time of the
// call.
using emission = const gcw_emission &;

template <class O, class F>
struct hub_bound {
    using callable = F;
    static_assert(fits_v<O, F, emission>,
                  "gcw: a listener of a hub takes a const gcw_emission &");

    GCW__LOCAL static void *
    function(void *self, void *arg, void *data)
    {
        guard([&] {
            static_cast<void>(call<O, F, emission>(
                *static_cast<F *>(data), restore<O>(self),
                *static_cast<const gcw_emission *>(arg)));
        });
        return nullptr;
    }
};

template <class F>
struct hub_loose {
    using callable = F;
    static_assert(std::is_invocable_v<F &, emission>,
                  "gcw: a listener of a hub takes a const gcw_emission &");

    GCW__LOCAL static void
    function(const gcw_emission *arg, void *data)
    {
        guard([&] {
            static_cast<void>(std::invoke(*static_cast<F *>(data), *arg));
        });
    }
};

} // namespace detail

// A hub: gcw_hub.  Listeners take a const gcw_emission &, with the type, the
// source and the argument of the emission.  NULL as a type or a source stands
// for any.  A copy of a hub is the same hub.
class hub {
public:
    hub() : handle_(detail::must(gcw_hub_new(), "gcw::hub")) { }

    // A member, or a callable that lives as long as the object.
    template <class S, class T, class F, class = detail::object_only<T>>
    GCW__LOCAL connection
    connect(const char *type, S *source, T *object, F callable,
            connect_flags flags = connect_flags::none)
    {
        using O = detail::object_t<T, F>;
        O *self = object;
        const void *owner = object;
        gcw_method *m = detail::must(
            gcw_method_new(detail::erase(self),
                           detail::named<detail::hub_bound<O, F>>(),
                           detail::place(callable, owner,
                                         "gcw::hub::connect")),
            "gcw::hub::connect");

        return detail::connected(
            gcw_hub_connect(handle_, type, detail::erase(source), m,
                            static_cast<unsigned>(flags)),
            "gcw::hub::connect");
    }
    template <class T, class F, class = detail::object_only<T>>
    GCW__LOCAL connection
    connect(const char *type, std::nullptr_t, T *object, F callable,
            connect_flags flags = connect_flags::none)
    {
        return connect(type, static_cast<void *>(nullptr), object, callable,
                       flags);
    }

    // A callable that lives as long as the hub and the source; which it must
    // not capture.
    template <class S, class F, class = std::enable_if_t<
                           std::is_invocable_v<F &, detail::emission>>>
    GCW__LOCAL connection
    connect(const char *type, S *source, F callable,
            connect_flags flags = connect_flags::none)
    {
        return detail::connected(
            gcw_hub_connect_fn(
                handle_, type, detail::erase(source),
                detail::named<detail::hub_loose<F>>(),
                detail::place(callable, source, "gcw::hub::connect"),
                static_cast<unsigned>(flags)),
            "gcw::hub::connect");
    }
    template <class F, class = std::enable_if_t<
                           std::is_invocable_v<F &, detail::emission>>>
    GCW__LOCAL connection
    connect(const char *type, std::nullptr_t, F callable,
            connect_flags flags = connect_flags::none)
    {
        return connect(type, static_cast<void *>(nullptr), callable, flags);
    }

    // Disconnects all that call something on that object; returns how many.
    template <class T>
    std::size_t
    disconnect_object(T *object)
    {
        return detail::count_or_throw(
            [&] { return gcw_hub_disconnect_object(handle_, object); },
            "gcw::hub::disconnect_object");
    }

    // Calls on this thread all that fit; returns how many.
    std::size_t
    emit(const char *type, const void *source, void *arg = nullptr) const
    {
        return detail::count_or_throw(
            [&] {
                return gcw_hub_emit(handle_, type, detail::erase(source), arg);
            },
            "gcw::hub::emit");
    }

    // Nobody hears of it until it was unblocked as often as blocked.
    void block() noexcept { gcw_hub_block(handle_); }
    void unblock() noexcept { gcw_hub_unblock(handle_); }

    // Whether such an emission would call anybody now.
    bool
    has_listeners(const char *type, const void *source) const noexcept
    {
        return gcw_hub_has_listeners(handle_, type, source);
    }

    // Leaves an emission for dispatch.
    void
    post(const char *type, const void *source, void *arg = nullptr)
    {
        detail::must(gcw_hub_post(handle_, type, detail::erase(source), arg),
                     "gcw::hub::post");
    }

    // Makes up to `max` of those that were posted, all for 0; returns how
    // many.
    std::size_t
    dispatch(std::size_t max = 0)
    {
        return gcw_hub_dispatch(handle_, max);
    }

    // Readable while there is something to dispatch.
    int
    fd()
    {
        return detail::must(gcw_hub_fd(handle_), "gcw::hub::fd");
    }

    // Has a callable hear of listeners that fail.
    template <class F>
    GCW__LOCAL void
    on_error(F callable)
    {
        detail::must(
            gcw_hub_on_error(
                handle_, detail::hook<F>::call,
                detail::place(callable, handle_, "gcw::hub::on_error")),
            "gcw::hub::on_error");
    }

    gcw_hub *handle() const noexcept { return handle_; }

private:
    gcw_hub *handle_;
};

} // namespace gcw

#endif
