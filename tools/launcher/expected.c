/* SPDX-License-Identifier: MIT */
#include "expected.h"

#include "die.h"

#include <stdlib.h>
#include <string.h>

#define WILL_FAIL "MEMPROF_CHECK_WILL_FAIL"
#define SKIP "MEMPROF_CHECK_SKIP_STATUS"

#define MOST 255
#define OTHERWISE 3 /* where the judge's status means that a test was skipped */

static int parse_status(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 0 || n > MOST)
        die("'" SKIP "=%s': expected an exit status, 0 to 255", text);
    return (int)n;
}

struct expected expected_take(void)
{
    const char *failure = getenv(WILL_FAIL), *skip = getenv(SKIP);
    struct expected e = {.failure = failure && *failure && strcmp(failure, "0") != 0,
                         .skip = skip && *skip ? parse_status(skip) : -1};
    unsetenv(WILL_FAIL);
    unsetenv(SKIP);
    return e;
}

int expected_status(const struct expected *e, int program, int judge)
{
    if (program == e->skip)
        return program;
    if (e->failure)
        return program && !judge ? program : 0;
    if (program)
        return program;
    return judge && judge == e->skip ? OTHERWISE : judge;
}
