/* SPDX-License-Identifier: MIT
 *
 * api PATH: uses the client API. Prints what memprof_recording and memprof_dump return: the dump
 * goes to PATH, while 3 blocks of 100 bytes are live, then once more, to where MEMPROF_OUT says. */
#include "counted.h"

#include <errno.h>
#include <memprof/memprof.h>

int main(int argc, char **argv)
{
    char text[100];
    if (argc < 2)
        return 2;
    counted_keep(3, 100);
    errno = EDOM;
    int first = memprof_dump(argv[1]);
    int kept = errno == EDOM;
    counted_keep(4, 10);
    int second = memprof_dump(NULL);
    int n = snprintf(text, sizeof text, "recording %d, dump %d, dump %d, errno kept %d\n",
                     memprof_recording(), first, second, kept);
    return write(1, text, (size_t)n) != n;
}
