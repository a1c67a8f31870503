/* SPDX-License-Identifier: MIT
 *
 * A number that changes whenever something may no longer be as plain events (event.h) take it to
 * be: one word tells all of that at once. 0: nothing is recorded, or this is a fork's child that
 * has not begun anew.
 *
 * Whoever changes such a thing calls turn_over after that; whoever looks whether all is plain reads
 * the number first. Any thread, signal handlers too.
 */
#ifndef PRELOAD_TURN_H
#define PRELOAD_TURN_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint32_t turns;

#define TURN_FIRST UINT32_C(1) /* all are odd */
#define TURN_NONE UINT32_C(2)  /* it is never this */

static inline uint32_t turn_now(const turns *t)
{
    return atomic_load_explicit(t, memory_order_acquire);
}

static inline void turn_over(turns *t)
{
    uint32_t now = atomic_load(t);
    while (now != 0 && !atomic_compare_exchange_weak(t, &now, now + 2)) {
    }
}

#endif
