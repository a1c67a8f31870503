/* SPDX-License-Identifier: MIT
 *
 * What the stages of recording cost by themselves, and what the alternatives to them do:
 *
 *     stages                 times all stages, in turn, several times; prints the medians
 *     stages --list          one line for each: name, name of its base, what it is
 *     stages NAME COUNT      does so many operations of one, to be counted by another program
 *
 * stages.py counts instructions that way: they do not depend on what else the machine does. The
 * stages `pair-..` call malloc and free: what hooks add to them shows with the library preloaded.
 */
#include "stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 7
#define MAX_STAGES 32

struct arena_pool stages_pool;
volatile unsigned long long stages_sink;

static const struct stage *all[MAX_STAGES];
static size_t stage_count;

void *stages_map(size_t size)
{
    void *memory = arena_pool_map(&stages_pool, size);
    if (!memory) {
        fputs("stages: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static void gather(const struct stage *stages)
{
    for (; stages->name && stage_count < MAX_STAGES; stages++) {
        all[stage_count++] = stages;
    }
}

static void list(void)
{
    for (size_t i = 0; i < stage_count; i++) {
        printf("%s\t%s\t%s\n", all[i]->name, all[i]->base, all[i]->what);
    }
}

static int run_one(const char *name, const char *count)
{
    for (size_t i = 0; i < stage_count; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            if (all[i]->prepare) {
                all[i]->prepare();
            }
            all[i]->run(strtoul(count, NULL, 10));
            return 0;
        }
    }
    fprintf(stderr, "stages: '%s': there is no such stage, see stages --list\n", name);
    return 2;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_one(const struct stage *stage)
{
    if (stage->prepare) {
        stage->prepare();
    }
    double before = now_ns();
    stage->run(stage->count);
    return (now_ns() - before) / (double)stage->count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_all(void)
{
    static double ns[MAX_STAGES][ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
        for (size_t i = 0; i < stage_count; i++) {
            double taken = time_one(all[i]);
            if (round >= 0) { /* the first one warms up */
                ns[i][round] = taken;
            }
        }
    }
    for (size_t i = 0; i < stage_count; i++) {
        qsort(ns[i], ROUNDS, sizeof ns[i][0], compare);
        printf("%-16s %8.1f ns (%.1f to %.1f)  %s\n", all[i]->name, ns[i][ROUNDS / 2], ns[i][0],
               ns[i][ROUNDS - 1], all[i]->what);
    }
}

int main(int argc, char **argv)
{
    gather(stages_capture);
    gather(stages_live);
    gather(stages_count);
    if (argc == 3) {
        return run_one(argv[1], argv[2]);
    }
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    if (argc > 1) {
        fputs("usage: stages [--list | NAME COUNT]\n", stderr);
        return 2;
    }
    time_all();
    return 0;
}
