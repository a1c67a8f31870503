/* SPDX-License-Identifier: MIT
 *
 * Memory that outlives the process: a file without a name (memfd) that the launcher holds, too, or
 * without one a process of our own (warden.h), and writes a dump from if the process is killed.
 * What a dump is made of lies in it: the part of
 * struct recorder that begins anew in each process (the section), and the pools of counters, sites,
 * modules, threads and the timeline. What only recording needs does not: live blocks, rules and
 * kept stacks stay private memory, quicker and copied by fork.
 *
 * The process keeps no descriptor. The file is mapped, sent to the launcher's socket, if there is
 * one, and closed.
 * To grow, mremap(2) with an old size of 0 makes a second mapping of the file's last mapped page
 * that reaches further. The first page tells which part of the file lies at which address, so that
 * pointers can be followed by whoever maps the same parts at the same addresses: see salvage.h.
 *
 * A process may stop between any two instructions. What is in the file is then what the
 * instructions before left, in the order of the program; there is no need for more, as the state
 * of the processor dies with it.
 *
 * A child of fork shares these mappings, and its parent goes on writing. It must not write to them,
 * nor follow pointers into parts that the parent mapped later. What tells the child which parts
 * there are is therefore in private memory (struct vault), and the child leaves the vault before
 * it counts its first event. One that goes on in the middle of its parent's event, in a handler's
 * fork, has a copy (vault_copy): so do those made by _Fork and by libc's syscall (forks.h).
 *
 * Any thread, under the guard, also in a signal handler; the lock is held while growing. vault_open
 * and vault_leave: nobody else is there. On any failure the process records in private memory as it
 * does without a launcher, and `trouble` says why.
 */
#ifndef PRELOAD_VAULT_H
#define PRELOAD_VAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys.h"
#include "vault_card.h"

#define VAULT_MAGIC "memprof vault 1" /* 16 bytes with its end */
#define VAULT_EXTENTS 64
#define VAULT_FILE_BYTES ((uint64_t)1 << 40) /* of holes: pages come as they are written */
#define VAULT_PATH_MAX 108                   /* of a socket's address */

/* A part of the file, and where it is mapped. */
struct vault_extent {
    uintptr_t start;
    uint64_t size, offset;
};

enum vault_state {
    VAULT_OPEN,   /* the process has not written its last dump yet */
    VAULT_CLOSED, /* it has, or has nothing to tell */
    VAULT_SPILT,  /* some of what a dump needs is not in the file */
};

/* What the file begins with. */
struct vault_header {
    char magic[16];
    uint64_t layout; /* see recorder_layout: who reads the file must have the same */
    _Atomic uint32_t state;
    uint32_t pid;             /* in the process's own namespace */
    _Atomic uint32_t stop;    /* the process asks its warden to end */
    _Atomic uint32_t writing; /* there is a file that only the warden will remove */
    _Atomic uint32_t turn;    /* see vault_take_turn */
    _Atomic uint32_t dumping; /* the process is writing a dump */
    _Atomic uint64_t told;    /* what changes_sum was for the last dump; 0: there was none */
    struct vault_extent section;
    _Atomic uint32_t extents; /* written after the entry that it counts */
    struct vault_extent extent[VAULT_EXTENTS];
    struct vault_card card;
};

/* What goes to the launcher, beside the descriptor. */
struct vault_hello {
    char magic[16];
    uint64_t layout;
};

/* Zero-initialised: there is no vault. */
struct vault {
    struct vault_header *header; /* NULL: none */
    const char *trouble;         /* why there is none; NULL: nobody asked for one */
    char path[VAULT_PATH_MAX];   /* of the launcher's socket; "": there is no launcher */
    bool watched;                /* without a launcher: for the warden */
    struct sys_lock lock;
    char *next, *end;   /* what is left of the last extent */
    uint64_t file_used; /* bytes of the file that extents cover */
    bool shut;          /* system calls other than the program's own must not be made any more */
    void *section;
    size_t section_size;
    uint32_t extents;
    struct {
        char *start;
        size_t size;
    } extent[VAULT_EXTENTS];
};

/* Makes a vault and hands it to the launcher at V->path; if there is none and V is `watched`, to
 * nobody yet. The SIZE bytes at SECTION, whole pages of zeros, become memory of the file. Returns
 * false, having changed nothing but V->trouble, if that cannot be done. */
bool vault_open(struct vault *v, void *section, size_t size, uint64_t layout);

/* Zeroed pages; NULL if there are no more. Once the vault is spilt, or shut and used up, it is
 * private memory, and the file is of no use any more. */
void *vault_map(struct vault *v, size_t size);

/* The process is about to forbid itself system calls: maps more now, while it can. From then on
 * `shut` is to be set. */
void vault_reserve(struct vault *v);

/* In the warden, a copy of the process: maps here, too, what the process has mapped since. Returns
 * false if that cannot be done. */
bool vault_follow(struct vault *v);
/* Whether SIZE bytes at P, aligned as all records are, lie in what is mapped here. */
bool vault_holds(const struct vault *v, const void *p, size_t size);

/* Around a dump that the process writes: none that the warden began before the end will be put into
 * place. The first waits while one is being put there, but not for ever, and returns whether there
 * is none. */
bool vault_take_turn(struct vault *v);
void vault_end_turn(struct vault *v);
/* In the warden: the turn as it is now, odd if it is not for the warden to write; and around
 * putting a dump into place, which must not be done if the first says false: a turn was taken
 * since. */
uint32_t vault_turn(const struct vault *v);
bool vault_begin_place(struct vault *v, uint32_t turn);
void vault_end_place(struct vault *v);

/* In a child of fork: all that is mapped of the parent's vault is unmapped, and the section becomes
 * private zeros. Returns false if that cannot be done: then the section must not be touched. */
bool vault_leave(struct vault *v);

/* Around a fork by a signal handler that interrupted the recorder, whose code the child will go on
 * with for a while. Before: puts private copies of what is mapped in front of those at *LIST, or
 * nothing without memory. In the child the first of them takes the place of the mappings; false if
 * there is none. In the parent it is given up. The list is the forking thread's own: of a fork that
 * is interrupted by another, and of no other thread's. What other threads count meanwhile may be in
 * the copy in part. */
void vault_copy(struct vault *v, struct vault_copy **list);
bool vault_adopt_copy(struct vault *v, struct vault_copy **list);
void vault_drop_copy(struct vault_copy **list);

static inline void vault_set_state(struct vault *v, enum vault_state state)
{
    if (v->header && atomic_load(&v->header->state) != VAULT_SPILT) {
        atomic_store(&v->header->state, state);
    }
}

#endif
