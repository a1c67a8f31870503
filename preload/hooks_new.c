/* SPDX-License-Identifier: MIT
 *
 * C++'s operator new and delete, for allocators that bring their own, in the same library as their
 * malloc: these do not come through malloc. Where they are libstdc++'s they do, and are left alone.
 * Nothing here is exported: rebind.c points the program's calls at it. What the real operators
 * throw passes through.
 */
#include "hooks_new.h"

#include "hook.h"

enum {
#define NEW(id, mangled, function, parameters, arguments) REAL_##id,
#define DELETE(id, mangled, parameters, arguments) REAL_##id,
#include "hooks_new.def"
#undef NEW
#undef DELETE
    REALS
};

static uintptr_t real_operator[REALS];

#define NEW(id, mangled, function, parameters, arguments)                                          \
    static __attribute__((noinline)) void *id parameters                                           \
    {                                                                                              \
        if (sampler_passes(size)) {                                                                \
            return ((void *(*)parameters)real_operator[REAL_##id])arguments;                       \
        }                                                                                          \
        const struct stack_start start = CALLER;                                                   \
        void *p = ((void *(*)parameters)real_operator[REAL_##id])arguments;                        \
        allocated(function, p, size, &start);                                                      \
        return p;                                                                                  \
    }
#define DELETE(id, mangled, parameters, arguments)                                                 \
    static __attribute__((noinline)) void id parameters                                            \
    {                                                                                              \
        struct sampler_meter *m =                                                                  \
            block ? sampler_passing_free(&recorder.sampler, block,                                 \
                                         (uintptr_t)__builtin_return_address(0))                   \
                  : NULL;                                                                          \
        if (m) {                                                                                   \
            sampler_count(&m->frees);                                                              \
        } else if (block) {                                                                        \
            const struct stack_start start = CALLER;                                               \
            freeing(block, &start);                                                                \
        }                                                                                          \
        ((void(*) parameters)real_operator[REAL_##id]) arguments;                                  \
    }
#include "hooks_new.def"
#undef NEW
#undef DELETE

const struct hooks_new_entry hooks_new[] = {
#define NEW(id, mangled, function, parameters, arguments)                                          \
    {mangled, (uintptr_t)&id, &real_operator[REAL_##id]},
#define DELETE(id, mangled, parameters, arguments)                                                 \
    {mangled, (uintptr_t)&id, &real_operator[REAL_##id]},
#include "hooks_new.def"
#undef NEW
#undef DELETE
};

const size_t hooks_new_count = sizeof hooks_new / sizeof hooks_new[0];
