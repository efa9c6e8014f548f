// core.hpp: what the C++ headers share: errors, and callables that lie where
// the collector looks.  Only gcw::failure is for users; the rest is in
// gcw::detail.
#ifndef GCWEAK_CPP_CORE_HPP
#define GCWEAK_CPP_CORE_HPP

#include <gcweak/base.h>
#include <gcweak/method.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <cxxabi.h>

// Not <gc.h>: who makes threads defines GC_THREADS before he includes that.
extern "C" void *GC_malloc(std::size_t size);

// What holds the address of code belongs to the shared object that it was
// compiled for, and must not be shared with another that has the same: then
// gcweak would not know whose it is (base.h, "Shared objects").
#if defined __GNUC__
# define GCW__LOCAL __attribute__((__visibility__("hidden")))
#else
# define GCW__LOCAL
#endif

// The same for a template that is a member of a class template, for which
// clang does not heed it: there it is inlined.
#if defined __clang__
# define GCW__LOCAL_MEMBER                                                  \
    __attribute__((__visibility__("hidden"), __always_inline__))
#else
# define GCW__LOCAL_MEMBER GCW__LOCAL
#endif

namespace gcw {

// What an error hook hears.
struct failure {
    void *handle;            // the C handle of what failed
    const char *name;        // its name, or NULL
    const char *why;         // what() of the exception, or as gcw_fail has
                             // said; may be NULL
};

namespace detail {

// --- Errors ----------------------------------------------------------------

[[noreturn]] inline void
throw_error(int error, const char *what)
{
    if (error == ENOMEM)
        throw std::bad_alloc();
    throw std::system_error(error, std::generic_category(), what);
}

[[noreturn]] inline void
throw_captured(const char *what)
{
    throw std::system_error(EINVAL, std::generic_category(),
                            std::string(what) + ": what is called captures the "
                            "object itself, which could never die");
}

template <class T>
T *
must(T *made, const char *what)
{
    if (made == nullptr)
        throw_error(errno, what);
    return made;
}

inline int
must(int result, const char *what)
{
    if (result < 0)
        throw_error(errno, what);
    return result;
}

// A question that has the answer 0 also where it fails: whether it did.  `ask`
// is asked anew.
template <class Ask>
void
check_zero(Ask ask, const char *what)
{
    int before = errno;

    errno = 0;
    ask();
    if (errno != 0)
        throw_error(errno, what);
    errno = before;
}

// A count, which is 0 with errno where asking for it fails.
template <class Ask>
std::size_t
count_or_throw(Ask ask, const char *what)
{
    int before = errno;
    std::size_t count;

    errno = 0;
    count = ask();
    if (count == 0 && errno != 0)
        throw_error(errno, what);
    errno = before;
    return count;
}

// --- Exceptions in callbacks ------------------------------------------------

// Runs the body of a callback.  Its exceptions are failures; where nobody would
// hear of that, they pass on.  The end of the thread must go on.
template <class Body>
void
guard(Body body)
{
    try {
        body();
    } catch (const std::exception &e) {
        if (gcw_failed(e.what()) != 0)
            throw;
#if defined __GLIBCXX__
    } catch (abi::__forced_unwind &) {
        throw;
    } catch (...) {
        if (gcw_failed("unknown exception") != 0)
            throw;
    }
#else
    } catch (...) {
        if (std::current_exception() == nullptr
            || gcw_failed("unknown exception") != 0)
            throw;
    }
#endif
}

// --- Pointers ---------------------------------------------------------------

inline void *
erase(const void *p) noexcept
{
    return const_cast<void *>(p);
}

template <class T>
T *
restore(void *p) noexcept
{
    if constexpr (std::is_void_v<T>)
        return p;
    else
        return static_cast<T *>(p);
}

// Whether an object's own bytes hold that pointer.  Byte by byte: padding is
// not looked at unless all before it fits.
inline bool
holds(const void *bytes, std::size_t size, const void *pointer) noexcept
{
    const unsigned char *at = static_cast<const unsigned char *>(bytes);
    unsigned char wanted[sizeof pointer];

    std::memcpy(wanted, &pointer, sizeof pointer);
    for (std::size_t i = 0; i + sizeof pointer <= size; i += alignof(void *)) {
        std::size_t same = 0;

        while (same < sizeof pointer && at[i + same] == wanted[same])
            same++;
        if (same == sizeof pointer)
            return true;
    }
    return false;
}

// --- Callables --------------------------------------------------------------

template <class F>
constexpr bool is_code_v = std::is_member_function_pointer_v<F>
    || (std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>);

// A pointer to code, of which there is one for each: so what is made from the
// same is equal.  They are as many as the program has such pointers; none is
// freed.
template <class F>
struct code {
    F function;
    code *next;

    GCW__LOCAL static inline std::atomic<code *> first{nullptr};

