/* SPDX-License-Identifier: MIT
 *
 * Which loaded object an address belongs to, as the dynamic loader knows it: by _dl_find_object
 * (glibc 2.35), which takes no lock, else by dl_iterate_phdr. Any thread, under the guard.
 */
#ifndef PRELOAD_OBJECTS_H
#define PRELOAD_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object {
    /* The whole mapping, all segments; but for data that lies apart from the code, as it does in
     * executables for aarch64: there the end may be the code's. */
    uintptr_t start, end;
    uintptr_t load_bias;         /* address = ELF virtual address + load_bias */
    const char *name;            /* as the loader has it; "" for the executable */
    const uint8_t *eh_frame_hdr; /* NULL: none */
    uintptr_t map;               /* the loader's struct link_map; 0: unknown */
};

/* Looks up _dl_find_object; call once before the first use. */
void objects_start(void);

/* Whether an object's `map` is known: a block that the loader frees after it has unloaded what it
 * describes (_dl_close_worker). */
bool objects_have_maps(void);

/* ADDRESS is in an object that stays while this is called: that of code which is being executed. */
bool object_find(uintptr_t address, struct object *object);

/* The same where another thread may be unloading the object: NAME, of SIZE bytes, gets a copy of
 * the name, cut if there is no room. */
bool object_find_leaving(uintptr_t address, struct object *object, char *name, size_t size);

/* Whether ADDRESS is in the dynamic loader's code. False before objects_start. */
struct objects_loader {
    uintptr_t start, size;
};
extern struct objects_loader objects_loader __attribute__((visibility("hidden")));

static inline bool objects_in_loader(uintptr_t address)
{
    return address - objects_loader.start < objects_loader.size;
}

/* Whether IP is the start of code that returns from a signal handler (rt_sigreturn): by its bytes,
 * as libunwind and gdb tell it. Memory outside of loaded objects is probed before it is read. */
bool object_is_signal_trampoline(uintptr_t ip);

#endif
