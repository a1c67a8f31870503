/* SPDX-License-Identifier: MIT
 *
 * Code with and without frame pointers in one stack. To be compiled without: what needs one has one
 * nevertheless.
 */
#include <alloca.h>
#include <string.h>

#include "frames.h"

#define FRAME __attribute__((noinline))
#define STAY __asm__ volatile("" ::: "memory")

/* The frame pointer register is saved, and then used for something else. */
#if defined(__x86_64__)
#define TAKE_BP __asm__ volatile("mov $0x1234567, %%ebp" ::: "rbp")
#else
#define TAKE_BP __asm__ volatile("mov x29, #0x1234" ::: "x29")
#endif

static FRAME void innermost(frames_leaf *leaf, void *arg)
{
    leaf(arg);
    STAY;
}

static FRAME void take(frames_leaf *leaf, void *arg)
{
    TAKE_BP;
    innermost(leaf, arg);
    STAY;
}

static FRAME void between(frames_leaf *leaf, void *arg)
{
    take(leaf, arg);
    STAY;
}

/* What `take` saves matters to no step further out: whatever does has its bp saved here. */
static FRAME void call_without(frames_leaf *leaf, void *arg)
{
    TAKE_BP;
    between(leaf, arg);
    STAY;
}

/* It is what this frame is found by. */
static FRAME void call_with(frames_leaf *leaf, void *arg, size_t room)
{
    char *p = alloca(room);
    memset(p, 1, room);
    __asm__ volatile("" ::"r"(p) : "memory");
    between(leaf, arg);
    STAY;
}

/* With PAD bytes between the caller and what is called, so that there are frames of `between` at
 * the same place, called by either. */
static FRAME void call_padded(frames_leaf *leaf, void *arg, size_t pad, int with)
{
    char *p = alloca(pad + 1);
    p[0] = 1;
    __asm__ volatile("" ::"r"(p) : "memory");
    if (with) {
        call_with(leaf, arg, 20);
    } else {
        call_without(leaf, arg);
    }
    STAY;
}

void frames_mixed(frames_leaf *leaf, void *arg, int depth)
{
    for (int with = 0; with < 2; with++) {
        for (size_t pad = 0; pad < 256 + (size_t)depth; pad += 16) {
            call_padded(leaf, arg, pad, with);
        }
    }
}
