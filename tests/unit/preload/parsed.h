/* SPDX-License-Identifier: MIT
 *
 * jansson beside the library's json.h: two functions of each have the same name, and here these are
 * the library's. Use json_stringn and json_pack for jansson's.
 */
#ifndef PARSED_H
#define PARSED_H

#define json_string jansson_string
#define json_null jansson_null
#include <jansson.h>
#undef json_string
#undef json_null

#endif
