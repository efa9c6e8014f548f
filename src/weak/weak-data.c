/* weak-data.c: the address that stands for data that is held weakly.  Nothing
 * lies there. */
#include <config.h>
#include "weak/method.h"

char gcw__data_is_weak;
