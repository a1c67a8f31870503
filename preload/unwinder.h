/* SPDX-License-Identifier: MIT
 *
 * libunwind, loaded privately. It must not be a DT_NEEDED of ours: Debian's libunwind.so.8 exports
 * _Unwind_RaiseException and friends without versions, and in a preload's global scope would take
 * over the host's C++ exceptions. So it is dlopened RTLD_LOCAL and used through pointers.
 *
 * It is used as a reader of unwind tables and an interpreter of their rules, in the "remote" form
 * whose memory, registers and tables come from callbacks of ours: that form never takes the
 * loader's lock (tables are found by _dl_find_object) and never needs the pipe by which libunwind
 * probes addresses in its local form. The plain local walk is loaded as well for MEMPROF_VERIFY.
 *
 * All calls run under the reentrancy guard and hold no lock of ours: libunwind may allocate.
 */
#ifndef PRELOAD_UNWINDER_H
#define PRELOAD_UNWINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rule.h"

struct unwinder;

/* Loads the library. Returns NULL, with a static text in *WHY, if this host has no usable one. The
 * result is never freed. MAP gives the memory for it (zeroed, at least SIZE bytes). */
struct unwinder *unwinder_load(void *(*map)(size_t size), const char **why);

/* Derives the rule by which frames at IP are left. RETURN_ADDRESS: IP follows a call; otherwise it
 * is the very instruction that a signal interrupted. Never fails: what is not simple is
 * RULE_COMPLEX. */
struct rule unwinder_derive(struct unwinder *u, uintptr_t ip, bool return_address);

/* Reads the same from the object's table, without libunwind, whose rule it is then. Returns false,
 * as it does for what is in any way unusual, if that has to be asked. Takes no lock, no system call
 * and little stack. */
bool unwinder_read(uintptr_t ip, bool return_address, struct rule *rule);

/* As unwinder_derive, without a stack of its own (roomy.h): it takes some 4 KiB of the caller's. */
struct rule unwinder_derive_here(struct unwinder *u, uintptr_t ip, bool return_address);

/* Walks the calling thread's stack from the frame whose CFA is START_CFA outward, frame by frame,
 * with libunwind's own step. Words are read only where STACK_END bounds them, in loaded modules, or
 * after a probe. Fills IP (return addresses) and returns how many; at most MAX + 1, so that a
 * result above MAX says that there were more. Sets *CUT where it cannot
 * read a frame's table. */
size_t unwinder_walk(struct unwinder *u, uintptr_t start_cfa, uintptr_t stack_end, uintptr_t *ip,
                     size_t max, bool *cut);

/* Loads the plain local walk, too, if there is one. Before other threads use U. */
void unwinder_load_plain(struct unwinder *u);

/* Whether it is there. Not once a walk was cut: it would not survive that. */
bool unwinder_has_plain(const struct unwinder *u);

/* The plain local walk of libunwind, as anyone else would see it: return addresses from the caller
 * outward. */
size_t unwinder_plain_walk(struct unwinder *u, void **ip, size_t max);

/* Whether ADDRESS lies in libunwind or in the dynamic loader: whose calls of malloc are internal.
 */
bool unwinder_owns(const struct unwinder *u, uintptr_t address);

#endif
