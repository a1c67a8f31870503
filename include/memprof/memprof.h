/* SPDX-License-Identifier: MIT
 *
 * memprof client API, for programs that want to steer the profiler that may or may not watch them.
 *
 * The header is usable without the library: each function is a static inline that does nothing, at
 * the cost of one test, where libmemprof.so is not loaded. Link against nothing.
 *
 * All functions may be called from any thread, but not from a signal handler. They keep errno.
 */
#ifndef MEMPROF_H
#define MEMPROF_H

#ifdef __cplusplus
extern "C" {
#endif

/* The symbols that libmemprof.so exports, absent elsewhere. Call the functions below instead. */
extern int memprof_exported_dump(const char *path) __asm__("memprof_dump") __attribute__((weak));
extern int memprof_exported_recording(void) __asm__("memprof_recording") __attribute__((weak));

static inline int memprof_dump(const char *path) __asm__("memprof_call_dump");
static inline int memprof_recording(void) __asm__("memprof_call_recording");

/* Writes a dump now, with reason "api", to PATH, or, if PATH is NULL, to where MEMPROF_OUT says.
 * PATH takes the same %-sequences as MEMPROF_OUT. Returns 0; -1 if the dump could not be written
 * (one line on standard error says why); 1 if the library is not loaded or not enabled. */
static inline int memprof_dump(const char *path)
{
    return memprof_exported_dump ? memprof_exported_dump(path) : 1;
}

/* Whether allocations of this process are being recorded: 1 or 0. */
static inline int memprof_recording(void)
{
    return memprof_exported_recording ? memprof_exported_recording() : 0;
}

#ifdef __cplusplus
}
#endif

#endif
