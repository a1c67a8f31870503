/* SPDX-License-Identifier: MIT */
#include "sample_dump.h"

#include "test.h"

char *sample_dump_spoilt(const char *wanted, const char *replacement)
{
    const char *at = strstr(SAMPLE_DUMP, wanted);
    if (!at)
        fail_msg("'%s' is not in the sample", wanted);
    size_t size = strlen(SAMPLE_DUMP) + strlen(replacement) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    snprintf(text, size, "%.*s%s%s", (int)(at - SAMPLE_DUMP), SAMPLE_DUMP, replacement,
             at + strlen(wanted));
    return text;
}
