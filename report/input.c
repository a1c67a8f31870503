/* SPDX-License-Identifier: MIT */
#include "input.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef MEMPROF_ZSTD
#include <zstd.h>
#endif

/* A dump is text that repeats itself, but hardly more than this often. */
#define MAX_RATIO 200
#define MAX_FREE ((size_t)64 << 20) /* allowed whatever the ratio */

static int check_kind(int fd, struct error *error)
{
    struct stat st;
    if (fstat(fd, &st))
        return error_set(error, "cannot be read: %s", strerror(errno));
    if (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
        return 0;
    return error_set(error, "is a %s, expected a memprof dump",
                     S_ISDIR(st.st_mode) ? "directory" : "device");
}

static int read_all(int fd, char **data, size_t *size, struct error *error)
{
    char *buffer = NULL;
    size_t used = 0, capacity = 0;
    for (;;) {
        buffer = mem_grow(buffer, &capacity, used + ((size_t)64 << 10), 1);
        ssize_t got = read(fd, buffer + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || used > INPUT_MAX_BYTES) {
            if (got < 0)
                error_set(error, "cannot be read: %s", strerror(errno));
            else
                error_set(error, "is larger than %zu bytes, too large for a memprof dump",
                          INPUT_MAX_BYTES);
            free(buffer);
            return -1;
        }
        if (got == 0)
            break;
        used += (size_t)got;
    }
    *data = buffer;
    *size = used;
    return 0;
}

#ifdef MEMPROF_ZSTD
static int decompress(const char *data, size_t size, char **out, size_t *out_size,
                      struct error *error)
{
    size_t limit = MAX_FREE + (size < INPUT_MAX_BYTES / MAX_RATIO ? size * MAX_RATIO : 0);
    if (limit > INPUT_MAX_BYTES || size >= INPUT_MAX_BYTES / MAX_RATIO)
        limit = INPUT_MAX_BYTES;
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (!stream)
        return error_set(error, "out of memory");
    char *buffer = NULL;
    size_t capacity = 0, pending = 1;
    ZSTD_inBuffer in = {data, size, 0};
    ZSTD_outBuffer to = {NULL, 0, 0};
    /* Ends when the input is used up and what it held has all come out. */
    while (in.pos < in.size || to.pos == to.size) {
        to.dst = buffer = mem_grow(buffer, &capacity, to.pos + ZSTD_DStreamOutSize(), 1);
        to.size = capacity;
        size_t before = to.pos, read_before = in.pos;
        pending = ZSTD_decompressStream(stream, &to, &in);
        if (ZSTD_isError(pending)) {
            error_set(error, "byte %zu: damaged zstd data: %s", in.pos, ZSTD_getErrorName(pending));
            break;
        }
        if (to.pos > limit) {
            error_set(error, "decompresses to more than %zu bytes, too large for a memprof dump",
                      limit);
            break;
        }
        if (to.pos == before && in.pos == read_before)
            break;
    }
    ZSTD_freeDStream(stream);
    if (pending != 0)
        error_set(error, "byte %zu: the zstd data end too early", in.pos);
    if (error->text[0]) {
        free(buffer);
        return -1;
    }
    *out = buffer;
    *out_size = to.pos;
    return 0;
}
#else
static int decompress(const char *data, size_t size, char **out, size_t *out_size,
                      struct error *error)
{
    (void)data, (void)size, (void)out, (void)out_size;
    return error_set(error, "is compressed with zstd, expected plain JSON: this memprof-report was "
                            "built without libzstd");
}
#endif

int input_read(const char *path, char **data, size_t *size, struct error *error)
{
    static const char magic[4] = {'\x28', '\xb5', '\x2f', '\xfd'};
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_set(error, "cannot be opened: %s", strerror(errno));
    int result = check_kind(fd, error);
    if (result == 0)
        result = read_all(fd, data, size, error);
    if (!standard)
        close(fd);
    if (result || *size < sizeof magic || memcmp(*data, magic, sizeof magic) != 0)
        return result;
    char *compressed = *data;
    result = decompress(compressed, *size, data, size, error);
    free(compressed);
    return result;
}
