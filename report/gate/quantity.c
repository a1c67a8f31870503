/* SPDX-License-Identifier: MIT */
#include "quantity.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The most that a dump can say. */
#define GREATEST INT64_MAX

/* The digits at *TEXT, with at most one point among them; moves *TEXT behind them. */
static int take_decimal(const char **text, double *value)
{
    const char *s = *text;
    size_t whole = strspn(s, "0123456789"), part = 0;
    if (whole && s[whole] == '.')
        part = strspn(s + whole + 1, "0123456789");
    if (!whole || (s[whole] == '.' && !part))
        return -1;
    size_t n = whole + (part ? part + 1 : 0);
    char digits[64];
    if (n >= sizeof digits)
        return -1;
    memcpy(digits, s, n);
    digits[n] = '\0';
    /* Whatever the locale has for a point: none was set. */
    *value = strtod(digits, NULL);
    *text += n;
    return 0;
}

/* How many times 1024 the unit NAME stands for; -1: it is none. */
static int unit_power(const char *name)
{
    static const char letters[] = "kmgt";
    if (!*name || strcasecmp(name, "b") == 0)
        return 0;
    const char *letter = strchr(letters, tolower((unsigned char)*name));
    name++;
    if (!letter || (*name && strcasecmp(name, "b") != 0 && strcasecmp(name, "ib") != 0))
        return -1;
    return (int)(letter - letters) + 1;
}

int quantity_size(const char *text, uint64_t *bytes, struct error *error)
{
    static const char expected[] = "expected a size such as 4096, 512k, 1.5M or 2GiB";
    double value;
    uint64_t whole = 0;
    struct error ignored = {""};
    if (quantity_count(text, &whole, &ignored) == 0) {
        *bytes = whole;
        return 0;
    }
    if (take_decimal(&text, &value))
        return error_set(error, "%s", expected);
    int power = unit_power(text + strspn(text, " "));
    if (power < 0)
        return error_set(error, "%s", expected);
    if (power == 0 && value != floor(value))
        return error_set(error, "is no whole number of bytes, %s", expected);
    value = ceil(ldexp(value, 10 * power));
    if (value >= (double)GREATEST)
        return error_set(error, "%s", expected);
    *bytes = (uint64_t)value;
    return 0;
}

int quantity_count(const char *text, uint64_t *count, struct error *error)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || n > GREATEST)
        return error_set(error, "expected a whole number");
    *count = n;
    return 0;
}

int quantity_percent(const char *text, double *percent, struct error *error)
{
    if (take_decimal(&text, percent) || (*text && strcmp(text, "%") != 0) || *percent > 1e6)
        return error_set(error, "expected a percentage such as 5 or 2.5");
    return 0;
}

int quantity_date(const char *text, struct error *error)
{
    static const char form[] = "dddd-dd-dd";
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char expected[] = "expected a date such as 2027-01-31";
    if (strlen(text) != sizeof form - 1)
        return error_set(error, "%s", expected);
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return error_set(error, "%s", expected);
    int year = atoi(text), month = atoi(text + 5), day = atoi(text + 8);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1] + (month == 2 && leap))
        return error_set(error, "%s", expected);
    return 0;
}
