/* SPDX-License-Identifier: MIT
 *
 * How much of the heap an input makes a target hold, counted in each allocation by the sanitizer's
 * hooks, and compared with what the target allows. Without AddressSanitizer nothing is counted. The
 * greatest share of what is allowed is told at the end of a run.
 *
 * Libraries of the system count, too: all that goes through malloc.
 */
#include "fuzz.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Of compiler-rt's sanitizer/allocator_interface.h; NULL in a build without. */
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *))
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *p) __attribute__((weak));

/* Of the heap now, and the most since it was set. */
static atomic_size_t held, most;

static void on_malloc(const volatile void *p, size_t size)
{
    (void)p;
    const size_t now = atomic_fetch_add(&held, size) + size;
    if (now > atomic_load(&most))
        atomic_store(&most, now);
}

static void on_free(const volatile void *p)
{
    if (p)
        atomic_fetch_sub(&held, __sanitizer_get_allocated_size(p));
}

/* Of the input that came nearest to its bound. */
static struct {
    size_t taken, allowed, input;
} nearest = {.allowed = 1};

static void tell(void)
{
    fprintf(stderr, "stat::most_of_allowed_memory: %zu of %zu bytes for an input of %zu\n",
            nearest.taken, nearest.allowed, nearest.input);
}

static bool begin(void)
{
    const bool counted = __sanitizer_install_malloc_and_free_hooks &&
                         __sanitizer_get_allocated_size &&
                         __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    if (counted && atexit(tell) != 0)
        abort();
    return counted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int counted = -1;
    if (counted < 0)
        counted = begin();
    const size_t before = atomic_load(&held);
    atomic_store(&most, before);
    const int result = fuzz_one(data, size);
    const size_t peak = atomic_load(&most);
    const size_t taken = peak > before ? peak - before : 0;
    const size_t allowed = fuzz_memory(data, size);
    if ((double)taken / (double)allowed > (double)nearest.taken / (double)nearest.allowed) {
        nearest.taken = taken;
        nearest.allowed = allowed;
        nearest.input = size;
    }
    if (counted && taken > allowed) {
        fprintf(stderr, "an input of %zu bytes took %zu bytes of memory, expected at most %zu\n",
                size, taken, allowed);
        abort();
    }
    return result;
}
