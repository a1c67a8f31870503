/* SPDX-License-Identifier: MIT
 *
 * libtally.so: an oracle for any number of calls by any number of threads, preloaded in front of
 * the profiler. Unlike libshim.so it keeps no log: it adds up what each place in the executable
 * that calls an allocation function allocates, and what of that is freed, by whomever. At the end
 * it writes to the file that TALLY_OUT names a line of JSON for each place: its offset in the file,
 * and its counts.
 *
 * Independent of the profiler in all respects. Live blocks are in a hash table of chains, in
 * stripes with a lock each; a block leaves it before the real free and comes in after the real
 * malloc, so that no other thread can have been given the address in between.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STRIPES 4096u
#define CHAINS 512u /* of a stripe */
#define PLACES 1024u
#define NODES_BYTES ((size_t)1 << 14)

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*memalign)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
} next;

/* A return address in the executable. */
struct place {
    _Atomic uintptr_t caller;
    _Atomic uint64_t alloc_count, alloc_bytes, free_count, freed_bytes;
};

struct node {
    struct node *next;
    uintptr_t block;
    size_t size;
    struct place *place;
};

struct stripe {
    _Atomic int lock;
    struct node *free;
    struct node **chain;
};

static struct place places[PLACES];
static struct stripe stripes[STRIPES];
static uintptr_t code_start, code_size, code_offset;

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

/* The executable's code is the first object's executable segment. */
static int find_code(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
            code_start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            code_offset = info->dlpi_phdr[i].p_offset;
            code_size = info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

/* Others allocate before our constructor. */
static void resolve(void)
{
    static _Atomic int started;
    if (atomic_exchange(&started, 1))
        return;
    next.calloc = dlsym(RTLD_NEXT, "calloc");
    next.realloc = dlsym(RTLD_NEXT, "realloc");
    next.free = dlsym(RTLD_NEXT, "free");
    next.memalign = dlsym(RTLD_NEXT, "memalign");
    next.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    next.malloc = dlsym(RTLD_NEXT, "malloc");
}

static struct place *place_of(uintptr_t caller)
{
    for (unsigned i = (unsigned)(caller * 0x9e3779b97f4a7c15u >> 54), n = 0; n < PLACES; n++) {
        struct place *p = &places[(i + n) % PLACES];
        uintptr_t known = atomic_load_explicit(&p->caller, memory_order_relaxed);
        if (known == 0 && atomic_compare_exchange_strong(&p->caller, &known, caller))
            return p;
        if (known == caller)
            return p;
    }
    abort();
}

static void add(_Atomic uint64_t *count, _Atomic uint64_t *bytes, size_t size)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(bytes, size, memory_order_relaxed);
}

/* The chain of BLOCK, in its stripe, which is locked. */
static struct node **enter(uintptr_t block, struct stripe **locked)
{
    uint64_t hash = (block >> 4) * 0x9e3779b97f4a7c15u;
    struct stripe *s = *locked = &stripes[hash >> 52];
    while (atomic_exchange_explicit(&s->lock, 1, memory_order_acquire))
        sched_yield();
    if (!s->chain)
        s->chain = map(CHAINS * sizeof *s->chain);
    return &s->chain[hash >> 40 & (CHAINS - 1)];
}

static void leave(struct stripe *s)
{
    atomic_store_explicit(&s->lock, 0, memory_order_release);
}

static void more_nodes(struct stripe *s)
{
    struct node *node = map(NODES_BYTES);
    for (size_t i = 0; i < NODES_BYTES / sizeof *node; i++) {
        node[i].next = s->free;
        s->free = &node[i];
    }
}

static void put(void *block, size_t size, struct place *place)
{
    struct stripe *s;
    struct node **chain = enter((uintptr_t)block, &s);
    if (!s->free)
        more_nodes(s);
    struct node *node = s->free;
    s->free = node->next;
    *node = (struct node){*chain, (uintptr_t)block, size, place};
    *chain = node;
    leave(s);
}

/* Takes BLOCK out. Its place is NULL if the executable did not allocate it. */
static struct node take(void *block)
{
    struct stripe *s;
    struct node found = {0};
    for (struct node **n = enter((uintptr_t)block, &s); *n; n = &(*n)->next)
        if ((*n)->block == (uintptr_t)block) {
            struct node *node = *n;
            found = *node;
            *n = node->next;
            node->next = s->free;
            s->free = node;
            break;
        }
    leave(s);
    return found;
}

static void allocated(uintptr_t caller, void *block, size_t size)
{
    if (!block || caller - code_start >= code_size)
        return;
    struct place *place = place_of(caller);
    add(&place->alloc_count, &place->alloc_bytes, size);
    put(block, size, place);
}

static void freed(const struct node *node)
{
    if (node->place)
        add(&node->place->free_count, &node->place->freed_bytes, node->size);
}

#define CALLER ((uintptr_t)__builtin_return_address(0))

/* If dlsym itself allocates, it does without. */
#define NEXT(name, none)                                                                           \
    if (!next.malloc)                                                                              \
        resolve();                                                                                 \
    if (!next.name)                                                                                \
        return none;

void *malloc(size_t size)
{
    NEXT(malloc, NULL)
    void *p = next.malloc(size);
    allocated(CALLER, p, size);
    return p;
}

void *calloc(size_t n, size_t size)
{
    NEXT(calloc, NULL)
    void *p = next.calloc(n, size);
    allocated(CALLER, p, n * size);
    return p;
}

void *realloc(void *old, size_t size)
{
    NEXT(realloc, NULL)
    struct node node = {0};
    if (old)
        node = take(old);
    void *p = next.realloc(old, size);
    if (p || (old && !size))
        freed(&node);
    else if (node.place)
        put(old, node.size, node.place);
    allocated(CALLER, p, size);
    return p;
}

void free(void *old)
{
    NEXT(free, )
    if (!old)
        return;
    struct node node = take(old);
    freed(&node);
    next.free(old);
}

void *memalign(size_t alignment, size_t size)
{
    NEXT(memalign, NULL)
    void *p = next.memalign(alignment, size);
    allocated(CALLER, p, size);
    return p;
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    NEXT(posix_memalign, 12)
    int error = next.posix_memalign(out, alignment, size);
    allocated(CALLER, error ? NULL : *out, size);
    return error;
}

static __attribute__((destructor)) void tell(void)
{
    const char *path = getenv("TALLY_OUT");
    FILE *f = path ? fopen(path, "w") : NULL;
    for (unsigned i = 0; f && i < PLACES; i++)
        if (places[i].caller)
            fprintf(f,
                    "{\"offset\": %" PRIuPTR ", \"alloc_count\": %" PRIu64
                    ", \"alloc_bytes\": %" PRIu64 ", \"free_count\": %" PRIu64
                    ", \"freed_bytes\": %" PRIu64 "}\n",
                    places[i].caller - code_start + code_offset, places[i].alloc_count,
                    places[i].alloc_bytes, places[i].free_count, places[i].freed_bytes);
    if (f)
        fclose(f);
}

static __attribute__((constructor)) void start(void)
{
    resolve();
    dl_iterate_phdr(find_code, NULL);
}
