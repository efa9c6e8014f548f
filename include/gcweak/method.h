/* method.h: weak methods.
 *
 * A method is an object held weakly, a function, and the function's data.
 * Hand it to something that outlives the object: it does not keep the object
 * alive, and when the object has died it says so instead of calling into it.
 *
 * A bound method, as other languages know it, is a temporary: holding *it*
 * weakly is useless, because nothing else holds it.  Here the method handle is
 * what one keeps, and the bound method (gcw_bound) is what it gives out for
 * the time of a call, on the caller's stack, where it keeps the object alive.
 *
 * What is strong and what is weak
 *   self          always weak
 *   data          strong in gcw_method_new, weak in gcw_method_new_weak
 *   the function  not an object to the collector, so neither
 * Strong data must not lead to self: as long as the method is held anywhere,
 * self could never die.  Data that is self itself is refused with EINVAL.
 *
 * Methods are immutable values with identity: two methods are equal when they
 * have the same target, function and data, before and after death.
 */
#ifndef GCWEAK_METHOD_H
#define GCWEAK_METHOD_H

#include <errno.h>

#include <gcweak/base.h>
#include <gcweak/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_method gcw_method;

/* The function of a method: the object, the argument of this call, the data
 * of the method.  What the result means is up to the caller; an exit registry
 * takes a non-NULL result as a failure. */
typedef void *gcw_method_fn(void *self, void *arg, void *data);

/* A bound method: strong, for as long as it is on a stack or where else the
 * collector looks. */
typedef struct gcw_bound {
    void *self;
    gcw_method_fn *fn;
    void *data;
} gcw_bound;

/* A method whose data is held strongly.
 *
 * self   any pointer into a heap object (see ref.h)
 * fn     not NULL
 * data   anything, also NULL; but no pointer into the object of self
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the handle, or NULL with errno: EINVAL (self is no heap object, fn
 * is NULL, data is self or cannot be held: base.h), EPERM, ENOMEM, ENOTSUP.
 * Cost: gcw_ref_new and one allocation.  After Python's weakref.WeakMethod. */
gcw_method *gcw_method_new(void *self, gcw_method_fn *fn, void *data);

/* A method that holds its data weakly too: dead when either has died.  `data`
 * must be a pointer into a heap object, and may lead to self or be self.  For
 * closures that are heap objects: tie the closure to the object, and neither
 * keeps the other.  Otherwise as gcw_method_new; also EINVAL if data is no
 * heap object. */
gcw_method *gcw_method_new_weak(void *self, gcw_method_fn *fn, void *data);

/* Fills `out` with the bound method if the method is live.
 *
 * While `out` holds it, self and data stay alive.  For a dead method `out` is
 * all NULL, so that an old one keeps nothing.
 * Returns true if live; false if dead, or with errno EINVAL if an argument is
 * NULL.  Threads and cost as gcw_ref_get (twice for weak data). */
bool gcw_method_bind(const gcw_method *m, gcw_bound *out);

/* Calls a bound method.  self stays alive until the function has returned,
 * even if the function clears the caller's gcw_bound.
 * Threads as gcw_method_bind.
 * Returns what the function returns; NULL with errno EINVAL if `bound` or its
 * fn is NULL. */
void *gcw_bound_call(const gcw_bound *bound, void *arg);

/* Binds and calls in one step.
 *
 * Stores the function's result in *result, unless `result` is NULL.
 * Threads as gcw_method_bind.
 * Returns 0; or -1 with errno ESTALE (the method is dead; nothing was called,
 * *result is untouched) or EINVAL (m is NULL).  errno after 0 is what the
 * function left. */
int gcw_method_invoke(const gcw_method *m, void *arg, void **result);

/* Whether the method is live.  May be out of date as soon as it is known;
 * to act on it, bind.  false with errno EINVAL if m is NULL.
 * Threads as gcw_method_bind. */
bool gcw_method_alive(const gcw_method *m);

/* Whether two methods have the same target, function and data.  By identity,
 * not by contents, and unchanged by death.  A method with weak data equals
 * none with strong data.  NULL equals only NULL.  Any thread; cost: a few
 * comparisons. */
bool gcw_method_equal(const gcw_method *a, const gcw_method *b);

/* A hash that goes with gcw_method_equal; never changes.  0 for NULL.
 * Any thread. */
size_t gcw_method_hash(const gcw_method *m);

