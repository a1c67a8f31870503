/* SPDX-License-Identifier: MIT */
#include "out.h"
#include "fifo.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For the tool's early ends (die.h): the files that are being written. */
static struct out *unfinished;

static void remove_unfinished(void)
{
    for (const struct out *o = unfinished; o; o = o->next_unfinished)
        unlink(o->temporary);
}

/* O's temporary file is in its place, or is to be removed. Returns whether it was there. */
static bool forget_unfinished(const struct out *o)
{
    struct out **link = &unfinished;
    while (*link && *link != o)
        link = &(*link)->next_unfinished;
    if (!*link)
        return false;
    *link = o->next_unfinished;
    return true;
}

bool out_is_input(const char *output, const char *input)
{
    struct stat out, in;
    if (stat(output, &out) || !S_ISREG(out.st_mode))
        return false;
    if (strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, &in) : stat(input, &in))
        return false;
    return out.st_dev == in.st_dev && out.st_ino == in.st_ino;
}

static mode_t usual_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Streams of stdio's own forget what went wrong. */
static ssize_t sink_write(void *cookie, const char *data, size_t size)
{
    struct out *o = cookie;
    for (size_t done = 0; done < size;) {
        ssize_t n = write(o->fd, data + done, size - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            o->write_error = o->write_error ? o->write_error : n == 0 ? EIO : errno;
            return 0;
        }
    }
    return (ssize_t)size;
}

static int sink_close(void *cookie)
{
    struct out *o = cookie;
    int result = close(o->fd);
    if (result)
        o->write_error = o->write_error ? o->write_error : errno;
    return result;
}

/* A stream that writes to FD and closes it; FD is closed on failure, too. */
static FILE *sink_open(struct out *o, int fd)
{
    o->fd = fd;
    o->write_error = 0;
    FILE *file =
        fopencookie(o, "w", (cookie_io_functions_t){.write = sink_write, .close = sink_close});
    if (!file)
        close(fd);
    return file;
}

/* Opens the temporary file beside o->target. */
static int open_temporary(struct out *o, mode_t mode, struct error *error)
{
    static bool registered;
    size_t size = strlen(o->target) + sizeof ".XXXXXX";
    o->temporary = mem_alloc(size);
    snprintf(o->temporary, size, "%s.XXXXXX", o->target);
    int fd = mkostemp(o->temporary, O_CLOEXEC);
    if (fd < 0)
        return error_set(error, "cannot be written: %s", strerror(errno));
    o->next_unfinished = unfinished;
    unfinished = o;
    if (!registered)
        registered = atexit(remove_unfinished) == 0;
    if (fchmod(fd, mode)) {
        error_set(error, "cannot be written: %s", strerror(errno));
        close(fd);
        return -1;
    }
    o->file = sink_open(o, fd);
    return o->file ? 0 : error_set(error, "cannot be written: %s", strerror(errno));
}

/* Opens PATH, which is not a regular file. */
static int open_in_place(struct out *o, const char *path, bool fifo, struct error *error)
{
    const int fd = fifo ? fifo_open_to_write(path)
                        : open(path, O_WRONLY | O_TRUNC | O_CLOEXEC); /* EISDIR, if it is one */
    o->file = fd < 0 ? NULL : sink_open(o, fd);
    if (o->file)
        return 0;
    if (fifo && errno == ENXIO)
        return error_set(error,
                         "is a FIFO that nobody opened to read within %d seconds, expected one "
                         "with a reader",
                         FIFO_PATIENCE);
    return error_set(error, "cannot be written: %s", strerror(errno));
}

int out_open(struct out *o, const char *path, struct error *error)
{
    struct stat st;
    int result = 0;
    o->file = NULL;
    o->target = o->temporary = NULL;
    if (!path) {
        o->file = sink_open(o, STDOUT_FILENO);
        if (!o->file)
            result = error_set(error, "cannot be written: %s", strerror(errno));
    } else {
        bool exists = stat(path, &st) == 0;
        /* A link stays a link: its target is replaced. */
        o->target = exists ? realpath(path, NULL) : NULL;
        if (!o->target)
            o->target = mem_strdup(path);
        if (exists && !S_ISREG(st.st_mode)) {
            result = open_in_place(o, path, S_ISFIFO(st.st_mode), error);
        } else {
            result = open_temporary(o, exists ? st.st_mode & 0777 : usual_mode(), error);
        }
    }
    if (result)
        out_discard(o);
    o->json = (struct json_writer){.file = o->file};
    return result;
}

int out_commit(struct out *o, struct error *error)
{
    int result = 0;
    bool bad = ferror(o->file) != 0;
    bad = fclose(o->file) != 0 || bad;
    o->file = NULL;
    if (bad || o->write_error)
        result = error_set(error, "cannot be written: %s",
                           strerror(o->write_error ? o->write_error : EIO));
    else if (o->temporary && rename(o->temporary, o->target))
        result = error_set(error, "cannot be written: %s", strerror(errno));
    else
        forget_unfinished(o);
    out_discard(o);
    return result;
}

void out_discard(struct out *o)
{
    if (o->file)
        fclose(o->file);
    o->file = NULL;
    if (forget_unfinished(o) && o->temporary)
        unlink(o->temporary);
    free(o->temporary);
    free(o->target);
    o->temporary = o->target = NULL;
}
