/* SPDX-License-Identifier: MIT
 *
 * Against dl_iterate_phdr and dladdr.
 */
#include "objects.h"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support.h"

static int setup(void **state)
{
    (void)state;
    objects_start();
    return 0;
}

static int objects_seen;

/* Each loaded object is found by its first and last bytes, and nothing just outside. */
static int check_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size, (void)arg;
    uintptr_t low = UINTPTR_MAX, high = 0, text = 0, text_end = 0, frame_table = 0;
    bool apart = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD) {
            apart = apart || (high && start - high > 4096);
            low = start < low ? start : low;
            high = start + p->p_memsz > high ? start + p->p_memsz : high;
            text = p->p_flags & PF_X ? start : text;
            text_end = p->p_flags & PF_X ? high : text_end;
        } else if (p->p_type == PT_GNU_EH_FRAME) {
            frame_table = start;
        }
    }
    struct object found;
    if (text == 0 || strstr(info->dlpi_name, "vdso")) {
        return 0;
    }
    assert_true(object_find(text, &found));
    assert_int_equal(found.start, low & ~(uintptr_t)4095);
    assert_true(found.end >= (apart ? text_end : high));
    assert_true(found.end <= ((high + 4095) & ~(uintptr_t)4095));
    assert_int_equal(found.load_bias, info->dlpi_addr);
    assert_string_equal(found.name, info->dlpi_name);
    assert_int_equal((uintptr_t)found.eh_frame_hdr, frame_table);
    high = found.end < high ? found.end : high;
    assert_true(object_find(high - 1, &found) && found.load_bias == info->dlpi_addr);
    assert_true(object_find(low, &found) && found.load_bias == info->dlpi_addr);
    assert_true(!object_find(low - 1, &found) || found.load_bias != info->dlpi_addr);
    objects_seen++;
    return 0;
}

static void every_object_is_found(void **state)
{
    (void)state;
    objects_seen = 0;
    dl_iterate_phdr(check_object, NULL);
    assert_true(objects_seen >= 3); /* the program, libc, the loader */
}

static void what_is_in_no_object(void **state)
{
    (void)state;
    struct object found;
    int local = 0;
    void *heap = malloc(100);
    void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_false(object_find((uintptr_t)&local, &found));
    assert_false(object_find((uintptr_t)heap, &found));
    assert_false(object_find((uintptr_t)map, &found));
    assert_false(object_find(0, &found));
    assert_false(object_find(UINTPTR_MAX, &found));
    munmap(map, 4096);
    free(heap);
}

static void the_loader_is_known(void **state)
{
    (void)state;
    void *in_loader = dlsym(RTLD_DEFAULT, "__tls_get_addr");
    assert_true(objects_in_loader((uintptr_t)in_loader));
    assert_false(objects_in_loader((uintptr_t)&objects_start));
    assert_false(objects_in_loader((uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version")));
    assert_false(objects_in_loader(0));
    assert_false(objects_in_loader(UINTPTR_MAX));
}

static uintptr_t handler_returns_to;

static void handler(int number)
{
    (void)number;
    handler_returns_to = (uintptr_t)__builtin_return_address(0);
}

static void trampolines_are_where_handlers_return(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    assert_true(handler_returns_to != 0);
    struct object in;
    if (object_find(handler_returns_to, &in) && strstr(in.name, "san.so")) {
        skip(); /* a sanitizer calls the handler */
    }
    assert_true(object_is_signal_trampoline(handler_returns_to));
    assert_false(object_is_signal_trampoline(handler_returns_to + 1));
    assert_false(object_is_signal_trampoline((uintptr_t)&handler));
    assert_false(
        object_is_signal_trampoline((uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version")));
    assert_false(object_is_signal_trampoline((uintptr_t)&handler_returns_to));
    assert_false(object_is_signal_trampoline(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_object_is_found),
        cmocka_unit_test(what_is_in_no_object),
        cmocka_unit_test(the_loader_is_known),
        cmocka_unit_test(trampolines_are_where_handlers_return),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
