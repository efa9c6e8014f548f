// method.hpp: weak methods; see method.h, and gcweak.hpp for what all share.
#ifndef GCWEAK_CPP_METHOD_HPP
#define GCWEAK_CPP_METHOD_HPP

#include <gcweak/cpp/cleanup.hpp>
#include <gcweak/cpp/core.hpp>
#include <gcweak/method.h>

#include <optional>
#include <tuple>

namespace gcw {

template <class Signature> class method;

namespace detail {

// --- How arguments pass -----------------------------------------------------

// Several listeners may get the same argument: by value, it is one that each
// may copy.
template <class A, bool = std::is_object_v<A>>
constexpr bool is_small_v = false;
template <class A>
constexpr bool is_small_v<A, true> = std::is_trivially_copyable_v<A>
    && sizeof(A) <= 2 * sizeof(void *);

template <class A, class = void>
struct pass {
    using type = std::conditional_t<std::is_copy_constructible_v<A>,
                                    const A &, A &&>;
    using kept = type;
};
template <class A>
struct pass<A &> {
    using type = A &;
    using kept = A &;
};
template <class A>
struct pass<A &&> {
    using type = A &&;
    using kept = A &&;
};
template <class A>
struct pass<A, std::enable_if_t<is_small_v<A>>> {
    using type = A;
    using kept = A;
};
template <class A> using pass_t = typename pass<A>::type;
template <class A> using kept_t = typename pass<A>::kept;

template <class A, bool = std::is_reference_v<A>>
constexpr bool is_for_many_v = std::is_copy_constructible_v<A>;
template <class A>
constexpr bool is_for_many_v<A, true> = std::is_lvalue_reference_v<A>;

// What the C functions hand through as `arg`.  It lies on the stack of who
// calls.
template <class... A>
struct frame {
    std::tuple<kept_t<A>...> args;
    void *result;            // where it goes, or NULL: nowhere
    bool direct;             // exceptions pass to the caller
};

// --- What a call gives ------------------------------------------------------

template <class R>
struct outcome {
    using type = std::optional<R>;
    template <class Call>
    static void
    store(void *to, Call call)
    {
        static_cast<type *>(to)->emplace(call());
    }
};
template <class R>
struct outcome<R &> {
    using type = R *;
    template <class Call>
    static void
    store(void *to, Call call)
    {
        *static_cast<type *>(to) = std::addressof(call());
    }
};
template <>
struct outcome<void> {
    using type = bool;
    template <class Call>
    static void
    store(void *to, Call call)
    {
        call();
        *static_cast<type *>(to) = true;
    }
};

// --- Members ----------------------------------------------------------------

// The object that a pointer to a member wants, const if the member is; what it
// takes and returns.
template <class M> struct member;
#define GCW__MEMBER(Object, Qualifiers)                                     \
    template <class C, class R, class... A>                                 \
    struct member<R (C::*)(A...) Qualifiers> {                              \
        using object = Object;                                              \
        using signature = R(A...);                                          \
    };
GCW__MEMBER(C, )
GCW__MEMBER(C, &)
GCW__MEMBER(C, noexcept)
GCW__MEMBER(C, & noexcept)
GCW__MEMBER(const C, const)
GCW__MEMBER(const C, const &)
GCW__MEMBER(const C, const noexcept)
GCW__MEMBER(const C, const & noexcept)
#undef GCW__MEMBER

// The object that a callable wants, for one that is given: its own type for a
// member of a base.
template <class T, class F, bool = std::is_member_function_pointer_v<F>>
struct wanted { using object = T; };
template <class T, class F>
struct wanted<T, F, true> { using object = typename member<F>::object; };
template <class T, class F> using object_t = typename wanted<T, F>::object;

// A member that is known when compiling: called directly, and inline.
template <auto Member>
struct fixed {
    template <class O, class... A>
    std::invoke_result_t<decltype(Member), O *, A...>
    operator()(O *object, A &&...args) const
    {
        return (object->*Member)(std::forward<A>(args)...);
    }
};

template <auto Member>
struct words_of<fixed<Member>> {
    static constexpr const char *get() { return member_in_words<Member>(); }
};

// --- Calling one ------------------------------------------------------------

template <class F, class O, class... A>
constexpr bool takes_pointer_v = std::is_invocable_v<F &, O *, pass_t<A>...>;
template <class F, class O, class... A>
constexpr bool takes_reference_v = std::is_invocable_v<
    F &, std::add_lvalue_reference_t<O>, pass_t<A>...>;

// With the object as a pointer, as a reference, or without it.
template <class O, class F, class... A>
decltype(auto)
call(F &callable, O *object, pass_t<A>... args)
{
    if constexpr (takes_pointer_v<F, O, A...>)
        return std::invoke(callable, object,
                           std::forward<pass_t<A>>(args)...);
    else if constexpr (takes_reference_v<F, O, A...>)
        return std::invoke(callable, *object,
                           std::forward<pass_t<A>>(args)...);
    else
        return std::invoke(callable, std::forward<pass_t<A>>(args)...);
}

// The first that fits is looked at, and no further: more could not even be
// asked of some generic lambdas.
template <class O, class F, class... A>
constexpr bool fits_v = std::disjunction_v<
    std::is_invocable<F &, O *, pass_t<A>...>,
    std::is_invocable<F &, std::add_lvalue_reference_t<O>, pass_t<A>...>,
    std::is_invocable<F &, pass_t<A>...>>;

template <class O, class F, class... A>
struct natural_result {
    static_assert(fits_v<O, F, A...>,
                  "gcw: the member or callable does not take such an object "
                  "and such arguments");
    using type = decltype(call<O, F, A...>(
        std::declval<F &>(), std::declval<O *>(),
        std::declval<pass_t<A>>()...));
};

// What gcweak calls for an object of type O: a gcw_method_fn.
template <class O, class F, class R, class... A>
struct bound {
    using callable = F;

