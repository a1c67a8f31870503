/* SPDX-License-Identifier: MIT
 *
 * What the gate found, ready to be printed: which checks there were, which failed, by how much and
 * where. Plain nodes in words and numbers; the formats compute nothing. All of it lives in one
 * pool.
 */
#ifndef REPORT_GATE_VERDICT_H
#define REPORT_GATE_VERDICT_H

#include "suppressions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;

struct verdict_frame {
    const char *function; /* never NULL */
    const char *brief;    /* the same, short enough for a line: without template arguments */
    const char *file; /* below the directory that the report is about, else as debug information has
                         it; NULL: no line is known */
    const char *module; /* base name; NULL: none */
    uint32_t line;
    bool relative; /* FILE is below that directory */
    bool inlined;  /* into the next one */
    bool own;      /* below the project root */
};

#define VERDICT_FINGERPRINT 33

/* One stack (or line) that makes a check fail. */
struct verdict_finding {
    const char *check;            /* name of the check */
    const char *message;          /* "1.50 KiB in 3 blocks leaked, new", without the place */
    struct verdict_frame *frames; /* innermost first; may be none */
    size_t nframes, left_out;
    size_t where; /* the frame that is to blame: own source, or what allocates */
    uint64_t bytes, blocks;
    char fingerprint[VERDICT_FINGERPRINT]; /* of check and stack; the same after a rebuild */
    const char *suppression; /* lines that would suppress it, no newline at the end; NULL: not
                                asked for */
    size_t covers; /* stacks that these lines are proposed for, at the first of them; else 0 */
};

struct verdict_check {
    const char *name;    /* "max-leak", "limit src/a.c:parse max-live" */
    const char *rule;    /* "max-leak", "limit": one of a few */
    const char *message; /* "1.50 KiB in 3 blocks leaked: 1 KiB more than the 512 B allowed" */
    bool failed;
    size_t first, n; /* its findings, most important first */
    size_t left_out; /* findings that there are besides */
};

/* Live blocks that were not judged, but for suppressed ones and the run-time's. */
enum verdict_groups {
    VERDICT_UNLISTED, /* outside the allow-list */
    VERDICT_KINDS,    /* of leak kinds that nobody asked for */
    VERDICT_ONCE,     /* fewer blocks than iterations */
    VERDICT_GROUPS
};

struct verdict_group {
    const char *name; /* "dynamic loader" */
    uint64_t stacks, blocks, bytes;
};

struct verdict {
    const char *program;   /* base name of the first dump's executable */
    const char *host;      /* NULL: not known */
    const char *timestamp; /* when the first program began, "2026-01-02T03:04:05" */
    size_t ndumps;
    struct verdict_check *checks;
    size_t nchecks, nfailed;
    struct verdict_finding *findings; /* of the failed checks */
    size_t nfindings;
    struct verdict_group *runtime; /* the run-time libraries' own */
    size_t nruntime;
    bool runtime_counted;
    struct verdict_group groups[VERDICT_GROUPS];
    const struct suppressions *suppressions;
    const char **notes; /* what the reader must know about the figures */
    size_t nnotes;
    /* How much of it the text is to show, so that it fits a screen; 0: all. The frame to blame is
     * always shown. */
    size_t shown_findings, shown_frames;
    bool one_screen;   /* however many checks and suppressions there are */
    bool whole_stacks; /* with what starts programs and threads */
    bool color;
    const char *root; /* the directory that relative files are below */
    struct pool *strings;
};

/* The finding's frame to blame; NULL if it has no stack. */
const struct verdict_frame *verdict_where(const struct verdict_finding *f);

/* "src/a.c:42", "f (libfoo.so)" or "no stack", in the verdict's words. */
const char *verdict_place(const struct verdict *v, const struct verdict_finding *f);

/* How many frames of F are of interest: the outer ones that start programs are not, unless there is
 * nothing else. */
size_t verdict_frames(const struct verdict *v, const struct verdict_finding *f);

/* The lines that are proposed for F, with a comment that says for how many stacks they are, if that
 * is several; NULL: none, or they were told before. */
const char *verdict_proposal(const struct verdict *v, const struct verdict_finding *f);

/* How a suppression is named: "leak:foo (supp.txt, line 3)". */
const char *verdict_suppression(const struct verdict *v, const struct suppression *s);

/* "3 stacks, 12 blocks, 1.50 KiB". */
const char *verdict_amount(const struct verdict *v, uint64_t stacks, uint64_t blocks,
                           uint64_t bytes);

/* Words made to last as long as V. */
const char *verdict_words(const struct verdict *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A frame of a stack as one line, without its number: "parse src/a.c:42 [inlined]". */
const char *verdict_frame_words(const struct verdict *v, const struct verdict_frame *f);

#endif
