/* SPDX-License-Identifier: MIT
 *
 * File names as URIs (RFC 3986). Results are malloc'd, for uri_free; without memory the tool ends.
 */
#ifndef REPORT_GATE_URI_H
#define REPORT_GATE_URI_H

/* "src/a%20b.c" of "src/a b.c". */
char *uri_relative(const char *path);

/* "file:///usr/src/a.c" of "/usr/src/a.c"; a relative path stays relative. */
char *uri_file(const char *path);

/* "file:///usr/src/" of "/usr/src". */
char *uri_directory(const char *path);

void uri_free(char *uri);

#endif
