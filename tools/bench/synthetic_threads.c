/* SPDX-License-Identifier: MIT
 *
 * The workloads with threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "paths.h"
#include "synthetic.h"

static pthread_t start(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, argument) != 0) {
        fputs("synthetic: cannot start a thread\n", stderr);
        exit(1);
    }
    return thread;
}

struct walker {
    pthread_t thread;
    uint64_t count, paths, seed, sum;
};

static void walker_leaf(void *context)
{
    struct walker *w = context;
    size_t size = 16 + paths_random(&w->seed) % 1000;
    volatile unsigned char *p = synthetic_allocate(size);
    p[0] = (unsigned char)size;
    w->sum += p[0] + size;
    free((void *)p);
}

static void *walk(void *argument)
{
    struct walker *w = argument;
    for (uint64_t i = 0; i < w->count; i++) {
        unsigned levels;
        uint64_t path = paths_make(paths_random(&w->seed) % w->paths, &levels);
        paths_walk(path, levels, walker_leaf, w);
    }
    return NULL;
}

/* One thread is the main thread, so that "1" is a program without threads. */
uint64_t synthetic_random_path(const struct synthetic_arguments *arguments)
{
    uint64_t n = arguments->threads, sum = 0;
    struct walker *walker = synthetic_allocate(n * sizeof *walker);
    for (uint64_t i = 0; i < n; i++) {
        walker[i] = (struct walker){
            .count = arguments->count / n, .paths = arguments->paths, .seed = i + 1};
        if (n > 1) {
            walker[i].thread = start(walk, &walker[i]);
        } else {
            walk(&walker[i]);
        }
    }
    for (uint64_t i = 0; i < n; i++) {
        if (n > 1) {
            pthread_join(walker[i].thread, NULL);
        }
        sum += walker[i].sum;
    }
    free(walker);
    return sum;
}

/* Blocks are handed over by the hundred, so that what is measured is not the lock. */
#define BATCH 256
#define BATCHES 16

struct pair {
    pthread_t producer, consumer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t written, read; /* batches */
    uint64_t count, seed, sum;
    unsigned char *batch[BATCHES][BATCH];
};

static void *produce(void *argument)
{
    struct pair *p = argument;
    for (uint64_t i = 0; i < p->count; i++) {
        unsigned char **batch = p->batch[i % BATCHES];
        pthread_mutex_lock(&p->lock);
        while (p->written - p->read == BATCHES) {
            pthread_cond_wait(&p->changed, &p->lock);
        }
        pthread_mutex_unlock(&p->lock);
        for (size_t k = 0; k < BATCH; k++) {
            size_t size = 16 + paths_random(&p->seed) % 240;
            batch[k] = synthetic_allocate(size);
            batch[k][0] = (unsigned char)size;
        }
        pthread_mutex_lock(&p->lock);
        p->written++;
        pthread_cond_signal(&p->changed);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

static void *consume(void *argument)
{
    struct pair *p = argument;
    for (uint64_t i = 0; i < p->count; i++) {
        unsigned char **batch = p->batch[i % BATCHES];
        pthread_mutex_lock(&p->lock);
        while (p->written == p->read) {
            pthread_cond_wait(&p->changed, &p->lock);
        }
        pthread_mutex_unlock(&p->lock);
        for (size_t k = 0; k < BATCH; k++) {
            p->sum += batch[k][0];
            free(batch[k]);
        }
        pthread_mutex_lock(&p->lock);
        p->read++;
        pthread_cond_signal(&p->changed);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

uint64_t synthetic_producer_consumer(const struct synthetic_arguments *arguments)
{
    uint64_t n = arguments->threads, sum = 0;
    struct pair *pair = synthetic_allocate(n * sizeof *pair);
    for (uint64_t i = 0; i < n; i++) {
        pair[i] = (struct pair){.lock = PTHREAD_MUTEX_INITIALIZER,
                                .changed = PTHREAD_COND_INITIALIZER,
                                .count = arguments->count / n / BATCH,
                                .seed = i + 1};
        pair[i].producer = start(produce, &pair[i]);
        pair[i].consumer = start(consume, &pair[i]);
    }
    for (uint64_t i = 0; i < n; i++) {
        pthread_join(pair[i].producer, NULL);
        pthread_join(pair[i].consumer, NULL);
        sum += pair[i].sum;
    }
    free(pair);
    return sum;
}