    GCW__LOCAL static F *
    find(F function)
    {
        code *newest = first.load(std::memory_order_acquire);
        code *made = nullptr;
        const code *looked = nullptr;

        for (;;) {
            for (code *c = newest; c != looked; c = c->next)
                if (c->function == function) {
                    delete made;
                    return &c->function;
                }
            if (made == nullptr)
                made = new code{function, nullptr};
            looked = newest;
            made->next = newest;
            if (first.compare_exchange_weak(newest, made,
                                            std::memory_order_acq_rel,
                                            std::memory_order_acquire))
                return &made->function;
        }
    }
};

// The only copy of a callable that holds nothing.
template <class F>
GCW__LOCAL F *
only(const F &callable)
{
    static F copy(callable);

    return &copy;
}

// The place of a callable, for as long as the result is held.  It must not
// hold `owner` itself.
template <class F>
GCW__LOCAL F *
place(const F &callable, const void *owner, const char *what)
{
    static_assert(std::is_trivially_destructible_v<F>,
                  "gcw: what is called lies in collected memory, so what it "
                  "captures must need no destructor");
    static_assert(alignof(F) <= 2 * sizeof(void *),
                  "gcw: the collector's memory is not so aligned");
    if constexpr (is_code_v<F>) {
        if (callable == nullptr)
            throw_error(EINVAL, what);
        return code<F>::find(callable);
    } else if constexpr (std::is_empty_v<F>) {
        return only(callable);
    } else {
        F *copy;

        if (owner != nullptr
            && holds(std::addressof(callable), sizeof callable, owner))
            throw_captured(what);
        copy = static_cast<F *>(GC_malloc(sizeof callable));
        if (copy == nullptr)
            throw std::bad_alloc();
        return ::new (static_cast<void *>(copy)) F(callable);
    }
}

// --- Names of what is called ------------------------------------------------

// The name of a type or of a member in the compiler's words, which end with
// it: "... [with F = name]" or "... [F = name]"; some go on behind a semicolon.
template <class F>
constexpr const char *
type_in_words()
{
    return __PRETTY_FUNCTION__;
}
template <auto Member>
constexpr const char *
member_in_words()
{
    return __PRETTY_FUNCTION__;
}

// Where the name begins: behind the first "= ", and an ampersand.
constexpr std::size_t
name_begins(const char *words)
{
    std::size_t at = 0;

    while (words[at] != '\0' && words[at] != '=')
        at++;
    while (words[at] == '=' || words[at] == ' ' || words[at] == '&')
        at++;
    return at;
}

// Where it ends: at the bracket that it is in, or the semicolon.
constexpr std::size_t
name_ends(const char *words, std::size_t at)
{
    for (std::size_t depth = 1; words[at] != '\0'; at++) {
        if (words[at] == '[')
            depth++;
        else if (words[at] == ']')
            depth--;
        if (depth == 0 || (depth == 1 && words[at] == ';'))
            break;
    }
    return at;
}

template <std::size_t Size>
struct letters {
    char at[Size + 1];
};

template <std::size_t Size>
constexpr letters<Size>
cut_out(const char *words)
{
    letters<Size> made{};

    for (std::size_t i = 0; i < Size; i++)
        made.at[i] = words[i];
    return made;
}

template <class F>
struct words_of {
    static constexpr const char *get() { return type_in_words<F>(); }
};

template <class F>
struct name_of {
    static constexpr std::size_t begin = name_begins(words_of<F>::get());
    static constexpr std::size_t end = name_ends(words_of<F>::get(), begin);

    GCW__LOCAL static constexpr letters<end - begin> text
        = cut_out<end - begin>(words_of<F>::get() + begin);
};

// Has reports and gdb call a thunk by the name of what it calls.  errno stays.
template <class Thunk>
GCW__LOCAL void
give_name()
{
    using F = typename Thunk::callable;
    static std::atomic<bool> done{false};
    int before = errno;

    if (done.load(std::memory_order_relaxed))
        return;
    if (gcw_name_function(reinterpret_cast<void (*)(void)>(&Thunk::function),
                          name_of<F>::text.at) == 0)
        done.store(true, std::memory_order_relaxed);
    errno = before;
}

// The thunk, which has its name then.
template <class Thunk>
GCW__LOCAL auto *
named()
{
    give_name<Thunk>();
    return &Thunk::function;
}

// --- Thunks -----------------------------------------------------------------

// void fn(void *data), for a callable without arguments.
template <class F>
struct plain {
    static_assert(std::is_invocable_v<F &>,
                  "gcw: what is to be called must take no arguments");

    using callable = F;

    GCW__LOCAL static void
    function(void *data)
    {
        guard([data] { std::invoke(*static_cast<F *>(data)); });
    }
};

// An error hook.  What it throws is ignored, as other failures of hooks are.
template <class F>
struct hook {
    static_assert(std::is_invocable_v<F &, const failure &>,
                  "gcw: an error hook must take a const gcw::failure &");

    GCW__LOCAL static void
    call(void *handle, const char *name, const char *why, void *data)
    {
        try {
            std::invoke(*static_cast<F *>(data), failure{handle, name, why});
        } catch (const std::exception &) {
            return;
#if defined __GLIBCXX__
        } catch (abi::__forced_unwind &) {
            throw;
#endif
        } catch (...) {
            if (std::current_exception() == nullptr)
                throw;
        }
    }
};

} // namespace detail
} // namespace gcw

#endif
