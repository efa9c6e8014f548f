// exit.hpp: exit handlers; see exit.h, and gcweak.hpp for what all share.
#ifndef GCWEAK_CPP_EXIT_HPP
#define GCWEAK_CPP_EXIT_HPP

#include <gcweak/cpp/method.hpp>
#include <gcweak/exit.h>

#include <chrono>

namespace gcw {

// How a handler runs; see gcw_exit_options.
struct exit_options {
    const char *name = nullptr;
    long level = 0;                      // higher ones run first
    std::chrono::milliseconds limit{0};  // how long it may take; 0: any time
    bool keep = false;
    bool inherit = false;
    bool quick = false;
};

// A handler: gcw_exit_handler.
class exit_handler {
public:
    constexpr exit_handler() noexcept = default;
    explicit constexpr exit_handler(gcw_exit_handler *handle) noexcept
        : handle_(handle) { }

    // GCW_REMOVED, GCW_RUNNING or GCW_GONE.
    gcw_exit_found
    unregister()
    {
        return static_cast<gcw_exit_found>(
            detail::must(gcw_exit_unregister(handle_),
                         "gcw::exit_handler::unregister"));
    }

    // Its number, which may be kept in any memory, for gcw_exit_unregister_id.
    std::uint64_t
    id() const
    {
        std::uint64_t number = gcw_exit_id(handle_);

        if (number == 0)
            detail::throw_error(errno, "gcw::exit_handler::id");
        return number;
    }

    gcw_exit_handler *handle() const noexcept { return handle_; }

private:
    gcw_exit_handler *handle_ = nullptr;
};

namespace detail {

using exit_info = const gcw_exit_info &;

inline gcw_exit_options
in_c(const exit_options &o)
{
    gcw_exit_options c;

    gcw_exit_options_init(&c);
    c.name = o.name;
    c.level = o.level;
    c.limit = o.limit.count() <= 0
              ? 0 : static_cast<unsigned long>(o.limit.count());
    c.keep = o.keep;
    c.inherit = o.inherit;
    c.quick = o.quick;
    return c;
}

// With the info, if the handler takes it.
template <class O, class F>
struct exit_bound {
    using callable = F;
    static_assert(fits_v<O, F, exit_info> || fits_v<O, F>,
                  "gcw: an exit handler takes nothing but its object, or a "
                  "const gcw_exit_info & besides");

    GCW__LOCAL static void *
    function(void *self, void *arg, void *data)
    {
        guard([&] {
            F &called = *static_cast<F *>(data);

            if constexpr (fits_v<O, F, exit_info>)
                static_cast<void>(call<O, F, exit_info>(
                    called, restore<O>(self),
                    *static_cast<const gcw_exit_info *>(arg)));
            else
                static_cast<void>(call<O, F>(called, restore<O>(self)));
        });
        return nullptr;
    }
};

template <class F>
struct exit_loose {
    using callable = F;
    static_assert(std::is_invocable_v<F &, exit_info>
                  || std::is_invocable_v<F &>,
                  "gcw: an exit handler takes nothing, or a const "
                  "gcw_exit_info &");

    // Who steps through a registry has the info himself.
    GCW__LOCAL static void
    function(void *data)
    {
        guard([data] {
            F &called = *static_cast<F *>(data);

            if constexpr (std::is_invocable_v<F &, exit_info>) {
                const gcw_exit_info none{nullptr, nullptr, nullptr, 0};
                const gcw_exit_info *info = gcw_exit_current();

                static_cast<void>(
                    std::invoke(called, info == nullptr ? none : *info));
            } else {
                static_cast<void>(std::invoke(called));
            }
        });
    }
};

} // namespace detail

// A registry of exit handlers: gcw_exit_registry.  One of one's own runs when
// told.  A copy is the same registry.
class exit_registry {
public:
    exit_registry() : exit_registry(static_cast<const char *>(nullptr)) { }
    explicit exit_registry(const char *name)
        : handle_(detail::must(gcw_exit_registry_new(name),
                               "gcw::exit_registry")) { }

    // The one that runs at exit.
    static exit_registry
    of_process()
    {
        return exit_registry(detail::must(gcw_exit_default(),
                                          "gcw::exit_registry::of_process"),
                             adopted());
    }

    // A member, or a callable that lives as long as the object; it is skipped
    // when that has died.
    template <class T, class F, class = std::enable_if_t<
                           !std::is_function_v<T>
                           && !std::is_same_v<F, exit_options>>>
    GCW__LOCAL exit_handler
    add(T *object, F callable, const exit_options &options = exit_options())
    {
        using O = detail::object_t<T, F>;
        O *self = object;
        gcw_exit_options c = detail::in_c(options);
        gcw_method *m = detail::must(
            gcw_method_new(detail::erase(self),
                           detail::named<detail::exit_bound<O, F>>(),
                           detail::place(callable, object,
                                         "gcw::exit_registry::add")),
            "gcw::exit_registry::add");

        return exit_handler(detail::must(gcw_exit_register(handle_, m, &c),
                                         "gcw::exit_registry::add"));
    }

    // A callable.
    template <class F>
    GCW__LOCAL exit_handler
    add(F callable, const exit_options &options = exit_options())
    {
        gcw_exit_options c = detail::in_c(options);

        return exit_handler(detail::must(
            gcw_exit_register_fn(
                handle_, detail::named<detail::exit_loose<F>>(),
                detail::place(callable, nullptr, "gcw::exit_registry::add"),
                &c),
            "gcw::exit_registry::add"));
    }

    // Runs it now; returns how many handlers failed.
    int
    run(int status = 0)
    {
        return detail::must(gcw_exit_run(handle_, status),
                            "gcw::exit_registry::run");
    }

    // Limits how long its handlers may take together; 0: any time.
    void
    limit(std::chrono::milliseconds time)
    {
        detail::must(gcw_exit_limit(handle_,
                                    static_cast<unsigned long>(time.count())),
                     "gcw::exit_registry::limit");
    }

    // Has a callable hear of handlers that fail.
    template <class F>
    GCW__LOCAL void
    on_error(F callable)
    {
        detail::must(
            gcw_exit_on_error(
                handle_, detail::hook<F>::call,
                detail::place(callable, handle_,
                              "gcw::exit_registry::on_error")),
            "gcw::exit_registry::on_error");
    }

    gcw_exit_registry *handle() const noexcept { return handle_; }

private:
    struct adopted { };
    exit_registry(gcw_exit_registry *handle, adopted) noexcept
        : handle_(handle) { }

    gcw_exit_registry *handle_;
};

// Registers a handler that runs at exit; as exit_registry::add.
template <class T, class F, class = std::enable_if_t<
                       !std::is_function_v<T>
                       && !std::is_same_v<F, exit_options>>>
GCW__LOCAL exit_handler
at_exit(T *object, F callable, const exit_options &options = exit_options())
{
    return exit_registry::of_process().add(object, callable, options);
}
template <class F>
GCW__LOCAL exit_handler
at_exit(F callable, const exit_options &options = exit_options())
{
    return exit_registry::of_process().add(callable, options);
}

} // namespace gcw

#endif
