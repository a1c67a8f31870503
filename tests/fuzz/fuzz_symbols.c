/* SPDX-License-Identifier: MIT
 *
 * Bytes as a module of the profiled program, or as what a debuginfod server sent for one, which is
 * opened in the same way: addresses all over it are looked up. Any answer will do that keeps to
 * symbolize.h. A build-id is taken from the bytes themselves, as a file is used only with the right
 * one.
 */
#include "dump.h"
#include "file.h"
#include "fuzz.h"
#include "symbolize.h"

#include <gelf.h>
#include <stdlib.h>

#define MAX_SIZE (256 << 10)
#define FIXED_BYTES ((size_t)128 << 10)
#define ADDRESSES 12

/* Where the first executable segment lies, as far as the bytes have one. */
static void find_code(const uint8_t *data, size_t size, uint64_t *start, uint64_t *length)
{
    Elf *elf = elf_memory((char *)(uintptr_t)data, size);
    size_t n = 0;
    *start = 0x1000;
    *length = 0x1000;
    if (elf && elf_kind(elf) == ELF_K_ELF && elf_getphdrnum(elf, &n) == 0) {
        for (size_t i = 0; i < n; i++) {
            GElf_Phdr h;
            if (gelf_getphdr(elf, (int)i, &h) && h.p_type == PT_LOAD && (h.p_flags & PF_X)) {
                *start = h.p_vaddr;
                *length = h.p_memsz;
                break;
            }
        }
    }
    elf_end(elf);
}

static void check(struct symbolizer *s, const struct dump_module *module, uint64_t address)
{
    const struct symbol *frames;
    size_t n = symbolizer_lookup(s, module, address, &frames);
    if (n == 0)
        abort();
    for (size_t i = 0; i < n; i++) {
        struct function_span span;
        if (!frames[i].function || (frames[i].line && !frames[i].file) ||
            frames[i].inlined != (i + 1 < n))
            abort();
        if (symbolizer_frame_span(s, module, address, i, &span) && span.first > span.last)
            abort();
    }
}

int fuzz_one(const uint8_t *data, size_t size)
{
    if (size > MAX_SIZE)
        return -1;
    elf_version(EV_CURRENT);
    uint64_t start, length;
    find_code(data, size, &start, &length);
    struct dump_module module = {.path = file_of_bytes(data, size)};
    struct symbolize_options options = {.demangle = true};
    struct symbolizer *s = symbolizer_new(&options);
    if (!s)
        abort();
    for (unsigned i = 0; i < ADDRESSES; i++)
        check(s, &module, start + length / ADDRESSES * i + i % 3);
    check(s, &module, UINT64_MAX);
    symbolizer_free(s);
    return 0;
}

size_t fuzz_memory(const uint8_t *data, size_t size)
{
    (void)data;
    return fuzz_memory_within(size, FIXED_BYTES);
}
