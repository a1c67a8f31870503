/* SPDX-License-Identifier: MIT */
#include "die.h"
#include "quote.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *die_program = "memprof-report";

/* A fixed buffer, since a message may be about memory that could not be had. */
__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
    char message[4096];
    vsnprintf(message, sizeof message, format, args);
    fputs(die_program, stderr);
    fputs(": ", stderr);
    quote_text(stderr, message);
    fputc('\n', stderr);
}

void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    exit(EXIT_UNUSABLE);
}
