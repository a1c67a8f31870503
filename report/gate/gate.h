/* SPDX-License-Identifier: MIT
 *
 * `check`: judges dumps together and says so in every form that was asked for.
 *
 *     check.c      opens the dumps, has them judged, writes the verdict: the exit status
 *     usable.c     which dumps cannot be judged at all
 *     naming.c     which frames have to have names
 *     sorting.c    which live blocks are leaks: kinds, suppressions, the run-time's own
 *     judge.c      the limits of options;  judge_baseline.c, judge_limits.c: of files
 *     blame.c      on which stacks to put the blame;  findings.c: where in them
 *     suggest.c    how to suppress a leak;  compared.h: without others
 *     outputs.c    where the verdict goes;  formats.h: in which forms
 *
 * Nothing here prints but through complain(). Does not fail (memory.h) where it does not say so.
 */
#ifndef REPORT_GATE_GATE_H
#define REPORT_GATE_GATE_H

#include "check_options.h"
#include "compared.h"
#include "job.h"
#include "limits.h"
#include "side.h"
#include "stackset.h"
#include "suppressions.h"
#include "verdict.h"

/* An estimate is beyond a limit when it is so by this many standard errors: one in a thousand runs
 * would be wrong. */
#define GATE_ERRORS 3.0

/* How much of the dumps has names. */
enum gate_names {
    GATE_NAMES_LEAKS, /* what decides which live blocks are leaks, and the stacks of these */
    GATE_NAMES_LIVE,  /* all stacks with live blocks */
    GATE_NAMES_ALL,   /* all stacks */
    GATE_NAMES_SHOWN, /* with the lines of the C library, and the project root */
};

struct gate {
    const struct options *options;
    const struct check_options *o;
    struct job *opened; /* one for each dump */
    size_t nopened;
    struct job **jobs; /* those that are judged */
    size_t njobs;
    bool sampled;     /* some dump holds estimates */
    bool classified;  /* all dumps tell kinds of leaks */
    uint64_t dropped; /* events that the library could not record */
    struct suppressions suppressions;
    struct limits limits;
    enum gate_names named;
    struct identities *identities;
    struct figures total;     /* of all dumps */
    struct stackset *leaks;   /* those with leaks, with these alone as their live figures */
    struct compared compared; /* for suggest.c */
    struct verdict verdict;
    size_t check_capacity, finding_capacity, note_capacity, runtime_capacity;
};

/* usable.c: chooses the dumps to judge: of those of one process the last. */
void gate_choose_dumps(struct gate *g);

/* 0, or -1 after a line for each dump that cannot be judged. Notes what the reader must know of the
 * others. */
int gate_refuse(struct gate *g);

/* The same for what is compared with. */
int gate_refuse_side(const struct gate *g, const struct side *side);

/* naming.c: looks up the names of JOB's stacks with live blocks, but for those that are known to be
 * the run-time libraries' without. */
void gate_name_leaks(const struct gate *g, struct job *job);
/* Sees to it that all dumps have these NAMES. */
void gate_name(struct gate *g, enum gate_names names);
/* The frames that stacks with live blocks end in, to be freed. */
bool *gate_live_frames(const struct dump *d);

/* The stacks of all dumps, sorted, with names; LIVE: only those with live blocks. To be freed. */
struct stackset *gate_gather(struct gate *g, bool live);

/* sorting.c: the kinds of leaks that are judged, as bits by enum dump_leak_kind. */
unsigned gate_judged_kinds(const struct gate *g);
/* Fills in `leaks`, and the verdict's groups of what is none. Returns 0, or -1 after a
 * line on standard error. */
int gate_find_leaks(struct gate *g);

/* judge*.c: each adds checks to the verdict. */
void gate_judge(struct gate *g);
/* Whether there is a limit for all leaks together: the usual one, if there is no other check. */
bool gate_judges_all_leaks(const struct check_options *o);
void gate_judge_limits(struct gate *g);
/* OLD is cut down to what is compared. */
void gate_judge_baseline(struct gate *g, struct stackset *old);

/* Adds a check; its findings follow with gate_blame. The words are kept as they are. */
struct verdict_check *gate_add_check(struct gate *g, const char *rule, const char *name,
                                     bool failed, const char *message);
void gate_note(struct gate *g, const char *text);

/* How many of N findings are told: the others are counted. */
size_t gate_told(const struct gate *g, size_t n);

/* Whether VALUE, with this standard error, is beyond LIMIT as far as can be told. */
bool gate_exceeds(const struct gate *g, double value, double error, double limit);

/* For messages: "1.50 KiB in 3 blocks" and, of estimates, their errors. */
const char *gate_amount(const struct gate *g, const struct figures *f);
/* "1.50 KiB", "1,234". */
const char *gate_size(const struct gate *g, double bytes);
const char *gate_count(const struct gate *g, double count);
/* "1 block", "1,234 blocks". */
const char *gate_things(const struct gate *g, double count, const char *one, const char *several);

/* findings.c: adds a finding to the last check. */
struct gate_blame {
    const struct stackset_entry *entry;
    const char *message;
    uint64_t bytes, blocks;
    bool leak; /* can be suppressed */
    /* The place to blame, if not the innermost of the project; may be NULL. */
    bool (*at)(const struct place *place, const void *arg);
    const void *at_arg;
};
void gate_blame(struct gate *g, const struct gate_blame *blame);
/* Fills in how many stacks each proposal of a suppression is for, once all findings are there. */
void gate_count_proposals(struct verdict *v);

/* blame.c: adds findings to the last check: the leaks above MOST bytes (below 0: all); or the
 * stacks with the largest share of the peak, or of the allocations. */
void gate_blame_leaks(struct gate *g, double most);
void gate_blame_most(struct gate *g, bool peak);

/* suggest.c: lines that would suppress the leaks of the stack that ends in FRAME of M, and as
 * little else as can be. */
const char *gate_suggest(struct gate *g, const struct model *m, uint32_t frame);

/* outputs.c: ends the tool if an output has a form that there is not, or would replace an input. */
void gate_check_outputs(const struct options *options);
/* Writes the verdict to OUT and wherever else options say; ends the tool if that cannot be done. */
void gate_write(const struct gate *g, struct out *out);

/* usable.c: "server" and when it began, for the verdict. */
void gate_name_program(struct gate *g);

#endif
