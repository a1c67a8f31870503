/* SPDX-License-Identifier: MIT
 *
 * A dump made by hand, and symbols for it: a recursion, an inlined function, a call through a
 * library, an `operator new`, a frame that was interrupted, code without a module.
 */
#ifndef HAND_MADE_H
#define HAND_MADE_H

#include "fake_symbols.h"

/* How a return address and its frame are written: the lookup is for the byte before. */
#define MAIN_10 0x10
#define WORK_20 0x20
#define WORK2_GET 0x30 /* get, inlined into work2 */
#define STRDUP 0x40
#define MAKE_NEW 0x50 /* operator new */
#define CXX_40 0x60   /* calls operator new */
#define HANDLER 0x70  /* interrupted */

static const struct symbol sym_main[] = {
    {.function = "main", .file = "/src/m.c", .module = "prog", .line = 10, .function_line = 8}};
static const struct symbol sym_work[] = {
    {.function = "work", .file = "/src/m.c", .module = "prog", .line = 20, .function_line = 18}};
static const struct symbol sym_get[] = {
    {.function = "get", .file = "/src/get.h", .module = "prog", .line = 5, .inlined = true},
    {.function = "work2", .file = "/src/m.c", .module = "prog", .line = 30, .function_line = 28}};
static const struct symbol sym_strdup[] = {{.function = "strdup+0xf", .module = "/lib/libc.so.6"}};
static const struct symbol sym_new[] = {{.function = "operator new(unsigned long)+0x18",
                                         .linkage = "_Znwm",
                                         .module = "/lib/libstdc++.so.6"}};
static const struct symbol sym_cxx[] = {
    {.function = "cxx", .file = "/src/x.cc", .module = "prog", .line = 40}};
static const struct symbol sym_handler[] = {
    {.function = "handler", .file = "/src/m.c", .module = "prog", .line = 50}};

#define ENTRY(address, symbols, first, last)                                                       \
    {                                                                                              \
        (address), (symbols), sizeof(symbols) / sizeof *(symbols), (first), (last)                 \
    }
const struct fake fake_table[] = {
    ENTRY(MAIN_10 - 1, sym_main, 8, 12),   ENTRY(WORK_20 - 1, sym_work, 18, 22),
    ENTRY(WORK2_GET - 1, sym_get, 28, 32), ENTRY(STRDUP - 1, sym_strdup, 0, 0),
    ENTRY(MAKE_NEW - 1, sym_new, 0, 0),    ENTRY(CXX_40 - 1, sym_cxx, 0, 0),
    ENTRY(HANDLER, sym_handler, 0, 0),     {0}};

static struct dump_module hand_modules[] = {FAKE_MODULE("prog")};

enum { F_ROOT, F_MAIN, F_WORK, F_WORK_AGAIN, F_GET, F_STRDUP, F_CXX, F_NEW, F_HANDLER, F_NOWHERE };

static struct dump_frame hand_frames[] = {
    [F_ROOT] = {0, -1, 0, false},
    [F_MAIN] = {F_ROOT, 0, MAIN_10, false},
    [F_WORK] = {F_MAIN, 0, WORK_20, false},
    [F_WORK_AGAIN] = {F_WORK, 0, WORK_20, false},
    [F_GET] = {F_WORK_AGAIN, 0, WORK2_GET, false},
    [F_STRDUP] = {F_WORK, 0, STRDUP, false},
    [F_CXX] = {F_MAIN, 0, CXX_40, false},
    [F_NEW] = {F_CXX, 0, MAKE_NEW, false},
    [F_HANDLER] = {F_MAIN, 0, HANDLER, true},
    [F_NOWHERE] = {F_MAIN, -1, 0x7f00, false},
};

static const uint8_t hand_lifetime[] = {2};

/* COUNT blocks of SIZE bytes; LIVE of them not freed, which is also what the peak held. */
#define SITE(where, name, count, size, live)                                                       \
    {                                                                                              \
        .frame = (where), .function = (name),                                                      \
        .c = {.alloc_count = (count),                                                              \
              .alloc_bytes = UINT64_C(1) * (count) * (size),                                       \
              .free_count = (count) - (live),                                                      \
              .freed_bytes = UINT64_C(1) * ((count) - (live)) * (size),                            \
              .live_count = (live),                                                                \
              .live_bytes = UINT64_C(1) * (live) * (size),                                         \
              .peak_count = (live),                                                                \
              .peak_bytes = UINT64_C(1) * (live) * (size)},                                        \
        .max_live_bytes = UINT64_C(1) * (live) * (size), .lifetime_log2_ns = {                     \
            .counts = hand_lifetime,                                                               \
            .first = 4,                                                                            \
            .n = 5,                                                                                \
            .width = 1                                                                             \
        }                                                                                          \
    }

static struct dump_site hand_sites[] = {
    SITE(F_GET, "malloc", 3, 100, 1),   SITE(F_STRDUP, "malloc", 2, 10, 2),
    SITE(F_NEW, "malloc", 4, 8, 4),     SITE(F_HANDLER, "malloc", 1, 1, 0),
    SITE(F_NOWHERE, "malloc", 1, 7, 1), SITE(F_GET, "calloc", 1, 50, 1),
};

static struct dump hand_dump = {
    .path = "hand.json",
    .totals = {.c = {.peak_bytes = 209}},
    .modules = hand_modules,
    .nmodules = 1,
    .frames = hand_frames,
    .nframes = sizeof hand_frames / sizeof *hand_frames,
    .sites = hand_sites,
    .nsites = sizeof hand_sites / sizeof *hand_sites,
};

#endif