    static R
    call_with(F &called, O *self, frame<A...> &f)
    {
        return std::apply(
            [&](auto &...kept) -> R {
                if constexpr (std::is_void_v<R>)
                    static_cast<void>(call<O, F, A...>(
                        called, self, std::forward<pass_t<A>>(kept)...));
                else
                    return call<O, F, A...>(
                        called, self, std::forward<pass_t<A>>(kept)...);
            },
            f.args);
    }

    GCW__LOCAL static void
    call_it(void *self, frame<A...> &f, void *data)
    {
        auto body = [&]() -> R {
            return call_with(*static_cast<F *>(data), restore<O>(self), f);
        };

        if (f.result != nullptr)
            outcome<R>::store(f.result, body);
        else
            static_cast<void>(body());
    }

    GCW__LOCAL static void *
    function(void *self, void *arg, void *data)
    {
        frame<A...> &f = *static_cast<frame<A...> *>(arg);

        if (f.direct)
            call_it(self, f, data);
        else
            guard([&] { call_it(self, f, data); });
        return nullptr;
    }
};

// A method for what is to be called on the object.
template <class R, class... A, class T, class F>
GCW__LOCAL gcw_method *
bind(T *object, const F &callable, const char *what)
{
    using O = object_t<T, F>;
    static_assert(std::is_convertible_v<T *, O *>,
                  "gcw: the object has no such member");
    static_assert(fits_v<O, F, A...>,
                  "gcw: the member or callable does not take such an object "
                  "and such arguments");
    O *self = object;

    return must(gcw_method_new(erase(self), named<bound<O, F, R, A...>>(),
                               place(callable, object, what)),
                what);
}

// --- What a method's type is, where it is not said --------------------------

template <class F> struct function_of;
template <class R, class... A>
struct function_of<R (*)(A...)> { using type = R(A...); };
template <class R, class... A>
struct function_of<R (*)(A...) noexcept> { using type = R(A...); };

// The parameters without the object, if the first is that.
template <class T, class Signature> struct without_object;
template <class T, class R>
struct without_object<T, R()> { using type = R(); };
template <class T, class R, class First, class... A>
struct without_object<T, R(First, A...)> {
    using type = std::conditional_t<
        std::is_convertible_v<T *, First> || std::is_convertible_v<T &, First>,
        R(A...), R(First, A...)>;
};

template <class T, class F, class = void>
struct deduced {
    using type = typename without_object<
        T, typename member<decltype(&F::operator())>::signature>::type;
};
template <class T, class F>
struct deduced<T, F, std::enable_if_t<std::is_member_function_pointer_v<F>>> {
    using type = typename member<F>::signature;
};
template <class T, class F>
struct deduced<T, F, std::enable_if_t<std::is_pointer_v<F>>> {
    using type = typename without_object<
        T, typename function_of<F>::type>::type;
};

// What a death callback of a method is.
template <class F>
struct death {
    static_assert(std::is_invocable_v<F &>,
                  "gcw: what is to be called must take no arguments");

