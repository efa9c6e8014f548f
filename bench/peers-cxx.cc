// peers-cxx.cc: std::weak_ptr.
//
// A read locks, which gives a shared_ptr, and lets go of it again.
#include <config.h>

#include "peers.h"

#include <memory>
#include <thread>
#include <vector>

namespace {

struct target {
    void *words[4];
};

std::vector<std::shared_ptr<target>> targets;

// All sets of handles that were made; reads go through the last.
std::vector<std::vector<std::weak_ptr<target>>> handles;

// Counts are atomic only in a process that has started a thread, as the
// programs have that we compare with.
void
open(std::size_t n)
{
    std::thread([] {}).join();
    targets.reserve(n);
    for (std::size_t i = 0; i < n; i++)
        targets.push_back(std::make_shared<target>());
}

void
make(const std::size_t *to, std::size_t n)
{
    std::vector<std::weak_ptr<target>> made;

    made.reserve(n);
    for (std::size_t i = 0; i < n; i++)
        made.push_back(targets[to[i]]);
    handles.push_back(std::move(made));
}

inline void
use(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

void
read(std::size_t n, std::size_t times)
{
    const std::weak_ptr<target> *weak = handles.back().data();

    for (std::size_t i = 0, h = 0; i < times; i++) {
        if (std::shared_ptr<target> p = weak[h].lock())
            use(p.get());
        h = h + 1 < n ? h + 1 : 0;
    }
}

#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

}

const struct weak_peer weak_cxx = { open, make, read };

#ifdef __GLIBCXX__
const char version_cxx[] = "std::weak_ptr of libstdc++ "
                           TEXT(_GLIBCXX_RELEASE);
#else
const char version_cxx[] = "std::weak_ptr";
#endif
