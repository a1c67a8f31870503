/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "arch.h"
#include "sys.h"

/* The library must load on a libc without _dl_find_object, so it is looked up, and its result
 * struct (public in <dlfcn.h> since glibc 2.35) is used only when it is there. */
static int (*find_object)(void *, struct dl_find_object *);

struct objects_loader objects_loader;

void objects_start(void)
{
    *(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
    /* A function that every dynamic loader has. */
    struct object loader;
    if (object_find((uintptr_t)dlsym(RTLD_DEFAULT, "__tls_get_addr"), &loader)) {
        objects_loader.start = loader.start;
        objects_loader.size = loader.end - loader.start;
    }
}

bool objects_have_maps(void)
{
    return find_object != NULL;
}

struct search {
    uintptr_t address;
    struct object *object;
};

static int visit(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct search *search = arg;
    struct object found = {.start = UINTPTR_MAX, .load_bias = info->dlpi_addr};
    bool inside = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_GNU_EH_FRAME) {
            found.eh_frame_hdr = (const uint8_t *)start;
        }
        if (p->p_type != PT_LOAD) {
            continue;
        }
        inside = inside || search->address - start < p->p_memsz;
        found.start = start < found.start ? start : found.start;
        found.end = start + p->p_memsz > found.end ? start + p->p_memsz : found.end;
    }
    if (!inside) {
        return 0;
    }
    found.start &= ~(uintptr_t)4095;
    found.end = (found.end + 4095) & ~(uintptr_t)4095;
    found.name = info->dlpi_name;
    *search->object = found;
    return 1;
}

static void fill(struct object *object, const struct dl_find_object *found,
                 const struct link_map *map)
{
    object->start = (uintptr_t)found->dlfo_map_start;
    object->end = (uintptr_t)found->dlfo_map_end;
    object->load_bias = map->l_addr;
    object->name = map->l_name;
    object->eh_frame_hdr = found->dlfo_eh_frame;
    object->map = (uintptr_t)found->dlfo_link_map;
}

bool object_find(uintptr_t address, struct object *object)
{
    if (!find_object) {
        struct search search = {address, object};
        return dl_iterate_phdr(visit, &search) != 0;
    }
    struct dl_find_object found;
    if (find_object((void *)address, &found) != 0) {
        return false;
    }
    fill(object, &found, found.dlfo_link_map);
    return true;
}

/* A copy of the string at FROM, up to the first page that cannot be read. */
static void copy_name(char *name, size_t size, const char *from)
{
    size_t length = 0;
    while (length < size - 1) {
        const uintptr_t at = (uintptr_t)from + length;
        size_t n = 256 - at % 256; /* which lies in one page */
        n = n < size - 1 - length ? n : size - 1 - length;
        if (!sys_copy(name + length, at, n)) {
            break;
        }
        const char *end = memchr(name + length, '\0', n);
        if (end) {
            return;
        }
        length += n;
    }
    name[length] = '\0';
}

bool object_find_leaving(uintptr_t address, struct object *object, char *name, size_t size)
{
    if (!find_object) {
        if (!object_find(address, object)) {
            return false;
        }
        copy_name(name, size, object->name);
    } else {
        struct dl_find_object found;
        struct link_map map = {0};
        if (find_object((void *)address, &found) != 0 ||
            !sys_copy(&map, (uintptr_t)found.dlfo_link_map, sizeof map)) {
            return false;
        }
        fill(object, &found, &map);
        copy_name(name, size, map.l_name);
    }
    object->name = name;
    return true;
}

bool object_is_signal_trampoline(uintptr_t ip)
{
    static const uint8_t code[] = ARCH_SIGNAL_RETURN;
    struct object object;
    /* It may be in a page of its own, that the kernel or an emulator maps. */
    bool there = object_find(ip, &object) ? ip + sizeof code <= object.end
                                          : sys_readable(ip) && sys_readable(ip + sizeof code - 8);
    return there && memcmp((const void *)ip, code, sizeof code) == 0;
}
