/* SPDX-License-Identifier: MIT
 * int asm_function(const struct chain *): hand-written code with line information. The line of the
 * call is ASM_LINE of sample.c. */
    .text
    .globl asm_function
    .type asm_function, %function
asm_function:
#if defined __x86_64__
    subq $8, %rsp
    call probe@PLT /* this line */
    addq $8, %rsp
    ret
#elif defined __aarch64__
    stp x29, x30, [sp, #-16]!
#line 10
    bl probe
    ldp x29, x30, [sp], #16
    ret
#endif
    .size asm_function, . - asm_function
    .section .note.GNU-stack, "", %progbits
