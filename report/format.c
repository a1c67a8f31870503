/* SPDX-License-Identifier: MIT */
#include "format.h"

#include <string.h>

const struct format *const formats[] = {&format_text, &format_json, &format_csv, &format_markdown,
                                        NULL};

const struct format *format_find(const char *name)
{
    for (size_t i = 0; formats[i]; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const char *format_base_name(const char *path)
{
    if (!path)
        return "";
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}
