/* SPDX-License-Identifier: MIT
 *
 * The limit that control groups, version 1 or 2, set on the memory of this process, and what counts
 * against it. Of the groups that the process is in, one above the other, the one with the lowest
 * limit is meant. Reads small files through descriptors that are open only for the moment; where
 * there are none there is no limit. One thread at a time for each struct.
 */
#ifndef PRELOAD_CGROUP_H
#define PRELOAD_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_PATH_MAX 1024
#define CGROUP_TEXT_MAX 4096

struct cgroup {
    char directory[CGROUP_PATH_MAX]; /* of the group that sets the limit; "": none does */
    bool version_1;
    uint64_t limit_bytes;
    char path[CGROUP_PATH_MAX], text[CGROUP_TEXT_MAX]; /* while reading */
};

/* Finds the group. MEMBERSHIP: "/proc/self/cgroup"; ROOT: "/sys/fs/cgroup". Returns whether there
 * is a limit. */
bool cgroup_find(struct cgroup *c, const char *membership, const char *root);

/* Bytes in use of the group that was found. From ENOUGH on without file pages that the kernel would
 * rather drop than refuse memory: which of them these are takes longer to read. */
uint64_t cgroup_used(struct cgroup *c, uint64_t enough);

#endif
