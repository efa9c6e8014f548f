// cpp-ways.cc: gcweak.hpp as one uses it; see cpp.h.
#include <config.h>

#include "cpp.h"

#include <gcweak/gcweak.hpp>

namespace {

inline void
use(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

struct counter : cpp_counter {
    void
    count(const void *arg)
    {
        use(arg);
        calls++;
    }
};

// Statics, where the collector looks.
gcw::ref<counter> *refs;
std::size_t n_objects;
counter **keys;
gcw::method<void(const void *)> method;

gcw::event<const void *> &
event()
{
    static gcw::event<const void *> made("bench");

    return made;
}

gcw::weak_map<counter, counter *> &
map()
{
    static gcw::weak_map<counter, counter *> made;

    return made;
}

counter *
object(void **objects, std::size_t i)
{
    return static_cast<counter *>(objects[i]);
}

void
read_make(void **objects, std::size_t n)
{
    n_objects = n;
    refs = static_cast<gcw::ref<counter> *>(
        GC_malloc(n * sizeof(gcw::ref<counter>)));
    for (std::size_t i = 0; i < n; i++)
        refs[i] = gcw::ref(object(objects, i));
}

void
read_run(std::size_t times)
{
    for (std::size_t i = 0, h = 0; i < times; i++) {
        if (counter *p = refs[h].get())
            use(p);
        h = h + 1 < n_objects ? h + 1 : 0;
    }
}

void
map_make(void **objects, std::size_t n)
{
    n_objects = n;
    keys = static_cast<counter **>(GC_malloc(n * sizeof *keys));
    for (std::size_t i = 0; i < n; i++) {
        keys[i] = object(objects, i);
        map().put(keys[i], keys[i]);
    }
}

void
map_run(std::size_t times)
{
    const gcw::weak_map<counter, counter *> m = map();

    for (std::size_t i = 0, h = 0; i < times; i++) {
        use(m.get(keys[h]));
        h = h + 1 < n_objects ? h + 1 : 0;
    }
}

void
call_fixed_make(void **objects, std::size_t)
{
    method = method.of<&counter::count>(object(objects, 0));
}

void
call_member_make(void **objects, std::size_t)
{
    method = gcw::method(object(objects, 0), &counter::count);
}

void
call_lambda_make(void **objects, std::size_t)
{
    method = gcw::method(object(objects, 0),
                         [](counter *self, const void *arg) {
                             self->count(arg);
                         });
}

void
call_run(std::size_t times)
{
    for (std::size_t i = 0; i < times; i++)
        method(&method);
}

void
emit_fixed_make(void **objects, std::size_t n)
{
    for (std::size_t i = 0; i < n; i++)
        event().connect<&counter::count>(object(objects, i));
}

void
emit_member_make(void **objects, std::size_t n)
{
    for (std::size_t i = 0; i < n; i++)
        event().connect(object(objects, i), &counter::count);
}

void
emit_lambda_make(void **objects, std::size_t n)
{
    for (std::size_t i = 0; i < n; i++)
        event().connect(object(objects, i),
                        [](counter *self, const void *arg) {
                            self->count(arg);
                        });
}

void
emit_run(std::size_t times)
{
    const gcw::event<const void *> e = event();

    for (std::size_t i = 0; i < times; i++)
        e.emit(&e);
}

}

const struct cpp_way cpp_read = { read_make, read_run };
const struct cpp_way cpp_map = { map_make, map_run };
const struct cpp_way cpp_call_fixed = { call_fixed_make, call_run };
const struct cpp_way cpp_call_member = { call_member_make, call_run };
const struct cpp_way cpp_call_lambda = { call_lambda_make, call_run };
const struct cpp_way cpp_emit_fixed = { emit_fixed_make, emit_run };
const struct cpp_way cpp_emit_member = { emit_member_make, emit_run };
const struct cpp_way cpp_emit_lambda = { emit_lambda_make, emit_run };
