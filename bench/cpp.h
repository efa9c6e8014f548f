/* cpp.h: the C++ side of the scene cpp: what gcweak.hpp costs beside C.
 *
 * Each way is made for so many objects, struct cpp_counter each, and then done
 * so many times for each object in turn.  All does the same as the C in cpp.c,
 * written as one writes it in C++.
 */
#ifndef CPP_H
#define CPP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cpp_counter {
    size_t calls;
    void *more[3];
};

struct cpp_way {
    void (*make)(void **objects, size_t n);
    void (*run)(size_t times);
};

/* Without a C++ compiler they are empty. */
extern const struct cpp_way cpp_read, cpp_map;
extern const struct cpp_way cpp_call_fixed, cpp_call_member, cpp_call_lambda;
extern const struct cpp_way cpp_emit_fixed, cpp_emit_member, cpp_emit_lambda;

#ifdef __cplusplus
}
#endif

#endif