/* Calls notify(m, data) once when the method dies: when self dies, or, with
 * weak data, when the first of the two does.
 *
 * The call is made by the drain (see drain.h), never inside the collector or
 * an allocation.  The library holds m and `data` until then, so the callback
 * comes even if the caller drops every handle.  Neither may lead to the
 * target: strong data of m or `data` that refers to it keeps it alive for
 * ever.  At exit the call does not come while the method lives, for that is no
 * death; gcw_cleanup_set_atexit(c, true) has it come.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns a cleanup (see cleanup.h): it can be detached, or run early; or NULL
 * with errno: EINVAL (m or notify is NULL, `data` is self or the method's weak
 * data, or cannot be held: base.h), ESTALE (dead already, or disposed of
 * meanwhile: no call will come), ESHUTDOWN (all that runs at exit has run, the
 * process is about to end), EPERM, ENOMEM.
 * After the callback argument of Python's weakref.ref. */
gcw_cleanup *gcw_method_on_death(gcw_method *m,
                                 void (*notify)(gcw_method *m, void *data),
                                 void *data);

/* Gives the function that begins at `code` a name.
 *
 *   code  not NULL; the address as it is registered with the library: of a
 *         typed method that is its thunk, which GCW_METHOD names itself
 *   name  static text: it is not copied; NULL takes the name away
 *
 * Error hooks, reports, gcw_dump, gcw_explain and the commands for gdb say it
 * in the place of what the dynamic linker knows, which is nothing of static
 * functions.  A binding for a language names the functions by which it calls
 * that language, also code that it has made at run time (ffi_closure), and
 * takes the name away before that memory is used for something else.  The
 * names of an unloaded shared object go with it (base.h); an object without a
 * gcweak header takes its own away.
 *
 * Any thread at any time, also one that the collector does not know, and
 * before anything else is called: it needs no collector, and does not start it.
 * Returns 0, or -1 with errno: EINVAL (code is NULL), ENOMEM (the old name
 * stays).
 * Cost: an entry of two words in a table, which is looked at when something is
 * reported.  After the names of code that perf reads from perf-PID.map. */
int gcw_name_function(void (*code)(void), const char *name);

/* GCW_METHOD(fn, Self, Arg, Data): typed methods.
 *
 * For a function
 *     void *fn(Self *self, Arg *arg, Data *data)
 * defines two static functions
 *     gcw_method *fn_method(Self *self, Data *data)       as gcw_method_new
 *     gcw_method *fn_method_weak(Self *self, Data *data)  as .._new_weak
 * and has the function called by its name in all reports (gcw_name_function),
 * from the first method on that is made of it.  Any of the types may be const.
 * A function of another type is refused by the compiler.  An object of another
 * type given to them is an error in C++, and in C what the compiler makes of
 * it: gcc before version 14 and clang before 16 warn only.  In the place of
 * fn_method(self, data),
 *     GCW_NEW(fn, self, data)
 *     GCW_NEW_WEAK(fn, self, data)
 * make an error of it in C too, with gcc and clang.  The function is
 * called through its own type only: calling it through a cast one is
 * undefined, and control-flow integrity stops it.  Use it at file scope,
 * without a semicolon. */
#if defined __GNUC__
# define GCW__MAY_BE_UNUSED __attribute__((__unused__))
#else
# define GCW__MAY_BE_UNUSED
#endif

/* GCW__DATA_OF(p) is p as data: the library neither reads nor writes what it
 * leads to.  GCW__AS(Type, data) is the same back. */
#if defined __cplusplus
# define GCW__DATA_OF(p)                                                    \
    const_cast<void *>(static_cast<const volatile void *>(p))
# define GCW__AS(Type, data) static_cast<Type *>(data)
# define GCW__CODE(fn) reinterpret_cast<void (*)(void)>(fn)
#else
# define GCW__DATA_OF(p) ((void *)(uintptr_t)(p))
# define GCW__AS(Type, data) ((Type *)(data))
# define GCW__CODE(fn) ((void (*)(void))(fn))
#endif

/* Refuses a function that has not that type. */
#if defined __cplusplus
# define GCW__SAME_FUNCTION(fn, Type, words)                                \
    typedef char fn##_gcw_checked_[sizeof(static_cast<Type>(fn))];
#elif defined __STDC_VERSION__ && __STDC_VERSION__ >= 201112L
# define GCW__SAME_FUNCTION(fn, Type, words)                                \
    _Static_assert(_Generic(&fn, Type: 1, default: 0), words);
#elif defined __GNUC__
# define GCW__SAME_FUNCTION(fn, Type, words)                                \
    typedef char fn##_gcw_checked_[__builtin_types_compatible_p(            \
        __typeof__(&fn), Type) ? 1 : -1];
#else
# define GCW__SAME_FUNCTION(fn, Type, words)                                \
    typedef char fn##_gcw_checked_[sizeof(1 ? fn : (Type)0)];
#endif

/* Defines a type of parameter that takes `Type *` and refuses other pointers,
 * where the language would only warn; GCW__IS(p) is the pointer.  Calls stand
 * behind GCW__EXTENSION. */
