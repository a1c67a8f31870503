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
    o->file = fchmod(fd, mode) ? NULL : fdopen(fd, "w");
    if (o->file)
        return 0;
    error_set(error, "cannot be written: %s", strerror(errno));
    close(fd);
    return -1;
}

int out_open(struct out *o, const char *path, struct error *error)
{
    struct stat st;
    int result = 0;
    o->file = NULL;
    o->target = o->temporary = NULL;
    if (!path) {
        o->file = stdout;
    } else {
        bool exists = stat(path, &st) == 0;
        /* A link stays a link: its target is replaced. */
        o->target = exists ? realpath(path, NULL) : NULL;
        if (!o->target)
            o->target = mem_strdup(path);
        if (exists && !S_ISREG(st.st_mode)) {
            o->file = S_ISDIR(st.st_mode) ? NULL : fopen(path, "we");
            if (!o->file)
                result = error_set(error, "cannot be written: %s",
                                   strerror(S_ISDIR(st.st_mode) ? EISDIR : errno));
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
    errno = 0;
    bad = fflush(o->file) != 0 || bad;
    bad = fclose(o->file) != 0 || bad;
    o->file = NULL;
    if (bad)
        result = error_set(error, "cannot be written: %s", strerror(errno ? errno : EIO));
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
