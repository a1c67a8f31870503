/* SPDX-License-Identifier: MIT */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "arch.h"
#include "sys.h"
#include "text.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Expands the %-sequences; says in *HAS_PID whether %p was among them. */
static void expand(struct text *t, const struct outfile_name *name, bool *has_pid)
{
    for (const char *p = name->pattern; *p; p++) {
        if (*p != '%' || !p[1]) {
            text_char(t, *p);
            continue;
        }
        switch (*++p) {
        case 'p':
            text_number(t, (uint64_t)name->pid);
            *has_pid = true;
            break;
        case 'e':
            text_string(t, base_name(name->exe));
            break;
        case 'h':
            text_string(t, name->hostname);
            break;
        case 'n':
            text_number(t, name->sequence);
            break;
        case 't':
            text_number(t, (uint64_t)name->start_seconds);
            break;
        default:
            text_char(t, *p);
        }
    }
}

/* Where the extension of PATH's last component starts: ".json", or else the last dot; its end if
 * there is none. */
static size_t extension_start(const char *path)
{
    const char *base = base_name(path);
    const char *dot = strrchr(base, '.');
    return dot && dot != base ? (size_t)(dot - path) : strlen(path);
}

int outfile_name(struct outfile *o, const struct outfile_name *name)
{
    bool has_pid = false;
    char extension[256];
    o->pid = name->writer ? name->writer : name->pid;
    struct text t = text_begin(o->path, sizeof o->path);
    if (name->pattern[0] != '/' && name->cwd[0]) {
        text_string(&t, name->cwd);
        text_char(&t, '/');
    }
    expand(&t, name, &has_pid);
    if (!t.cut && t.length && o->path[t.length - 1] == '/') {
        return -EISDIR;
    }
    size_t start = extension_start(o->path);
    if (t.cut || strlen(o->path + start) >= sizeof extension) {
        return -ENAMETOOLONG;
    }
    strcpy(extension, o->path + start);
    t.length = start;
    if (name->descendant && !has_pid) {
        text_char(&t, '.');
        text_number(&t, (uint64_t)name->pid);
    }
    if (name->replaced) {
        text_string(&t, ".exec");
        text_number(&t, name->replaced);
    }
    text_string(&t, extension);
    return t.cut ? -ENAMETOOLONG : 0;
}

static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        /* Under no umask is anybody else to put links where dumps go. */
        sys_call(SYS_mkdirat, AT_FDCWD, (long)path, 0755, 0, 0, 0);
        *slash = '/';
    }
}

/* Looks whether something that must not be replaced has the name already: a device, a FIFO, a
 * directory, or one of the links by which /dev and /proc name descriptors. */
static int find_occupant(const char *path)
{
    struct stat status;
    if (sys_stat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(status.st_mode)) {
        return 0;
    }
    if (S_ISDIR(status.st_mode)) {
        return -EISDIR;
    }
    bool descriptor = strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
    return S_ISLNK(status.st_mode) && !descriptor ? 0 : -EEXIST;
}

/* Appends to the temporary name what nobody can know beforehand. */
static void make_unpredictable(struct text *t)
{
    uint64_t random = 0;
    sys_call(SYS_getrandom, (long)&random, sizeof random, 1 /* GRND_NONBLOCK */, 0, 0, 0);
    random ^= arch_ticks() * 0x9e3779b97f4a7c15u; /* where there is no such call */
    text_char(t, '.');
    text_number(t, random);
}

static struct text name_temporary(struct outfile *o)
{
    struct text t = text_begin(o->temporary, sizeof o->temporary);
    text_string(&t, o->path);
    text_string(&t, ".tmp.");
    text_number(&t, (uint64_t)o->pid);
    return t;
}

bool outfile_clear(struct outfile *o)
{
    struct stat status;
    if (!name_temporary(o).cut) {
        sys_call(SYS_unlinkat, AT_FDCWD, (long)o->temporary, 0, 0, 0, 0);
    }
    return sys_stat(AT_FDCWD, o->path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

int outfile_open(struct outfile *o)
{
    int occupant = find_occupant(o->path);
    if (occupant) {
        return occupant;
    }
    struct text t = name_temporary(o);
    const size_t plain = t.length;
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    for (int attempt = 0; attempt < 5; attempt++) {
        o->fd = t.cut ? -ENAMETOOLONG : sys_open_aside(o->temporary, flags, 0600);
        if (o->fd == -ENOENT) {
            make_directories(o->path);
        } else if (o->fd == -EBADF || (o->fd == -EEXIST && attempt < 2)) {
            /* Lost to the program, or left behind by a process of the same number that was killed.
             */
            sys_call(SYS_unlinkat, AT_FDCWD, (long)o->temporary, 0, 0, 0, 0);
        } else if (o->fd == -EEXIST) {
            /* Put there by somebody else, who does not want it to be removed. */
            t.length = plain;
            make_unpredictable(&t);
        } else {
            break;
        }
    }
    if (o->fd < 0) {
        return o->fd;
    }
    o->identity = sys_identify(o->fd);
    return 0;
}

int outfile_close(struct outfile *o)
{
    return sys_is_still(o->fd, &o->identity) ? sys_close(o->fd) : -EBADF;
}

int outfile_finish(struct outfile *o, int error)
{
    int closed = outfile_close(o);
    return outfile_place(o, error ? error : closed, false);
}

static void unlink_temporary(const struct outfile *o)
{
    sys_call(SYS_unlinkat, AT_FDCWD, (long)o->temporary, 0, 0, 0, 0);
}

/* The same by a second name, where the file system cannot rename without replacing. */
static int link_into_place(const struct outfile *o)
{
    int error =
        (int)sys_call(SYS_linkat, AT_FDCWD, (long)o->temporary, AT_FDCWD, (long)o->path, 0, 0);
    if (!error) {
        unlink_temporary(o);
    }
    return error;
}

int outfile_place(struct outfile *o, int error, bool keep_others)
{
    if (error == 0) {
        error = (int)sys_call(SYS_renameat2, AT_FDCWD, (long)o->temporary, AT_FDCWD, (long)o->path,
                              keep_others ? RENAME_NOREPLACE : 0, 0);
        if (error == -EINVAL && keep_others) {
            error = link_into_place(o);
        }
    }
    if (error && !(error == -EEXIST && keep_others)) {
        unlink_temporary(o);
    }
    return error;
}
