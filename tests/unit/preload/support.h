/* SPDX-License-Identifier: MIT
 *
 * What the tests of the injected library share: random numbers that repeat, a directory for a
 * test's files, standard error as text, and a recorder's surroundings. Not for threads, but for the
 * random numbers.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch.h"
#include "recorder.h"

/* The next of a sequence that STATE, not 0, starts. */
uint64_t support_random(uint64_t *state);

/* A number below N. */
static inline uint64_t support_below(uint64_t *state, uint64_t n)
{
    return support_random(state) % n;
}

/* Makes a directory, whose path stays valid until support_leave_directory removes all of it. */
const char *support_enter_directory(void);
void support_leave_directory(void);

/* The directory's path with "/NAME"; valid until the next call but three. */
const char *support_path(const char *name);

/* How many entries the directory PATH has, without "." and "..". */
size_t support_entries(const char *path);

/* The content of a file, NUL-terminated, to be freed; fails the test if it cannot be read. */
char *support_read(const char *path);
void support_write(const char *path, const char *content);

/* From now on standard error is kept. The end restores it and tells what it was. */
void support_catch_stderr(void);
const char *support_caught_stderr(void);

struct shard;
/* How many lifetimes of blocks S has counted. */
uint64_t support_lifetimes(const struct shard *s);

/* No memory can be mapped, from one call to the other. */
void support_take_memory(void);
void support_give_memory(void);

/* Another thread is on the stack with room (roomy.h), from one call to the other. */
void support_occupy_room(void);
void support_vacate_room(void);

/* The status of CHILD when it has ended; killed if it hangs, maybe with all signals blocked. */
int support_end_of(int child);

/* The settings of an empty environment. */
struct options support_options(void);

/* A zeroed recorder that has been started, with libunwind; and everything undone. */
struct recorder *support_recorder(const struct options *options);
void support_recorder_end(struct recorder *r);

/* The state of whoever called the function that uses this, as the hooks have it. */
#define SUPPORT_CALLER ARCH_CALLER

#endif
