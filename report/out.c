/* SPDX-License-Identifier: MIT */
#include "out.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For the tool's early ends (die.h): the file that is being written. */
static char *unfinished;

static void remove_unfinished(void)
{
    if (unfinished)
        unlink(unfinished);
}

static mode_t usual_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* What is written to, and what went wrong first: a stream of stdio's own forgets. */
static struct {
    int fd, error;
} sink;

static ssize_t sink_write(void *cookie, const char *data, size_t size)
{
    (void)cookie;
    for (size_t done = 0; done < size;) {
        ssize_t n = write(sink.fd, data + done, size - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            sink.error = sink.error ? sink.error : n == 0 ? EIO : errno;
            return 0;
        }
    }
    return (ssize_t)size;
}

static int sink_close(void *cookie)
{
    (void)cookie;
    int result = close(sink.fd);
    if (result)
        sink.error = sink.error ? sink.error : errno;
    return result;
}

/* A stream that writes to FD and closes it; FD is closed on failure, too. */
static FILE *sink_open(int fd)
{
    sink.fd = fd;
    sink.error = 0;
    FILE *file =
        fopencookie(NULL, "w", (cookie_io_functions_t){.write = sink_write, .close = sink_close});
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
    unfinished = o->temporary;
    if (!registered)
        registered = atexit(remove_unfinished) == 0;
    if (fchmod(fd, mode)) {
        error_set(error, "cannot be written: %s", strerror(errno));
        close(fd);
        return -1;
    }
    o->file = sink_open(fd);
    return o->file ? 0 : error_set(error, "cannot be written: %s", strerror(errno));
}

int out_open(struct out *o, const char *path, struct error *error)
{
    struct stat st;
    int result = 0;
    o->file = NULL;
    o->target = o->temporary = NULL;
    if (!path) {
        o->file = sink_open(STDOUT_FILENO);
        if (!o->file)
            result = error_set(error, "cannot be written: %s", strerror(errno));
    } else {
        bool exists = stat(path, &st) == 0;
        /* A link stays a link: its target is replaced. */
        o->target = exists ? realpath(path, NULL) : NULL;
        if (!o->target)
            o->target = mem_strdup(path);
        if (exists && !S_ISREG(st.st_mode)) {
            int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC); /* EISDIR, if it is one */
            o->file = fd < 0 ? NULL : sink_open(fd);
            if (!o->file)
                result = error_set(error, "cannot be written: %s", strerror(errno));
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
    if (bad || sink.error)
        result = error_set(error, "cannot be written: %s", strerror(sink.error ? sink.error : EIO));
    else if (o->temporary && rename(o->temporary, o->target))
        result = error_set(error, "cannot be written: %s", strerror(errno));
    else
        unfinished = NULL;
    out_discard(o);
    return result;
}

void out_discard(struct out *o)
{
    if (o->file)
        fclose(o->file);
    o->file = NULL;
    remove_unfinished();
    unfinished = NULL;
    free(o->temporary);
    free(o->target);
    o->temporary = o->target = NULL;
}
