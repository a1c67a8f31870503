/* SPDX-License-Identifier: MIT
 *
 * What the sample programs know about themselves. A chain says, innermost first, which functions
 * are on the stack at a call of probe() as far as they were inlined into each other; the functions
 * of a chain call with HERE on one line. probe() prints one line for each call:
 *     module <TAB> address of the call, as the ELF file has it <TAB> frame <TAB> frame ..
 * with "function|line|file" for a frame; line 0 stands for code without line information.
 */
#ifndef PROBE_H
#define PROBE_H

struct chain {
    const char *function, *file;
    int line;
    const struct chain *outer; /* what it was inlined into; NULL: nothing */
};

#ifdef __cplusplus
static inline const chain *chain_address(const chain &c)
{
    return &c; /* lives as long as the call that it is an argument of */
}
#define AT(function, outer) chain_address({function, __FILE__, __LINE__, outer})
#else
#define AT(function, outer) (&(const struct chain){function, __FILE__, __LINE__, outer})
#endif

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noipa))
#endif
#define INLINE inline __attribute__((always_inline))

#ifdef __cplusplus
extern "C" {
#endif
/* Returns 1, so that no call of it is a tail call. */
int probe(const struct chain *chain);
int shared_function(void);
int without_lines(void);
#ifdef __cplusplus
}
#endif

#endif
