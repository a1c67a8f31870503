/* SPDX-License-Identifier: MIT
 *
 * replay FILE..: feeds each file to the fuzz target that it is linked with, for compilers without
 * libFuzzer and for every run of the tests.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, n = 0;
    if (!f)
        return -1;
    do {
        uint8_t *grown = realloc(data, size + BUFSIZ);
        if (!grown)
            break;
        data = grown;
        n = fread(data + size, 1, BUFSIZ, f);
        size += n;
    } while (n > 0);
    int result = ferror(f) || !data ? -1 : LLVMFuzzerTestOneInput(data, size);
    free(data);
    fclose(f);
    return result;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("replay: no file is named, expected some\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        if (replay(argv[i])) {
            fprintf(stderr, "replay: '%s': cannot be replayed\n", argv[i]);
            return 2;
        }
    }
    return 0;
}
