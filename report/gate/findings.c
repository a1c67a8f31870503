/* SPDX-License-Identifier: MIT
 *
 * Findings: a stack in words, the frame in it that is to blame, and a name for it that outlasts
 * rebuilds.
 */
#include "function_name.h"
#include "gate.h"
#include "memory.h"
#include "pathname.h"
#include "pool.h"
#include "runtime.h"
#include "source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG_NAME 80
#define FRAMES 64 /* of a stack that are told, unless --frames says otherwise */

static const struct job *job_of(const struct gate *g, const struct model *m)
{
    size_t i = 0;
    while (i + 1 < g->njobs && g->jobs[i]->model != m)
        i++;
    return g->jobs[i];
}

/* FILE as the reader of the report knows it. */
static const char *shown_file(struct gate *g, const struct job *job, const char *file,
                              bool *relative)
{
    const char *mapped = sources_mapped(job->sources, file);
    const char *name = mapped ? mapped : file, *root = g->verdict.root;
    *relative = false;
    if (root && model_is_below(name, root)) {
        *relative = true;
        name += strlen(root);
        name += strspn(name, "/");
    } else if (*name != '/' && root) {
        /* Of what a build without absolute names left, only what is here is the project's. */
        char *path = pathname_below(root, name);
        *relative = path && model_is_below(path, root) && access(path, F_OK) == 0;
        free(path);
    }
    return pool_intern(g->verdict.strings, name);
}

static struct verdict_frame make_frame(struct gate *g, const struct job *job,
                                       const struct model_ref *ref)
{
    const struct place *p = &job->model->places[ref->place];
    struct verdict_frame f = {.function = p->function, .inlined = ref->inlined, .own = p->own};
    f.brief = p->function;
    if (strlen(p->function) > LONG_NAME) {
        char *plain = function_name_plain(p->function);
        f.brief = pool_intern(g->verdict.strings, plain);
        free(plain);
    }
    if (p->file && p->line) {
        f.file = shown_file(g, job, p->file, &f.relative);
        f.line = p->line;
    }
    if (p->module)
        f.module = pathname_base(p->module);
    return f;
}

/* Whether P, with a line or WITHOUT, may be somebody's mistake, and is not in the libraries of the
 * system. */
static bool is_responsible(const struct place *p, bool without)
{
    return (without || p->file) && !runtime_is_module(p->module) && !identity_is_of_the_system(p) &&
           !model_is_operator_new(p);
}

/* The frame to blame: the one that was asked for; else the innermost of the project; else that
 * which is not the system's; else that which calls the allocator. */
static size_t find_where(const struct model *m, const struct model_ref *stack, size_t n,
                         const struct gate_blame *blame)
{
    size_t caller = n;
    for (size_t i = 0; blame->at && i < n; i++)
        if (blame->at(&m->places[stack[i].place], blame->at_arg))
            return i;
    for (size_t i = 0; i < n; i++)
        if (m->places[stack[i].place].own)
            return i;
    for (size_t i = 0; i < 2 * n; i++)
        if (is_responsible(&m->places[stack[i % n].place], i >= n))
            return i % n;
    for (size_t i = n; i-- > 0;)
        if (!model_is_operator_new(&m->places[stack[i].place]))
            caller = i;
    return caller < n ? caller : 0;
}

/* FNV-1a, 64 bits; http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do {
        hash ^= (unsigned char)*text;
        hash *= UINT64_C(0x100000001b3);
    } while (*text++);
    return hash;
}

/* Of the check and the stack's identity, in which there is no address and no line that moves. */
static void make_fingerprint(const struct gate *g, char *out, const char *check, uint32_t node)
{
    uint64_t a = hash_text(UINT64_C(0xcbf29ce484222325), check), b = hash_text(~a, check);
    while (node != IDENTITY_ROOT) {
        const struct identity_node *n = identities_node_at(g->identities, node);
        const struct identity_frame *f = identities_frame_at(g->identities, n->frame);
        char line[16];
        snprintf(line, sizeof line, "%" PRId32, f->line);
        const char *const parts[] = {f->module ? f->module : "", f->function ? f->function : "",
                                     line};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            a = hash_text(a, parts[i]);
            b = hash_text(b ^ a, parts[i]);
        }
        node = n->parent;
    }
    snprintf(out, VERDICT_FINGERPRINT, "%016" PRIx64 "%016" PRIx64, a, b);
}

/* How many of the N frames are told: as far as the one to blame at least. */
static size_t frames_told(const struct gate *g, size_t n, size_t where)
{
    size_t most = g->options->has_frames ? g->options->frames : FRAMES;
    if (most == 0 || n <= most)
        return n;
    return where < most ? most : where + 1;
}

static void put_stack(struct gate *g, struct verdict_finding *f, const struct gate_blame *blame)
{
    const struct job *job = job_of(g, blame->entry->model);
    size_t n;
    struct model_ref *stack = model_stack(job->model, blame->entry->frame, &n);
    f->where = find_where(job->model, stack, n, blame);
    f->nframes = frames_told(g, n, f->where);
    f->left_out = n - f->nframes;
    f->frames = pool_zero(g->verdict.strings, f->nframes, sizeof *f->frames);
    for (size_t i = 0; i < f->nframes; i++)
        f->frames[i] = make_frame(g, job, &stack[i]);
    free(stack);
    if (blame->leak && g->o->gen_suppressions)
        f->suppression = gate_suggest(g, job->model, blame->entry->frame);
}

/* By what is proposed, then in the order of the report. */
static int by_proposal(const void *a, const void *b)
{
    const struct verdict_finding *const *p = a, *const *q = b;
    uintptr_t one = (uintptr_t)(*p)->suppression, other = (uintptr_t)(*q)->suppression;
    return one != other ? (one > other) - (one < other) : (*p > *q) - (*p < *q);
}

/* Equal proposals are the same words. Each check tells a stack once. */
void gate_count_proposals(struct verdict *v)
{
    struct verdict_finding **list = mem_alloc(v->nfindings * sizeof *list), *first = NULL;
    size_t n = 0, stacks = 0;
    for (size_t i = 0; i < v->nfindings; i++)
        if (v->findings[i].suppression)
            list[n++] = &v->findings[i];
    qsort(list, n, sizeof *list, by_proposal);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || list[i]->suppression != list[i - 1]->suppression)
            first = list[i];
        bool same = list[i] != first && list[i]->check == list[i - 1]->check;
        stacks = same ? stacks + 1 : 1;
        if (stacks > first->covers)
            first->covers = stacks;
    }
    free(list);
}

void gate_blame(struct gate *g, const struct gate_blame *blame)
{
    struct verdict *v = &g->verdict;
    struct verdict_check *c = &v->checks[v->nchecks - 1];
    v->findings =
        mem_grow(v->findings, &g->finding_capacity, v->nfindings + 1, sizeof *v->findings);
    struct verdict_finding *f = &v->findings[v->nfindings++];
    *f = (struct verdict_finding){.check = c->name,
                                  .message = blame->message,
                                  .bytes = blame->bytes,
                                  .blocks = blame->blocks};
    c->n++;
    gate_name(g, GATE_NAMES_SHOWN);
    make_fingerprint(g, f->fingerprint, c->name, blame->entry->node);
    if (blame->entry->model)
        put_stack(g, f, blame);
}
