/* SPDX-License-Identifier: MIT
 *
 * odd_frames WHAT N: allocates N times for each kind of frame that no table describes.
 *
 *     generated   machine code made at run time, with and without a frame pointer, always new code
 * at the same addresses smashed     assembly whose frame pointer holds what no frame pointer would,
 * without tables pivot       assembly that goes on on another stack, without tables bare        C
 * compiled without tables (odd_frames_bare.c)
 *
 * Prints how many allocations of 55 bytes it made. Status 77: not on this processor.
 */
#include "odd_frames.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define PAGE ((size_t)4096)

static size_t count, made;

static __attribute__((noinline)) void take(void)
{
    void *p = malloc(55);
    __asm__ volatile("" : "+r"(p)::"memory");
    free(p);
    made++;
}

#if defined(__x86_64__)

/* Calls FUNCTION with the frame pointer BP; and with the stack pointer TOP. */
void call_with_bp(void (*function)(void), uintptr_t bp);
void call_on_stack(void (*function)(void), void *top);
__asm__(".text\n"
        ".type call_with_bp, @function\n"
        "call_with_bp:\n"
        "    push %rbp\n"
        "    mov %rsi, %rbp\n"
        "    call *%rdi\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size call_with_bp, . - call_with_bp\n"
        ".type call_on_stack, @function\n"
        "call_on_stack:\n"
        "    push %rbx\n"
        "    mov %rsp, %rbx\n"
        "    mov %rsi, %rsp\n"
        "    call *%rdi\n"
        "    mov %rbx, %rsp\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size call_on_stack, . - call_on_stack\n");

/* push %rbp; mov %rsp, %rbp; call *%rdi; pop %rbp; ret */
static const uint8_t framed[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
/* sub $56, %rsp; call *%rdi; add $56, %rsp; ret */
static const uint8_t frameless[] = {0x48, 0x83, 0xec, 0x38, 0xff, 0xd7,
                                    0x48, 0x83, 0xc4, 0x38, 0xc3};

static void generated(void)
{
    const int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
    for (size_t i = 0; i < count; i++) {
        uint8_t *code = mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (code == MAP_FAILED)
            exit(77);
        if (i % 2)
            memcpy(code, framed, sizeof framed);
        else
            memcpy(code, frameless, sizeof frameless);
        void (*call)(void (*)(void));
        memcpy(&call, &code, sizeof call);
        call(take);
        munmap(code, PAGE);
    }
}

static void smashed(void)
{
    char *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const uintptr_t values[] = {
        0,
        1,
        8,
        UINTPTR_MAX - 7,
        0x4141414141414141,
        (uintptr_t)page,
        here,
        here - 4096,
        here + 3,
        here & ~0xfffful,
        here + (16 << 20),
        (uintptr_t)take,
        (uintptr_t)&count,
    };
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < LENGTH(values); j++)
            call_with_bp(take, values[j]);
    }
    munmap(page, PAGE);
}

static void pivot(void)
{
    const size_t size = (size_t)64 << 10;
    for (size_t i = 0; i < count; i++) {
        char *low = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (low == MAP_FAILED)
            exit(5);
        call_on_stack(take, low + size);
        munmap(low, size);
    }
}

#else

static void other_processor(void)
{
    exit(77);
}
#define generated other_processor
#define smashed other_processor
#define pivot other_processor

#endif

static void bare(void)
{
    for (size_t i = 0; i < count; i++)
        odd_frames_bare(take, (unsigned)(i % 8));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {{"generated", generated}, {"smashed", smashed}, {"pivot", pivot}, {"bare", bare}};
    count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    for (size_t i = 0; argc > 2 && i < LENGTH(all); i++) {
        if (strcmp(argv[1], all[i].name) == 0) {
            all[i].run();
            printf("%zu allocations\n", made);
            return 0;
        }
    }
    return 2;
}
