/* SPDX-License-Identifier: MIT
 * Prints the truth about its own calls; see probe.h. */
#include "probe.h"

#include "macro.h"

#include <stddef.h>

static volatile int zero;

NOINLINE static int plain(void)
{
    return probe(AT("plain", NULL)) + zero;
}

static INLINE int innermost(const struct chain *outer)
{
    return probe(AT("innermost", outer)) + zero;
}

static INLINE int middle(const struct chain *outer)
{
    int n = zero;
    n += innermost(AT("middle", outer));
    return n;
}

NOINLINE int two_deep(void)
{
    int n = middle(AT("two_deep", NULL));
    n += probe(AT("two_deep", NULL));
    n += in_header(AT("two_deep", NULL));
    return n;
}

/* The symbol's name is not the function's. */
NOINLINE int renamed(void) __asm__("renamed_by_asm");
NOINLINE int renamed(void)
{
    return probe(AT("renamed", NULL)) + zero;
}

NOINLINE static int macro(void)
{
    return PROBE_TWICE(AT("macro", NULL)) + zero;
}

NOINLINE static int recursive(int depth)
{
    if (depth == 0)
        return probe(AT("recursive", NULL)) + zero;
    return recursive(depth - 1) + probe(AT("recursive", NULL));
}

/* The unlikely part goes to a section of its own, away from the function. */
__attribute__((cold)) NOINLINE static int cold_path(int n)
{
    return probe(AT("cold_path", NULL)) + n;
}

NOINLINE static int with_cold(int n)
{
    if (__builtin_expect(n == 0, 0)) {
        n += probe(AT("with_cold", NULL));
        n += cold_path(n);
    }
    return n + 1;
}

/* In assembly.S. */
#define ASM_LINE 10
int asm_function(const struct chain *chain);

int main(void)
{
    int n = plain() + two_deep() + renamed() + macro() + recursive(2) + with_cold(zero);
    n += innermost(AT("main", NULL));
    n += asm_function(&(const struct chain){"asm_function", ASM_FILE, ASM_LINE, NULL});
    n += shared_function() + without_lines();
    return n == 0;
}
