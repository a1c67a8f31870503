/* SPDX-License-Identifier: MIT
 *
 * Text inside XML 1.0. No state; write errors stay in the stream.
 */
#ifndef REPORT_GATE_XML_H
#define REPORT_GATE_XML_H

#include <stdio.h>

/* As content or between double quotes. What XML cannot hold (controls, bytes that are not UTF-8)
 * appears in writing, as quote_text has it; newlines and tabs stay in content, and are references
 * between quotes, where a reader would make blanks of them. */
void xml_content(FILE *out, const char *text);
void xml_attribute(FILE *out, const char *name, const char *value);

#endif
