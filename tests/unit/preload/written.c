/* SPDX-License-Identifier: MIT */
#include "written.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct json written;
static int file = -1;

void written_begin(void)
{
    file = memfd_create("json", MFD_CLOEXEC);
    assert_true(file >= 0);
    json_begin(&written, file);
}

char *written_end(size_t *size)
{
    assert_int_equal(json_end(&written), 0);
    *size = (size_t)lseek(file, 0, SEEK_CUR);
    char *text = malloc(*size + 1);
    assert_non_null(text);
    assert_int_equal(pread(file, text, *size, 0), *size);
    text[*size] = '\0';
    close(file);
    return text;
}

json_t *written_parse(void)
{
    size_t size;
    char *text = written_end(&size);
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        fail_msg("byte %d: %s", error.position, error.text);
    }
    free(text);
    return value;
}
