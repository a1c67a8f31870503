/* SPDX-License-Identifier: MIT
 *
 * Where a dump goes: MEMPROF_OUT's %-sequences, missing directories, a temporary name beside the
 * target (mode 0600, O_EXCL, O_NOFOLLOW, O_CLOEXEC), renamed into place when it is whole. Allocates
 * nothing; one thread at a time.
 */
#ifndef PRELOAD_OUTFILE_H
#define PRELOAD_OUTFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "sys.h"

#define OUTFILE_PATH_MAX 4096

struct outfile {
    char path[OUTFILE_PATH_MAX];
    char temporary[OUTFILE_PATH_MAX];
    int pid; /* of the process that writes, for the temporary name */
    int fd;
    struct sys_identity identity; /* of the file that it was opened as */
};

/* What the name depends on. */
struct outfile_name {
    const char *pattern;
    const char *exe; /* path; its base name is used */
    const char *cwd; /* relative patterns start here; "": as they are */
    const char *hostname;
    int64_t start_seconds;
    int pid;
    int writer; /* who writes, for the temporary name, if it is another process; 0: it is not */
    uint32_t sequence;
    bool descendant;   /* without %p in the pattern, ".PID" goes before the extension */
    uint32_t replaced; /* not 0: ".execN" goes before the extension: this image of the process is
                          about to be replaced by another, whose dump has the plain name */
};

/* Expands NAME into O's path. Returns 0, -ENAMETOOLONG, or -EISDIR: it ends in a slash. */
int outfile_name(struct outfile *o, const struct outfile_name *name);

/* Creates the temporary file and any missing directory. Returns 0 or a negative errno; -EISDIR:
 * the target is a directory; -EEXIST: it is there and is no regular file either. */
int outfile_open(struct outfile *o);

/* Removes the temporary file that the process with O's number has left under this name. Returns
 * whether there is a file of the name itself. */
bool outfile_clear(struct outfile *o);

/* Closes the file. -EBADF: the program has done so, and what has the number now is left alone. */
int outfile_close(struct outfile *o);

/* Closes the file and renames it into place, if ERROR, what happened while writing, is 0; otherwise
 * removes it. Returns the first error. */
int outfile_finish(struct outfile *o, int error);

/* The second half of it, once the file is closed. With KEEP_OTHERS a file that has the name already
 * is left alone: -EEXIST, and the temporary file waits for another name, or an ERROR. */
int outfile_place(struct outfile *o, int error, bool keep_others);

#endif
