/* cpp.h: what the tests in C++ share: all of support.h, as C++ can read it.
 *
 * A test begins as one in C does, with TEST or END; a failing assertion jumps
 * out of it, and runs no destructors. */
#ifndef CPP_H
#define CPP_H

/* For the macros of C, which begin tests and make assertions. */
#pragma GCC system_header

#include <gcweak/gcweak.hpp>

extern "C" {
#include "readable.h"
#include "support.h"
#include "thread.h"
}

// Of cmocka, where members have that name here.
#undef fail

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <system_error>

// The errno that a call throws; 0 if it throws none.
template <class Call>
inline int
thrown(Call call)
{
    try {
        call();
    } catch (const std::system_error &e) {
        return e.code().category() == std::generic_category()
               ? e.code().value() : -1;
    } catch (const std::bad_alloc &) {
        return ENOMEM;
    }
    return 0;
}

#endif
