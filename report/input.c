/* SPDX-License-Identifier: MIT */
#include "input.h"
#include "fifo.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef MEMPROF_ZSTD
#include <zstd.h>
#endif

#define CHUNK (MEM_CHUNK / 2)

/* A dump is text that repeats itself, but hardly more than this often. */
#define MAX_RATIO 200
#define MAX_FREE ((size_t)64 << 20) /* allowed whatever the ratio */

struct input {
    int fd; /* -1: memory */
    bool standard;
    bool fifo;                 /* that was opened by its name */
    bool silent;               /* and that nobody wrote to for so long */
    bool compressed, finished; /* the last frame of zstd is complete */
    uint64_t total;            /* of the file; 0: not known */
    uint64_t read, given;      /* bytes that came from the file, and that went to the caller */
    input_progress *progress;
    void *progress_arg;
    /* What was read and not yet given or decompressed. */
    const char *pending;
    size_t npending;
    void *stream;           /* zstd's */
    char ahead[INPUT_PEEK]; /* what input_peek took: the bytes from BEHIND up to AHEAD_END */
    size_t behind, ahead_end;
    char chunk[];
};

static int check_kind(struct input *in, struct error *error)
{
    struct stat st;
    if (fstat(in->fd, &st))
        return error_set(error, "cannot be read: %s", strerror(errno));
    if (S_ISREG(st.st_mode))
        in->total = (uint64_t)st.st_size;
    in->fifo = S_ISFIFO(st.st_mode) && !in->standard;
    if (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
        return 0;
    return error_set(error, "is a %s, expected a memprof dump",
                     S_ISDIR(st.st_mode) ? "directory" : "device");
}

/* Waits until there is something to read, or nobody is left to write it. Returns whether TIMEOUT
 * (in milliseconds, -1: none) passed before. */
static bool await(const struct input *in, int timeout)
{
    struct pollfd p = {.fd = in->fd, .events = POLLIN};
    return poll(&p, 1, timeout) == 0;
}

/* Reads into BUFFER from the file itself. */
static ssize_t read_file(struct input *in, char *buffer, size_t size, struct error *error)
{
    ssize_t got;
    while ((got = read(in->fd, buffer, size)) < 0 && (errno == EINTR || errno == EAGAIN))
        if (errno == EAGAIN)
            await(in, -1);
    if (got < 0)
        return error_set(error, "cannot be read: %s", strerror(errno));
    if (got == 0 && in->read == 0 && in->silent)
        return error_set(error,
                         "is a FIFO that nobody opened to write within %d seconds, expected "
                         "one with a writer",
                         FIFO_PATIENCE);
    in->read += (uint64_t)got;
    if (in->read > INPUT_MAX_BYTES)
        return error_set(error, "is larger than %zu bytes, too large for a memprof dump",
                         INPUT_MAX_BYTES);
    if (in->progress)
        in->progress(in->progress_arg, in->read, in->total);
    return got;
}

/* Refills what is pending, which is used up, as far as there is something: a pipe may bring it in
 * small pieces. */
static int read_chunk(struct input *in, struct error *error)
{
    in->pending = in->chunk;
    in->npending = 0;
    while (in->npending < CHUNK) {
        ssize_t got = read_file(in, in->chunk + in->npending, CHUNK - in->npending, error);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        in->npending += (size_t)got;
    }
    return 0;
}

#ifdef MEMPROF_ZSTD
static int start_decompressing(struct input *in, struct error *error)
{
    in->compressed = true;
    in->stream = ZSTD_createDStream();
    return in->stream ? 0 : error_set(error, "out of memory");
}

/* What the compressed bytes read so far may become. */
static uint64_t limit_of(const struct input *in)
{
    uint64_t limit = MAX_FREE + in->read * MAX_RATIO;
    return limit < INPUT_MAX_BYTES ? limit : INPUT_MAX_BYTES;
}

static ssize_t decompress(struct input *in, char *buffer, size_t size, struct error *error)
{
    ZSTD_outBuffer to = {buffer, size, 0};
    while (to.pos == 0) {
        if (in->npending == 0 && read_chunk(in, error))
            return -1;
        /* At the end of the input there may still be something inside the decompressor. */
        ZSTD_inBuffer from = {in->pending, in->npending, 0};
        size_t left = ZSTD_decompressStream(in->stream, &to, &from);
        in->pending += from.pos;
        in->npending -= from.pos;
        if (ZSTD_isError(left))
            return error_set(error, "byte %llu: damaged zstd data: %s",
                             (unsigned long long)(in->read - in->npending),
                             ZSTD_getErrorName(left));
        if (from.size > 0)
            in->finished = left == 0;
        if (from.size == 0 && to.pos == 0)
            break;
    }
    in->given += to.pos;
    if (in->given > limit_of(in))
        return error_set(error,
                         "decompresses to more than %llu bytes, too large for a memprof dump",
                         (unsigned long long)limit_of(in));
    if (to.pos == 0 && !in->finished)
        return error_set(error, "byte %llu: the zstd data end too early",
                         (unsigned long long)in->read);
    return (ssize_t)to.pos;
}

static void stop_decompressing(struct input *in)
{
    ZSTD_freeDStream(in->stream);
}
#else
static int start_decompressing(struct input *in, struct error *error)
{
    (void)in;
    return error_set(error, "is compressed with zstd, expected plain JSON: this memprof-report was "
                            "built without libzstd");
}

static ssize_t decompress(struct input *in, char *buffer, size_t size, struct error *error)
{
    (void)in, (void)buffer, (void)size, (void)error;
    return -1;
}

static void stop_decompressing(struct input *in)
{
    (void)in;
}
#endif

/* Opens the file and looks at how it begins. */
static int start(struct input *in, const char *path, struct error *error)
{
    static const char magic[4] = {'\x28', '\xb5', '\x2f', '\xfd'};
    in->standard = strcmp(path, "-") == 0;
    /* Opened without O_NONBLOCK, a FIFO would wait for its writer for ever. */
    in->fd = in->standard ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (in->fd < 0)
        return error_set(error, "cannot be opened: %s", strerror(errno));
    if (check_kind(in, error))
        return -1;
    in->silent = in->fifo && await(in, FIFO_PATIENCE * 1000);
    if (read_chunk(in, error))
        return -1;
    if (in->npending >= sizeof magic && memcmp(in->pending, magic, sizeof magic) == 0)
        return start_decompressing(in, error);
    return 0;
}

struct input *input_open(const char *path, input_progress *progress, void *arg, struct error *error)
{
    struct input *in = mem_alloc(sizeof *in + CHUNK);
    *in = (struct input){.progress = progress, .progress_arg = arg};
    if (start(in, path, error) == 0)
        return in;
    input_close(in);
    return NULL;
}

struct input *input_memory(const char *data, size_t size)
{
    struct input *in = mem_alloc(sizeof *in);
    *in = (struct input){.fd = -1, .pending = data, .npending = size};
    return in;
}

ssize_t input_peek(struct input *in, char *buffer, size_t size, struct error *error)
{
    /* What is read comes in pieces, of compressed data in small ones. */
    while (in->ahead_end - in->behind < size && in->ahead_end < INPUT_PEEK) {
        char piece[INPUT_PEEK];
        size_t behind = in->behind, end = in->ahead_end;
        in->behind = in->ahead_end = 0; /* what is ahead is not read again */
        ssize_t got = input_read(in, piece, INPUT_PEEK - end, error);
        in->behind = behind;
        in->ahead_end = end;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        memcpy(in->ahead + end, piece, (size_t)got);
        in->ahead_end += (size_t)got;
    }
    size_t n = in->ahead_end - in->behind < size ? in->ahead_end - in->behind : size;
    memcpy(buffer, in->ahead + in->behind, n);
    return (ssize_t)n;
}

ssize_t input_read(struct input *in, char *buffer, size_t size, struct error *error)
{
    if (in->behind < in->ahead_end) {
        size_t held = in->ahead_end - in->behind, n = held < size ? held : size;
        memcpy(buffer, in->ahead + in->behind, n);
        in->behind += n;
        return (ssize_t)n;
    }
    if (in->compressed)
        return decompress(in, buffer, size, error);
    if (in->npending == 0)
        return in->fd < 0 ? 0 : read_file(in, buffer, size, error);
    size_t n = in->npending < size ? in->npending : size;
    memcpy(buffer, in->pending, n);
    in->pending += n;
    in->npending -= n;
    return (ssize_t)n;
}

void input_close(struct input *in)
{
    if (!in)
        return;
    stop_decompressing(in);
    if (in->fd >= 0 && !in->standard)
        close(in->fd);
    free(in);
}
