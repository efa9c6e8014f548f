"""peers-python.py: weakref, with its dictionaries, and atexit of CPython.

    python3 peers-python.py JOB SIZE THREADS HANDLES

A job is a generator: it sets up, and from then on each step of it is a sample,
of which it yields the numbers.  See measure.c for how the benchmark talks to
this program.
"""

import atexit
import gc
import itertools
import os
import platform
import random
import sys
import weakref
from time import perf_counter_ns as now

FURTHER = 7
READS = 100000
LEAST = 10000           # at least so many of a job are counted in a sample


class Target:
    """What is referred to."""

    __slots__ = ('__weakref__',)

    def method(self):
        """Does nothing: only the call is measured."""


class Random(random.Random):
    """Always the same order."""

    def __init__(self):
        super().__init__(1)


def shuffled(values):
    values = list(values)
    Random().shuffle(values)
    return values


def read(n):
    refs = shuffled([weakref.ref(t) for t in keep(n)])
    while True:
        count = 0
        begin = now()
        for ref in itertools.islice(itertools.cycle(refs), READS):
            if ref() is not None:
                count += 1
        took = now() - begin
        assert count == READS
        yield [took / READS]


kept = []


def keep(n):
    """n targets that live until the next ones are made."""
    kept[:] = [Target() for _ in range(n)]
    return kept


def time_make(new, targets):
    begin = now()
    made = [new(t) for t in targets]
    return made, (now() - begin) / len(targets)


def create(n, new):
    while True:
        targets = keep(n)
        further = [t for t in targets for _ in range(FURTHER)]
        in_random_order = shuffled(further)
        made_first, first = time_make(new, targets)
        made_in_turn, in_turn = time_make(new, further)
        made_at_random, at_random = time_make(new, in_random_order)
        del made_first, made_in_turn, made_at_random
        yield [first, in_turn, at_random]


def create_ref(n):
    return create(n, weakref.ref)


def create_method(n):
    return create(n, lambda t: weakref.WeakMethod(t.method))


def method(n):
    target, = keep(1)
    weak = weakref.WeakMethod(target.method)
    while True:
        begin = now()
        for _ in range(READS):
            weak()()
        yield [(now() - begin) / READS]


def deaths(n, watch):
    """From the first drop to the last callback.  The dead are counted, as
    everywhere."""
    died = 0

    def count(*_):
        nonlocal died
        died += 1

    while True:
        died = 0
        targets = [Target() for _ in range(n)]
        watchers = [watch(t, count) for t in targets]
        begin = now()
        del targets
        gc.collect()
        took = now() - begin
        assert died == n
        del watchers
        yield [took]


def deaths_ref(n):
    return deaths(n, weakref.ref)


def deaths_finalize(n):
    return deaths(n, weakref.finalize)


def exit_run(n):
    """Registering and running; what was registered before is run first."""
    ran = 0

    def count():
        nonlocal ran
        ran += 1

    times = max(1, LEAST // n)
    atexit._run_exitfuncs()
    while True:
        register = run = ran = 0
        for _ in range(times):
            begin = now()
            for _ in range(n):
                atexit.register(count)
            middle = now()
            atexit._run_exitfuncs()
            run += now() - middle
            register += middle - begin
        assert ran == n * times
        count_all = n * times
        yield [register / count_all, 'nan', 'nan', run / count_all]


def exit_unregister(n):
    """Each handler is a function of its own, as a handle would be."""
    while True:
        functions = [lambda i=i: i for i in range(n)]
        begin = now()
        for fn in functions:
            atexit.register(fn)
        register = (now() - begin) / n
        functions = shuffled(functions)
        begin = now()
        for fn in functions:
            atexit.unregister(fn)
        unregister = (now() - begin) / n
        atexit._run_exitfuncs()
        yield ['nan', unregister, register + unregister]


def resident():
    with open('/proc/self/statm', encoding='ascii') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGESIZE')


def memory(n, new):
    """Once only: what is given back stays with the process."""
    targets = keep(n)
    handles = [1] * n
    gc.collect()
    before = resident()
    for i, target in enumerate(targets):
        handles[i] = new(target)
    gc.collect()
    grown = (resident() - before) / n
    while True:
        yield [grown]


def memory_ref(n):
    return memory(n, weakref.ref)


def memory_method(n):
    return memory(n, lambda t: weakref.WeakMethod(t.method))


def memory_exit(n):
    return memory(n, lambda t: atexit.register(print))


def new_map(keys, values):
    made = weakref.WeakKeyDictionary()
    for key, value in zip(keys, values):
        made[key] = value
    return made


def time_uses(objects, use):
    begin = now()
    for key in itertools.islice(itertools.cycle(objects), READS):
        use(key)
    return (now() - begin) / READS


def map_use(n):
    in_order = keep(n)
    others = shuffled([Target() for _ in range(n)])
    made = new_map(in_order, [Target() for _ in range(n)])
    keys = shuffled(in_order)
    value = Target()
    while True:
        begin = now()
        for key in itertools.islice(itertools.cycle(keys), READS):
            made[key] = value
        replace = (now() - begin) / READS
        yield [time_uses(keys, made.get), time_uses(others, made.get), replace,
               time_uses(keys, lambda key: made.setdefault(key, value))]


def map_make(n):
    keys = keep(n)
    values = [Target() for _ in range(n)]
    at_random = shuffled(keys)
    times = max(1, LEAST // n)
    while True:
        put = remove = 0
        for _ in range(times):
            begin = now()
            made = new_map(keys, values)
            middle = now()
            for key in at_random:
                del made[key]
            remove += now() - middle
            put += middle - begin
        yield [put / (times * n), remove / (times * n)]


def map_memory(n):
    """Once only, as above."""
    keys = keep(n)
    values = [Target() for _ in range(n)]
    gc.collect()
    before = resident()
    made = new_map(keys, values)
    gc.collect()
    grown = (resident() - before) / n
    assert len(made) == n
    while True:
        yield [grown]


def map_churn(n):
    """The value leads nowhere: with one that leads to its key the entry would
    stay for ever."""
    steps = max(LEAST, 2 * n)
    while True:
        made = weakref.WeakKeyDictionary()
        keys = [None] * n
        for i in range(-n, steps):
            if i == 0:
                begin = now()
            key = Target()
            keys[i % n] = key
            made[key] = Target()
        yield [(now() - begin) / steps]


JOBS = {
    'read': read,
    'create-ref': create_ref,
    'create-method': create_method,
    'method': method,
    'deaths-ref': deaths_ref,
    'deaths-finalize': deaths_finalize,
    'exit': exit_run,
    'exit-unregister': exit_unregister,
    'memory-ref': memory_ref,
    'memory-method': memory_method,
    'memory-exit': memory_exit,
    'map-use': map_use,
    'map-make': map_make,
    'map-memory': map_memory,
    'map-churn': map_churn,
}


def main():
    job = sys.argv[1]
    if job == 'version':
        print(platform.python_implementation(), platform.python_version())
        return
    samples = JOBS[job](int(sys.argv[2]))
    next(samples)
    print('ready', flush=True)
    for _ in sys.stdin:
        print(*next(samples), flush=True)
    os._exit(0)


main()
