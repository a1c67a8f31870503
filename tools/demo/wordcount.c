/* SPDX-License-Identifier: MIT
 *
 * Counts the words of a text: a small program that uses the heap in several ways, one of them
 * wrong. tools/demo.sh profiles it.
 *
 *     wordcount TEXT        prints the ten most frequent words
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096

struct word {
    struct word *next;
    char *text;
    size_t count;
};

static struct word *buckets[BUCKETS];
static size_t distinct;

static void *must(void *block)
{
    if (!block) {
        fputs("wordcount: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

/* A lower-case copy of the LENGTH bytes at TEXT, for the caller to free. */
static char *normalize(const char *text, size_t length)
{
    char *copy = must(malloc(length + 1));
    for (size_t i = 0; i < length; i++)
        copy[i] = (char)tolower((unsigned char)text[i]);
    copy[length] = '\0';
    return copy;
}

static size_t hash(const char *text)
{
    size_t h = 5381;
    for (; *text; text++)
        h = h * 33 + (unsigned char)*text;
    return h % BUCKETS;
}

static void count_word(const char *text, size_t length)
{
    char *key = normalize(text, length);
    struct word **bucket = &buckets[hash(key)];
    for (struct word *word = *bucket; word; word = word->next) {
        if (strcmp(word->text, key) == 0) {
            word->count++;
            return; /* the mistake that the demonstration is to find: key is not freed */
        }
    }
    struct word *word = must(calloc(1, sizeof *word));
    *word = (struct word){.next = *bucket, .text = key, .count = 1};
    *bucket = word;
    distinct++;
}

/* The whole file at once, in a buffer that doubles. */
static char *read_all(FILE *file, size_t *length)
{
    size_t size = 4096;
    char *text = must(malloc(size));
    *length = 0;
    for (size_t n; (n = fread(text + *length, 1, size - *length, file)) > 0;) {
        *length += n;
        if (*length == size)
            text = must(realloc(text, size *= 2));
    }
    return text;
}

static int by_count(const void *a, const void *b)
{
    const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->text, y->text);
}

static void print_top(size_t limit)
{
    struct word **sorted = must(malloc((distinct + 1) * sizeof(struct word *)));
    size_t n = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct word *word = buckets[i]; word; word = word->next)
            sorted[n++] = word;
    qsort(sorted, n, sizeof *sorted, by_count);
    for (size_t i = 0; i < n && i < limit; i++)
        printf("%8zu %s\n", sorted[i]->count, sorted[i]->text);
    free(sorted);
}

static void free_words(void)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct word *word = buckets[i], *next; word; word = next) {
            next = word->next;
            free(word->text);
            free(word);
        }
    }
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!file) {
        fputs("usage: wordcount TEXT\n", stderr);
        return 2;
    }
    size_t length;
    char *text = read_all(file, &length);
    fclose(file);
    for (size_t i = 0, start; i < length;) {
        while (i < length && !isalpha((unsigned char)text[i]))
            i++;
        for (start = i; i < length && isalpha((unsigned char)text[i]);)
            i++;
        if (i > start)
            count_word(text + start, i - start);
    }
    free(text);
    print_top(10);
    free_words();
    return 0;
}
