/* main.c: the main function of test programs that have none; see test.h. */
#include "support.h"

int
main(int argc, char **argv)
{
    return test_main(argc, argv, NULL, 0, NULL);
}
