// event.hpp: events; see event.h, and gcweak.hpp for what all share.
#ifndef GCWEAK_CPP_EVENT_HPP
#define GCWEAK_CPP_EVENT_HPP

#include <gcweak/cpp/method.hpp>
#include <gcweak/event.h>

namespace gcw {

// How to connect; any of these, joined by |.
enum class connect_flags : unsigned { none = 0 };
constexpr connect_flags once{GCW_ONCE};
constexpr connect_flags unique{GCW_UNIQUE};
constexpr connect_flags front{GCW_FRONT};

constexpr connect_flags
operator|(connect_flags a, connect_flags b) noexcept
{
    return connect_flags(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

// What was connected: a gcw_listener, of an event or a hub.  It may be
// dropped.
class connection {
public:
    constexpr connection() noexcept = default;
    explicit constexpr connection(gcw_listener *handle) noexcept
        : handle_(handle) { }

    // Whether this call disconnected it.
    bool
    disconnect() noexcept
    {
        return handle_ != nullptr && gcw_listener_disconnect(handle_);
    }

    bool
    connected() const noexcept
    {
        return handle_ != nullptr && gcw_listener_connected(handle_);
    }

    // It is passed over until it was unblocked as often as blocked.
    void
    block() noexcept
    {
        if (handle_ != nullptr)
            gcw_listener_block(handle_);
    }
    void
    unblock() noexcept
    {
        if (handle_ != nullptr)
            gcw_listener_unblock(handle_);
    }
    bool
    blocked() const noexcept
    {
        return handle_ != nullptr && gcw_listener_blocked(handle_);
    }

    // For reports; copied.  NULL is none, and takes it away.
    const char *name() const noexcept { return gcw_listener_name(handle_); }
    void
    name(const char *name)
    {
        detail::must(gcw_listener_set_name(handle_, name),
                     "gcw::connection::name");
    }

    gcw_listener *handle() const noexcept { return handle_; }

private:
    gcw_listener *handle_ = nullptr;
};

// A connection that ends with its scope, on a stack or as a member of an
// object whose destructor runs.
class scoped_connection {
public:
    scoped_connection() noexcept = default;
    scoped_connection(connection c) noexcept : connection_(c) { }
    scoped_connection(scoped_connection &&other) noexcept
        : connection_(other.release()) { }
    scoped_connection &
    operator=(scoped_connection &&other) noexcept
    {
        if (this != &other) {
            connection_.disconnect();
            connection_ = other.release();
        }
        return *this;
    }
    scoped_connection(const scoped_connection &) = delete;
    scoped_connection &operator=(const scoped_connection &) = delete;
    ~scoped_connection() { connection_.disconnect(); }

    bool disconnect() noexcept { return connection_.disconnect(); }
    bool connected() const noexcept { return connection_.connected(); }
    void block() noexcept { connection_.block(); }
    void unblock() noexcept { connection_.unblock(); }
    bool blocked() const noexcept { return connection_.blocked(); }
    const char *name() const noexcept { return connection_.name(); }
    void name(const char *name) { connection_.name(name); }

    // It stays connected from here on.
    connection
    release() noexcept
    {
        return std::exchange(connection_, connection());
    }

private:
    connection connection_;
};

namespace detail {

inline connection
connected(gcw_listener *made, const char *what)
{
    return connection(must(made, what));
}

// What gcweak calls for a listener without an object: void fn(void *arg,
// void *data).
template <class F, class... A>
struct loose {
    static_assert(std::is_invocable_v<F &, pass_t<A>...>,
                  "gcw: the listener does not take what the event gives");
    using callable = F;

    GCW__LOCAL static void
    function(void *arg, void *data)
    {
        guard([arg, data] {
            std::apply(
                [data](auto &...kept) {
                    static_cast<void>(
                        std::invoke(*static_cast<F *>(data),
                                    std::forward<pass_t<A>>(kept)...));
                },
                static_cast<frame<A...> *>(arg)->args);
        });
    }
};

template <class T>
using object_only = std::enable_if_t<!std::is_function_v<T>>;

} // namespace detail

// An event, whose listeners get arguments of these types: gcw_event.
//
//     gcw::event<document *> saved("saved");
//     saved.connect<&window::on_saved>(view);
//     saved.connect(view, [](window *self, document *d) { ... });
//     saved.connect([](document *d) { ... });
//     saved.emit(d);
//
// Of a listener with an object, the object is held weakly, and the listener
// goes with it.  A callable gets it as a pointer or as a reference before the
// arguments; one that takes none only lives as long as it.  What a listener
// returns is dropped.  A copy of an event is the same event.
//
// Every listener gets the same arguments: those by value can be copied or are
// refused, and a large one is handed on as a const reference.
template <class... A>
class event {
    static_assert((detail::is_for_many_v<A> && ...),
                  "gcw::event: an argument goes to several listeners, so it "
                  "cannot be moved");

public:
    // `name` is for reports.
    event() : event(static_cast<const char *>(nullptr)) { }
    explicit event(const char *name)
        : handle_(detail::must(gcw_event_new(name), "gcw::event")) { }

    // A member that is known when compiling: as fast as a C function.
    template <auto Member, class T>
    GCW__LOCAL_MEMBER connection
    connect(T *object, connect_flags flags = connect_flags::none)
    {
        return connect_method(fixed<Member>(object), flags);
    }

    // A member, or a callable that lives as long as the object.
    template <class T, class F, class = detail::object_only<T>>
    GCW__LOCAL_MEMBER connection
    connect(T *object, F callable, connect_flags flags = connect_flags::none)
    {
        return connect_method(bound(object, callable), flags);
    }

    // A callable that lives as long as the event.
    template <class F, class = std::enable_if_t<std::is_invocable_v<
                           F &, detail::pass_t<A>...>>>
    GCW__LOCAL_MEMBER connection
    connect(F callable, connect_flags flags = connect_flags::none)
    {
        return detail::connected(
            gcw_event_connect_fn(
                handle_, detail::named<detail::loose<F, A...>>(),
                detail::place(callable, handle_, "gcw::event::connect"),
                static_cast<unsigned>(flags)),
            "gcw::event::connect");
    }

    // A method with the same parameters.
    template <class R>
    connection
    connect(method<R(A...)> m, connect_flags flags = connect_flags::none)
    {
        return connect_method(m.handle(), flags);
    }

    // Disconnects all that are equal; returns how many.
    template <auto Member, class T>
    GCW__LOCAL_MEMBER std::size_t
    disconnect(T *object)
    {
        return disconnect_method(fixed<Member>(object));
    }
    template <class T, class F, class = detail::object_only<T>>
    GCW__LOCAL_MEMBER std::size_t
    disconnect(T *object, F callable)
    {
        return disconnect_method(bound(object, callable));
    }
    template <class F, class = std::enable_if_t<std::is_invocable_v<
                           F &, detail::pass_t<A>...>>>
    GCW__LOCAL_MEMBER std::size_t
    disconnect(F callable)
    {
        return gcw_event_disconnect_fn(
            handle_, detail::loose<F, A...>::function,
            detail::place(callable, handle_, "gcw::event::disconnect"));
    }
    template <class R>
    std::size_t
    disconnect(method<R(A...)> m)
    {
        return disconnect_method(m.handle());
    }

    // Disconnects all that call something on that object; returns how many.
    template <class T>
    std::size_t
    disconnect_object(T *object)
    {
        return detail::count_or_throw(
            [&] { return gcw_event_disconnect_object(handle_, object); },
            "gcw::event::disconnect_object");
    }

    // Calls the listeners on this thread, in order; returns how many.
    std::size_t
    emit(A... args) const
    {
        detail::frame<A...> f{
            std::tuple<detail::kept_t<A>...>(std::forward<A>(args)...),
            nullptr, false
        };
        std::size_t called = gcw_event_emit(handle_, &f);

        if (called == 0)
            detail::check_zero([this] { gcw_event_count(handle_); },
                               "gcw::event::emit");
        return called;
    }

    std::size_t
    operator()(A... args) const
    {
        return emit(std::forward<A>(args)...);
    }

    // Nobody hears of it until it was unblocked as often as blocked.
    void block() noexcept { gcw_event_block(handle_); }
    void unblock() noexcept { gcw_event_unblock(handle_); }

    std::size_t count() const noexcept { return gcw_event_count(handle_); }

    // Whether an emission would call anybody now.
    bool
    has_listeners() const noexcept
    {
        return gcw_event_has_listeners(handle_);
    }

    // Has a callable hear of listeners that fail.
    template <class F>
    GCW__LOCAL_MEMBER void
    on_error(F callable)
    {
        detail::must(
            gcw_event_on_error(
                handle_, detail::hook<F>::call,
                detail::place(callable, handle_, "gcw::event::on_error")),
            "gcw::event::on_error");
    }

    // For the functions of event.h.  C code must neither emit it nor connect
    // to it, for it does not know the arguments.
    gcw_event *handle() const noexcept { return handle_; }

private:
    template <class T, class F>
    GCW__LOCAL_MEMBER static gcw_method *
    bound(T *object, const F &callable)
    {
        using O = detail::object_t<T, F>;
        using R = typename detail::natural_result<O, F, A...>::type;

        return detail::bind<R, A...>(object, callable, "gcw::event::connect");
    }

    template <auto Member, class T>
    GCW__LOCAL_MEMBER static gcw_method *
    fixed(T *object)
    {
        using O = typename detail::member<decltype(Member)>::object;
        static_assert(std::is_convertible_v<T *, O *>,
                      "gcw: the object has no such member");
        O *self = object;

        return bound(self, detail::fixed<Member>());
    }

    connection
    connect_method(gcw_method *m, connect_flags flags)
    {
        return detail::connected(
            gcw_event_connect(handle_, m, static_cast<unsigned>(flags)),
            "gcw::event::connect");
    }

    std::size_t
    disconnect_method(const gcw_method *m)
    {
        std::size_t n = gcw_event_disconnect(handle_, m);

        if (n == 0)
            detail::check_zero([this] { gcw_event_count(handle_); },
                               "gcw::event::disconnect");
        return n;
    }

    gcw_event *handle_;
};

// Disconnects all that call something on that object, from every event and
// hub; returns how many.
template <class T>
std::size_t
disconnect_object(T *object)
{
    return detail::count_or_throw(
        [&] { return gcw_disconnect_object(object); },
        "gcw::disconnect_object");
}

// Stops the emission that this stack is in, of an event or a hub: it calls no
// further listener.  False if it is in none.
inline bool
stop_emission() noexcept
{
    return gcw_emission_stop() == 0;
}

} // namespace gcw

#endif
