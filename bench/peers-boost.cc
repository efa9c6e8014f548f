// peers-boost.cc: Boost.Signals2, with tracked slots.
//
// A slot that tracks an object is called while the object lives, which is
// locked for the call, and goes after it has died.
#include <config.h>

#include "peers.h"

#include <boost/make_shared.hpp>
#include <boost/shared_ptr.hpp>
#include <boost/signals2.hpp>
#include <boost/version.hpp>
#include <vector>

namespace {

struct counter {
    std::size_t calls = 0;
};

// What is connected: a function and its object, as everywhere.
struct listener {
    void (*fn)(counter *self, void *arg);
    counter *self;

    void operator()(void *arg) const
    {
        fn(self, arg);
    }
};

typedef boost::signals2::signal<void (void *arg)> signal;

signal *news;
std::vector<boost::shared_ptr<counter>> counters;
std::vector<boost::signals2::connection> connections;

__attribute__((noinline)) void
count(counter *self, void *)
{
    self->calls++;
}

void
open(std::size_t n)
{
    news = new signal;
    connections.resize(n);
    for (std::size_t i = 0; i < n; i++)
        counters.push_back(boost::make_shared<counter>());
}

void *
connect(std::size_t i)
{
    signal::slot_type slot(listener { count, counters[i].get() });

    connections[i] = news->connect(slot.track(counters[i]));
    return &connections[i];
}

void
disconnect(void *listener)
{
    static_cast<boost::signals2::connection *>(listener)->disconnect();
}

void
emit(std::size_t times)
{
    for (std::size_t i = 0; i < times; i++)
        (*news)(news);
}

std::size_t
calls()
{
    std::size_t sum = 0;

    for (const auto &c : counters)
        sum += c->calls;
    return sum;
}

}

const struct peer peer_boost = { open, connect, disconnect, emit, calls };

const char version_boost[] = "Boost.Signals2 " BOOST_LIB_VERSION;
