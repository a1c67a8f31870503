/* SPDX-License-Identifier: MIT
 *
 * A small dump that is right in every way, to be spoilt.
 */
#ifndef SAMPLE_DUMP_H
#define SAMPLE_DUMP_H

#define SAMPLE_DUMP                                                                                \
    "{\"format\": \"memprof-dump\", \"version\": 1, \"producer\": \"memprof 0.1.0\",\n"            \
    "\"process\": {\"pid\": 42, \"ppid\": 1, \"exe\": \"/bin/prog\", \"argv\": [\"prog\", "        \
    "\"-x\"], \"cwd\": \"/\", \"hostname\": \"h\", \"start_time\": \"2026-01-01T00:00:00Z\", "     \
    "\"arch\": \"x86_64\", \"allocator\": \"glibc 2.36\", \"parent\": {\"pid\": 41}},\n"           \
    "\"dump\": {\"reason\": \"exit\", \"sequence\": 3, \"elapsed_ns\": 5, \"complete\": true},\n"  \
    "\"mode\": {\"kind\": \"exact\"},\n"                                                           \
    "\"totals\": {\"alloc_count\": 3, \"alloc_bytes\": 30, \"free_count\": 1, "                    \
    "\"freed_bytes\": 10, \"realloc_count\": 0, \"failed_count\": 0, \"temporary_count\": 1, "     \
    "\"live_count\": 2, \"live_bytes\": 20, \"peak_bytes\": 20, \"peak_count\": 2, "               \
    "\"peak_elapsed_ns\": 4, \"peak_error_bytes\": 0, \"dropped_count\": 0, "                      \
    "\"unknown_free_count\": 0, \"truncated_stack_count\": 0},\n"                                  \
    "\"memory\": {\"rss_bytes\": 100, \"peak_rss_bytes\": 200, \"profiler_bytes\": 50},\n"         \
    "\"inherited\": {\"live_count\": 7, \"live_bytes\": 70, \"free_count\": 1},\n"                 \
    "\"coverage\": {\"percent\": 99.5, \"warnings\": [{\"code\": \"c\", \"text\": \"t\"}]},\n"     \
    "\"modules\": [{\"path\": \"/bin/prog\", \"build_id\": null, \"start\": 4096, "                \
    "\"end\": 8192, \"file_offset\": 4096, \"load_bias\": 0, \"loaded_ns\": 0, "                   \
    "\"unloaded_ns\": null}],\n"                                                                   \
    "\"interpreted\": [{\"language\": \"python\", \"file\": \"a.py\", \"function\": \"f\", "       \
    "\"line\": 7}],\n"                                                                             \
    "\"frames\": [[-1, -1, 0], [0, 0, 4200], [1, -2, 0], [1, -1, 99]],\n"                          \
    "\"signal_frames\": [3],\n"                                                                    \
    "\"sites\": [{\"frame\": 2, \"function\": \"malloc\", \"alloc_count\": 2, "                    \
    "\"alloc_bytes\": 20, \"free_count\": 1, \"freed_bytes\": 10, \"temporary_count\": 1, "        \
    "\"live_count\": 1, \"live_bytes\": 10, \"peak_bytes\": 10, \"peak_count\": 1, "               \
    "\"max_live_bytes\": 10, \"size_log2\": [0, 0, 0, 0, 2], \"lifetime_log2_ns\": [0, 1]},\n"     \
    "{\"frame\": 3, \"function\": \"calloc\", \"alloc_count\": 1, \"alloc_bytes\": 10, "           \
    "\"live_count\": 1, \"live_bytes\": 10, \"peak_bytes\": 10, \"peak_count\": 1}],\n"            \
    "\"timeline\": {\"columns\": [\"elapsed_ns\"], \"rows\": [[1, 2, 3, 4]]},\n"                   \
    "\"threads\": [{\"tid\": 42, \"name\": \"main\", \"alloc_count\": 3}],\n"                      \
    "\"leaks\": null, \"of-tomorrow\": {\"unknown\": [1.5]}}\n"

/* The same with the first WANTED replaced, which must be there; to be freed. */
char *sample_dump_spoilt(const char *wanted, const char *replacement);

#endif
