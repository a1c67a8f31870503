/* SPDX-License-Identifier: MIT */
#include "side.h"
#include "memory.h"

#include <stdlib.h>

int side_open(struct side *s, const struct options *options, char *const *paths, size_t n,
              struct identities *identities, stackset_filter *keep, void *arg)
{
    *s = (struct side){.stacks = stackset_new(paths[0], identities),
                       .jobs = mem_zero(n, sizeof *s->jobs)};
    for (size_t i = 0; i < n; i++) {
        struct job *job = &s->jobs[i];
        if (job_open(job, options, paths[i], n == 1 ? s->stacks : NULL)) {
            side_close(s);
            return -1;
        }
        if (job->dump) {
            s->njobs++;
            stackset_add(s->stacks, job->model, keep, arg);
        }
    }
    stackset_sort(s->stacks);
    return 0;
}

void side_close(struct side *s)
{
    for (size_t i = 0; i < s->njobs; i++)
        job_close(&s->jobs[i]);
    free(s->jobs);
    stackset_free(s->stacks);
    *s = (struct side){0};
}