    using callable = F;

    GCW__LOCAL static void
    function(gcw_method *, void *data)
    {
        guard([data] { std::invoke(*static_cast<F *>(data)); });
    }
};

} // namespace detail

// A weak method: gcw_method.
//
//     gcw::method m(ann, &player::greet);
//     gcw::method n(ann, [](player *self, int n) { return self->score + n; });
//     if (auto score = n(3))
//         std::cout << *score;
//
// A call gives a std::optional with what was returned; for one that returns a
// reference, a pointer; for one that returns nothing, a bool.  It is empty,
// NULL or false if the object is dead, and nothing was called then.
//
// Arguments by value are handed on as a const reference if they are large;
// what can only be moved must be a parameter by && to be handed on.
template <class R, class... A>
class method<R(A...)> {
public:
    using result = typename detail::outcome<R>::type;

    constexpr method() noexcept = default;

    // Throws EINVAL if the object is none of the collected heap, or the
    // callable captures it.
    template <class T, class F>
    GCW__LOCAL_MEMBER
    method(T *object, F callable)
        : handle_(detail::bind<R, A...>(object, callable, "gcw::method")) { }

    // As fast as a C function: gcw::method<R(A...)>::of<&player::greet>(ann).
    template <auto Member, class T>
    GCW__LOCAL_MEMBER static method
    of(T *object)
    {
        using O = typename detail::member<decltype(Member)>::object;
        O *self = object;
        method made;

        made.handle_ = detail::bind<R, A...>(self, detail::fixed<Member>(),
                                             "gcw::method");
        return made;
    }

    result
    operator()(A... args) const
    {
        result to{};
        detail::frame<A...> f{
            std::tuple<detail::kept_t<A>...>(std::forward<A>(args)...), &to,
            true
        };

        if (gcw_method_invoke(handle_, &f, nullptr) != 0 && errno != ESTALE)
            detail::throw_error(errno, "gcw::method");
        return to;
    }

    // May be out of date as soon as it is known.
    bool
    alive() const noexcept
    {
        return handle_ != nullptr && gcw_method_alive(handle_);
    }

    explicit operator bool() const noexcept { return alive(); }

    // Calls something once when the object has died.
    template <class F>
    GCW__LOCAL_MEMBER cleanup
    on_death(F callable) const
    {
        return cleanup(detail::must(
            gcw_method_on_death(
                handle_, detail::named<detail::death<F>>(),
                detail::place(callable, nullptr, "gcw::method::on_death")),
            "gcw::method::on_death"));
    }

    // In a queue of one's own.
    template <class F>
    GCW__LOCAL_MEMBER cleanup
    on_death(queue q, F callable) const
    {
        return cleanup(detail::must(
            gcw_method_on_death_in(
                q.handle(), handle_, detail::named<detail::death<F>>(),
                detail::place(callable, nullptr, "gcw::method::on_death")),
            "gcw::method::on_death"));
    }

    gcw_method *handle() const noexcept { return handle_; }

    friend bool
    operator==(const method &a, const method &b) noexcept
    {
        return gcw_method_equal(a.handle_, b.handle_);
    }

    friend bool
    operator!=(const method &a, const method &b) noexcept
    {
        return !(a == b);
    }

private:
    gcw_method *handle_ = nullptr;
};

template <class T, class F>
method(T *, F) -> method<typename detail::deduced<T, F>::type>;

} // namespace gcw

template <class R, class... A>
struct std::hash<gcw::method<R(A...)>> {
    std::size_t
    operator()(const gcw::method<R(A...)> &m) const noexcept
    {
        return gcw_method_hash(m.handle());
    }
};

#endif
