/* SPDX-License-Identifier: MIT
 *
 * The sample `lines`, see lines.h: runs all families and prints the ledger. */
#include "lines.h"

static void *kept[8];

static NOINLINE void visited(int i)
{
    kept[i] = AT(malloc(100 + (size_t)i));
}

/* A valley after the peak: what is live at the peak is not what is live at the end. */
static NOINLINE void peak_and_valley(void)
{
    char *big = AT(malloc(200000));
    char *small = AT(malloc(300));
    USE(big);
    USE(small);
    RUN(free(big));
    char *later = AT(malloc(1000));
    USE(later);
}

int main(void)
{
    RUN(calls_inlined());
    RUN(calls_macros());
    RUN(calls_recursion());
    RUN(calls_pointer());
    RUN(libc_callbacks());
    RUN(libc_strings());
    RUN(libc_thread());
    for (int i = 1; i <= 3; i++) {
        RUN(frames_vla(i * 10));
        RUN(frames_alloca(i * 100));
        RUN(frames_realigned(i));
    }
    RUN(peak_and_valley());
    RUN(frames_growth());
    RUN(frames_aligned());
    void *plugged = AT(plugin_keep(777));
    USE(plugged);
    RUN(plugin_visit(visited, 5));
    USE(kept);
    ledger_print();
    return 0;
}
