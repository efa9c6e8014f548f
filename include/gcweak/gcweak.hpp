// gcweak.hpp: gcweak for C++17, on top of the C headers, which stay the
// reference; header-only, in the namespace gcw.
//
//     gcw::ref<T>              a weak reference
//     gcw::method<R(A...)>     an object held weakly, and what to call on it
//     gcw::event<A...>         listeners that come and go, and die
//     gcw::hub                 the same by type and source
//     gcw::cleanup             what runs when an object has died
//     gcw::queue               a queue of its own for such callbacks
//     gcw::exit_registry, gcw::at_exit        exit handlers
//     gcw::weak_map, gcw::weak_set, gcw::guardian
//
// It is for programs whose objects lie in the collected heap: made by
// GC_MALLOC and placement new, derived from `gc` (gc_cpp.h), or held by
// containers with gc_allocator.  What may be a target is as in ref.h.
//
// Where handles lie
//   A handle of these types is one pointer to a collected object: trivially
//   copyable, nothing to destroy, copies lead to the same thing.  So it must
//   itself lie where the collector looks: on a stack, in a static of the
//   program, in a member of a collected object.  One that lies only in memory
//   of malloc or of operator new, as in a std::vector or behind a
//   std::unique_ptr with their usual allocators, leads to memory that is soon
//   somebody else's.  Use gc_allocator for such containers.
//   gcw::scoped_connection alone has a destructor; the same holds for it.
//   thread_local objects are not always looked at: see bdwgc.
//
// What is called: callables
//   A function, a pointer to a member function, a lambda, or any other object
//   with a call operator.  A copy of it lies in collected memory, where the
//   collector sees what it captures: so captures are strong, but for those of
//   type gcw::ref, which gcw::weak(p) makes:
//
//       [w = gcw::weak(view)] { if (auto *v = w.get()) v->redraw(); }
//
//   It must be trivially destructible, which is checked when compiling: the
//   copy is collected, and nobody would destroy it.  A std::string, a
//   std::function or a std::shared_ptr cannot be captured by value, then.
//   Capture a pointer to a collected object that has it.
//   What it captures strongly must not lead to the object that it belongs to,
//   or that never dies.  An object that is captured itself, as by [this], is
//   refused with EINVAL; what it leads to is not looked at.  Take the object
//   as the first parameter instead, which is what the call keeps alive:
//
//       saved.connect(view, [](window *self, document *d) { ... });
//
//   Two listeners or methods are equal if object and callable are: the same
//   function, the same member given in the same way, lambdas without captures
//   of the same type.  One with captures equals only copies of the same
//   handle.
//
// Errors
//   What the C functions tell by errno is thrown: std::bad_alloc for ENOMEM,
//   and std::system_error with std::generic_category otherwise, its code being
//   errno's.  What is noexcept never fails so: it returns nothing, or false.
//   Functions that only ask (get, alive, count, connected) are noexcept.
//   A handle that was made by its default constructor leads to nothing:
//   it reads as dead, and what needs a live one throws EINVAL.
//
// Exceptions in callbacks
//   An exception that leaves a listener, a cleanup, a death callback or an
//   exit handler goes no further: it is a failure of that callback
//   (gcw_failed), whose reason is what(), or "unknown exception" if it has
//   none.  The error hook of the place hears of it, or a line goes to stderr;
//   the next callback runs. Two pass through, as said in base.h: the end of
//   the thread (pthread_exit, a cancellation); and any exception where nobody
//   would hear of its failure, as when one calls a gcw::method directly, or
//   steps through an event (call.h).
//
// Names
//   Reports and gdb call what is connected here by the member, as
//   "window::redraw", where that is a template argument; otherwise by the type
//   of what is called in the compiler's words, as "main()::<lambda(int)>" or
//   "void (window::*)(int)".  name() gives one listener or cleanup another.
//
// Threads, forks, shared objects: as in base.h.  std::thread makes threads
// that the collector does not know: have them call GC_register_my_thread
// first.  Where several threads run one callable at the same time, they run
// the same copy. What is called belongs to the shared object whose code has
// connected it.
//
// Cost: that of the C functions.  A member that is given as a template
// argument, connect<&window::redraw>(view), and a lambda are called directly,
// as a C function would be; a pointer to a member or to a function costs a
// call through that pointer besides.
#ifndef GCWEAK_GCWEAK_HPP
#define GCWEAK_GCWEAK_HPP

#include <gcweak/cpp/core.hpp>
#include <gcweak/cpp/ref.hpp>
#include <gcweak/cpp/queue.hpp>
#include <gcweak/cpp/cleanup.hpp>
#include <gcweak/cpp/method.hpp>
#include <gcweak/cpp/event.hpp>
#include <gcweak/cpp/hub.hpp>
#include <gcweak/cpp/exit.hpp>
#include <gcweak/cpp/map.hpp>

#endif
