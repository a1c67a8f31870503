/* SPDX-License-Identifier: MIT
 *
 * What a dump says of a process beside its counts, copied into the vault (vault.h) so that it can
 * still be said when the process is gone: no pointer in here is to be followed. Written by
 * recorder_card.c, read by salvage.c.
 */
#ifndef PRELOAD_VAULT_CARD_H
#define PRELOAD_VAULT_CARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "options.h"
#include "process.h"
#include "sampler_budget.h"

#define VAULT_ARGV_MAX 16384

/* What changes of the sampler while the program runs. */
struct vault_sampling {
    uint64_t mean;
    struct sampler_budget budget;
};

struct vault_card {
    _Atomic uint32_t begun; /* what follows up to `described` is there, and counting has begun */
    struct options options;
    char out[OPTIONS_OUT_MAX];
    char exe[4096];
    uint64_t ppid;
    _Atomic uint32_t sampled; /* the sampler is on */
    /* Two copies, of which the one whose number is here is whole. */
    _Atomic uint32_t sampling_valid;
    struct vault_sampling sampling[2];
    char unwind_trouble[256]; /* "": none */

    /* Once `described`; before that the process was not yet known. */
    _Atomic uint32_t described;
    struct process process;
    char arch[32];
    uint32_t argc;
    char argv[VAULT_ARGV_MAX]; /* strings, one after the other; what does not fit is left out */
};

#endif
