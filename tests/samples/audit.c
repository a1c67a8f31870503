/* SPDX-License-Identifier: MIT
 *
 * libaudit.so, for LD_AUDIT: sees every object and every binding, and allocates in its own
 * namespace while it does. Changes nothing.
 */
#include <link.h>
#include <stdlib.h>

extern unsigned int la_version(unsigned int version);
extern unsigned int la_objopen(struct link_map *map, Lmid_t lmid, uintptr_t *cookie);
extern unsigned int la_objclose(uintptr_t *cookie);
extern uintptr_t la_symbind64(Elf64_Sym *symbol, unsigned int index, uintptr_t *refcook,
                              uintptr_t *defcook, unsigned int *flags, const char *name);

unsigned int la_version(unsigned int version)
{
    return version;
}

unsigned int la_objopen(struct link_map *map, Lmid_t lmid, uintptr_t *cookie)
{
    (void)map, (void)lmid;
    *cookie = (uintptr_t)malloc(24);
    return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

unsigned int la_objclose(uintptr_t *cookie)
{
    free((void *)*cookie);
    return 0;
}

uintptr_t la_symbind64(Elf64_Sym *symbol, unsigned int index, uintptr_t *refcook,
                       uintptr_t *defcook, unsigned int *flags, const char *name)
{
    (void)index, (void)refcook, (void)defcook, (void)flags, (void)name;
    free(malloc(100));
    return symbol->st_value;
}