#if !defined __cplusplus && defined __GNUC__
# define GCW__CHECKED(name, Type)                                           \
    typedef union {                                                         \
        Type *is;                                                           \
    } name __attribute__((__transparent_union__));
# define GCW__IS(p) ((p).is)
# define GCW__EXTENSION __extension__
#else
# define GCW__CHECKED(name, Type) typedef Type *name;
# define GCW__IS(p) (p)
# define GCW__EXTENSION
#endif

/* Defines what gives the thunk of `fn` its name, once; errno stays. */
#if defined __GNUC__
# define GCW__LOAD(flag) __atomic_load_n(&(flag), __ATOMIC_RELAXED)
# define GCW__SET(flag) __atomic_store_n(&(flag), 1, __ATOMIC_RELAXED)
#else
# define GCW__LOAD(flag) (flag)
# define GCW__SET(flag) ((flag) = 1)
#endif

#define GCW__NAMED(fn)                                                      \
    GCW__MAY_BE_UNUSED static void fn##_gcw_name_(void)                     \
    {                                                                       \
        static char named;                                                  \
        int before;                                                         \
                                                                            \
        if (GCW__LOAD(named))                                               \
            return;                                                         \
        before = errno;                                                     \
        if (gcw_name_function(GCW__CODE(fn##_gcw_call_), #fn) == 0)         \
            GCW__SET(named);                                                \
        errno = before;                                                     \
    }

#define GCW_METHOD(fn, Self, Arg, Data)                                     \
    GCW__SAME_FUNCTION(fn, void *(*)(Self *, Arg *, Data *),                \
                       #fn " is not void *(" #Self " *, " #Arg " *, " #Data \
                       " *)")                                               \
    typedef Arg fn##_gcw_type_;                                             \
    GCW__CHECKED(fn##_gcw_self_, Self)                                      \
    GCW__CHECKED(fn##_gcw_data_, Data)                                      \
    static void *fn##_gcw_call_(void *self, void *arg, void *data)          \
    {                                                                       \
        return fn(GCW__AS(Self, self), GCW__AS(Arg, arg),                   \
                  GCW__AS(Data, data));                                     \
    }                                                                       \
    GCW__NAMED(fn)                                                          \
    GCW__MAY_BE_UNUSED static gcw_method *fn##_method(Self *self,           \
                                                      Data *data)           \
    {                                                                       \
        fn##_gcw_name_();                                                   \
        return gcw_method_new(GCW__DATA_OF(self), fn##_gcw_call_,           \
                              GCW__DATA_OF(data));                          \
    }                                                                       \
    GCW__MAY_BE_UNUSED static gcw_method *fn##_method_weak(Self *self,      \
                                                           Data *data)      \
    {                                                                       \
        fn##_gcw_name_();                                                   \
        return gcw_method_new_weak(GCW__DATA_OF(self), fn##_gcw_call_,      \
                                   GCW__DATA_OF(data));                     \
    }                                                                       \
    GCW__MAY_BE_UNUSED static gcw_method *fn##_gcw_new_(                    \
        fn##_gcw_self_ self, fn##_gcw_data_ data)                           \
    {                                                                       \
        return fn##_method(GCW__IS(self), GCW__IS(data));                   \
    }                                                                       \
    GCW__MAY_BE_UNUSED static gcw_method *fn##_gcw_new_weak_(               \
        fn##_gcw_self_ self, fn##_gcw_data_ data)                           \
    {                                                                       \
        return fn##_method_weak(GCW__IS(self), GCW__IS(data));              \
    }

#define GCW_NEW(fn, self, data)                                             \
    (GCW__EXTENSION fn##_gcw_new_((self), (data)))
#define GCW_NEW_WEAK(fn, self, data)                                        \
    (GCW__EXTENSION fn##_gcw_new_weak_((self), (data)))

/* GCW_CLEANUP(fn, Data): typed cleanups.
 *
 * For a function
 *     void fn(Data *data)
 * defines a static function
 *     gcw_cleanup *fn_cleanup(void *target, Data *data)   as gcw_cleanup_new
 * which also gives it its name, as GCW_METHOD does. */
#define GCW_CLEANUP(fn, Data)                                               \
    GCW__SAME_FUNCTION(fn, void (*)(Data *),                                \
                       #fn " is not void(" #Data " *)")                     \
    static void fn##_gcw_call_(void *data)                                  \
    {                                                                       \
        fn(GCW__AS(Data, data));                                            \
    }                                                                       \
    GCW__NAMED(fn)                                                          \
    GCW__MAY_BE_UNUSED static gcw_cleanup *fn##_cleanup(void *target,       \
                                                        Data *data)         \
    {                                                                       \
        fn##_gcw_name_();                                                   \
        return gcw_cleanup_new(target, fn##_gcw_call_, GCW__DATA_OF(data)); \
    }

#ifdef __cplusplus
}
#endif

#endif
