/* SPDX-License-Identifier: MIT */
#include "dump.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "dump_content.h"
#include "dump_sites.h"
#include "json.h"
#include "process.h"
#include "reserve.h"
#include "text.h"

/* Too large for the stacks that we may run on. */
struct work {
    struct outfile *file, own;
    struct json json;
    char message[OUTFILE_PATH_MAX + 256];
};

static struct work *_Atomic writing; /* NULL: nobody is */

/* The error that all names for a process's former images are taken. */
#define NAMES_USED (-EMLINK)

/* Once for each kind of trouble: snapshots and execs may be many. */
static void complain(struct recorder *r, const struct dump_request *q, struct work *w, int error)
{
    if (r->complained == error || (q->quiet && q->facts)) {
        return; /* or who writes cannot know where the process says such things */
    }
    r->complained = error;
    struct text t = text_begin(w->message, sizeof w->message);
    text_string(&t, "cannot write the dump: ");
    text_string(&t, error == -EEXIST      ? "is not a regular file"
                    : error == NAMES_USED ? "it and all names before it are taken"
                                          : error_text(error));
    say(w->file->path, w->message);
}

static void name_of(const struct recorder *r, const struct dump_request *q,
                    struct outfile_name *name, uint32_t image)
{
    *name = (struct outfile_name){
        .pattern = q->pattern ? q->pattern : r->options.out,
        .exe = r->exe,
        .cwd = process.cwd,
        .hostname = process.hostname,
        .start_seconds = process.start_seconds,
        .pid = r->pid,
        .writer = q->writer,
        .sequence = atomic_load(&r->dump_sequence),
        .descendant = process.descendant,
        .replaced = image,
    };
}

/* Names and opens the file. IMAGE: see outfile_name. */
static int open_file(const struct recorder *r, const struct dump_request *q, struct work *w,
                     uint32_t image)
{
    struct outfile_name name;
    name_of(r, q, &name, image);
    int error = outfile_name(w->file, &name);
    return error ? error : outfile_open(w->file);
}

/* An image of this process may have been replaced before: then the next name is taken. */
#define IMAGES 1000u

/* Puts the file, which is closed, under the first name for an image that nothing has. */
static int place_image(const struct recorder *r, const struct dump_request *q, struct work *w)
{
    int error = -EEXIST;
    for (uint32_t image = 1; error == -EEXIST && image <= IMAGES; image++) {
        struct outfile_name name;
        name_of(r, q, &name, image);
        error = outfile_name(w->file, &name);
        error = error ? error : outfile_place(w->file, 0, true);
    }
    error = error == -EEXIST ? NAMES_USED : error;
    return error ? outfile_place(w->file, error, false) : 0;
}

/* Writes the file, which is open, and puts it into place. */
static int write_file(struct recorder *r, const struct dump_request *q, struct work *w)
{
    struct dump_sites sites;
    int error = dump_sites_begin(&sites, r);
    if (error) {
        return outfile_finish(w->file, error);
    }
    json_begin(&w->json, w->file->fd);
    w->json.identity = &w->file->identity;
    dump_content_write(&w->json, r, q, &sites);
    error = json_end(&w->json);
    dump_sites_end(&sites);
    if (error || !(q->names || q->replaced)) {
        return outfile_finish(w->file, error);
    }
    error = outfile_close(w->file);
    if (q->names) {
        return error;
    }
    return error ? outfile_place(w->file, error, false) : place_image(r, q, w);
}

/* A thread of the program that closes all there is may close the file under our hands. */
#define ATTEMPTS 10u

static int write_named(struct recorder *r, const struct dump_request *q, struct work *w)
{
    unsigned attempts = ATTEMPTS;
    int error;
    do {
        error = open_file(r, q, w, q->replaced ? 1 : 0);
        error = error ? error : write_file(r, q, w);
    } while (error == -EBADF && --attempts > 0);
    return error;
}

/* The process was killed, maybe while it wrote a dump: of that, or of an image that it gave up. */
static void clear(const struct recorder *r, const struct dump_request *q, struct outfile *o)
{
    struct outfile_name name;
    bool more = true;
    for (uint32_t image = 0; more && image <= IMAGES; image++) {
        name_of(r, q, &name, image);
        name.writer = 0;
        more = outfile_name(o, &name) == 0 && (outfile_clear(o) || image == 0);
    }
}

/* SIGPIPE and SIGXFSZ that our own writing causes must not reach the host. */
static int write_quietly(struct recorder *r, const struct dump_request *q, struct work *w)
{
    const sys_sigset ours = (sys_sigset)1 << (SIGPIPE - 1) | (sys_sigset)1 << (SIGXFSZ - 1);
    sys_sigset before, pending_before = 0;
    sys_call(SYS_rt_sigpending, (long)&pending_before, 8, 0, 0, 0, 0);
    sys_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&ours, (long)&before, 8, 0, 0);
    int error = write_named(r, q, w);
    sys_sigset pending = 0;
    sys_call(SYS_rt_sigpending, (long)&pending, 8, 0, 0, 0, 0);
    sys_sigset caused = pending & ours & ~pending_before;
    if (caused) {
        struct timespec none = {0};
        sys_call(SYS_rt_sigtimedwait, (long)&caused, 0, (long)&none, 8, 0, 0);
    }
    sys_restore_signals(before);
    return error;
}

int dump_write(struct recorder *r, const struct dump_request *request)
{
    struct work *w = reserve_map(sizeof *w);
    if (!w) {
        say(NULL, "no dump is written: out of memory");
        return -1;
    }
    w->file = request->names ? request->names : &w->own;
    if (strcmp(request->reason, "recovered") == 0 && !request->replaced) {
        clear(r, request, &w->own);
    }
    atomic_store(&writing, w);
    int error = write_quietly(r, request, w);
    atomic_store(&writing, NULL);
    if (error) {
        complain(r, request, w, error);
    } else {
        atomic_fetch_add(&r->dump_sequence, 1);
    }
    if (!error && !request->quiet && r->options.verbose >= 1) {
        say(w->file->path, "dump written");
    }
    if (request->path && !error) {
        memcpy(request->path, w->file->path, OUTFILE_PATH_MAX);
    }
    reserve_unmap(w, sizeof *w);
    reserve_take();
    return error ? -1 : 0;
}

void dump_abandon(void)
{
    struct work *w = atomic_exchange(&writing, NULL);
    if (w && w->file->temporary[0]) {
        sys_call(SYS_unlinkat, -100 /* AT_FDCWD */, (long)w->file->temporary, 0, 0, 0, 0);
    }
}
