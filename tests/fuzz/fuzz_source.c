/* SPDX-License-Identifier: MIT
 *
 * Bytes as a source file: every line is read as a table shows it, and the functions' ends are
 * looked for. What is shown is plain text of one line.
 */
#include "braces.h"
#include "file.h"
#include "fuzz.h"
#include "plain.h"
#include "source.h"

#include <stdlib.h>

#define MAX_SIZE (4 << 10) /* what a function may be */
#define FIXED_BYTES ((size_t)16 << 10)
#define MAX_LINES 50

int fuzz_one(const uint8_t *data, size_t size)
{
    if (size > MAX_SIZE)
        return -1;
    const char *path = file_of_bytes(data, size);
    struct sources *s = sources_new();
    if (!s || !sources_readable(s, path))
        abort();
    uint32_t n = sources_line_count(s, path);
    if (n > size)
        abort();
    for (uint32_t i = 1; i <= n && i <= MAX_LINES; i++) {
        const char *line = sources_line(s, path, i);
        size_t left;
        const char *text = sources_text(s, path, i, &left);
        if (!line || !plain_text(line) || !text || left > size)
            abort();
        for (int language = BRACES_C; language <= BRACES_RUST; language++) {
            uint32_t last = braces_last_line((enum braces_language)language, text, left, i, i);
            if (last && (last < i || last > n))
                abort();
        }
    }
    if (sources_line(s, path, 0) || sources_line(s, path, n + 1))
        abort();
    sources_free(s);
    return 0;
}

size_t fuzz_memory(const uint8_t *data, size_t size)
{
    (void)data;
    return fuzz_memory_within(size, FIXED_BYTES);
}
