/* SPDX-License-Identifier: MIT
 *
 * unloads A B ROUNDS [TIMES]: in each round loads library A, has it allocate 10 blocks of 100 bytes
 * that stay, unloads it, and does the same with B, 20 blocks and 50 bytes; blocks are TIMES as
 * large. Prints in how many rounds the two were at the same address. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *use(const char *path, int count, size_t size)
{
    void *handle = dlopen(path, RTLD_NOW);
    void *(*make)(size_t) = handle ? (void *(*)(size_t))dlsym(handle, "plugin_make") : NULL;
    if (!make)
        abort();
    for (int i = 0; i < count; i++)
        if (!make(size))
            abort();
    dlclose(handle);
    return (void *)make;
}

int main(int argc, char **argv)
{
    int same = 0;
    char text[32];
    if (argc < 4)
        return 2;
    size_t times = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
    for (int i = atoi(argv[3]); i > 0; i--) {
        void *first = use(argv[1], 10, 100 * times);
        same += first == use(argv[2], 20, 50 * times);
    }
    int n = snprintf(text, sizeof text, "%d\n", same);
    return write(1, text, (size_t)n) != n;
}
