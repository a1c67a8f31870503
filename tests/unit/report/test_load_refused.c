/* SPDX-License-Identifier: MIT
 *
 * Every way in which a dump can be wrong, and what is said about it.
 */
#include "load.h"
#include "sample_dump.h"
#include "test.h"

/* What is said is MESSAGE, where it is wrong in front of it, if that is known. */
static void assert_message(const char *said, const char *message)
{
    int prefix = 0;
    if (strncmp(message, "line ", 5) != 0)
        sscanf(said, "line %*u, column %*u: %n", &prefix);
    assert_string_equal(said + prefix, message);
}

static void refusals(void **state)
{
    static const struct {
        const char *wanted, *replacement, *message;
    } cases[] = {
        {"\"memprof-dump\"", "\"heaptrack\"", "format is \"heaptrack\", expected \"memprof-dump\""},
        {"\"format\"", "\"formal\"", "format is missing, expected a string"},
        {"\"version\": 1", "\"version\": 2",
         "version is 2, which this memprof-report does not know, expected version 1"},
        {"\"version\": 1", "\"version\": 1.5", "version is 1.5, expected a non-negative integer"},
        {"\"version\": 1,", "", "version is missing, expected a non-negative integer"},
        {"\"pid\": 42", "\"pid\": -1", "process.pid is -1, expected a non-negative integer"},
        {"\"exe\": \"/bin/prog\"", "\"exe\": null", "process.exe is null, expected a string"},
        {"[\"prog\", \"-x\"]", "[\"prog\", 3]", "process.argv[1] is 3, expected a string"},
        {"\"reason\": \"exit\"", "\"reason\": []",
         "dump.reason is an array of 0, expected a string"},
        {"\"complete\": true", "\"complete\": 1", "dump.complete is 1, expected true or false"},
        {"\"kind\": \"exact\"", "\"kind\": \"x\"",
         "mode.kind is \"x\", expected \"exact\" or \"sampled\""},
        {"\"kind\": \"exact\"", "\"kind\": \"sampled\"",
         "mode.mean_bytes is missing, expected a non-negative integer"},
        {"\"alloc_count\": 3", "\"alloc_count\": 3.0",
         "totals.alloc_count is 3, expected a non-negative integer"},
        {"\"peak_bytes\": 20", "\"peak_bytes\": -20",
         "totals.peak_bytes is -20, expected a non-negative integer"},
        {"\"dropped_count\": 0, ", "",
         "totals.dropped_count is missing, expected a non-negative integer"},
        {"\"totals\": {", "\"totals\": 5, \"x\": {", "totals is 5, expected an object"},
        {"99.5", "\"all\"", "coverage.percent is \"all\", expected a number"},
        {"{\"code\": \"c\", ", "{", "coverage.warnings[0].code is missing, expected a string"},
        {"\"modules\": [", "\"modules\": [7, ", "modules[0] is 7, expected an object"},
        {"\"end\": 8192", "\"end\": 1", "modules[0].end is 1, expected an address above start"},
        {"\"start\": 4096", "\"start\": true",
         "modules[0].start is true, expected a non-negative integer"},
        {"[[-1, -1, 0], [0, 0, 4200], [1, -2, 0], [1, -1, 99]]", "[]",
         "frames is an array of 0, expected at least the root frame"},
        {"[-1, -1, 0]", "[1, -1, 0]",
         "frames[0][0] is 1, expected -1 or 0, as frame 0 is the root"},
        {"[0, 0, 4200]", "[1, 0, 4200]", "frames[1][0] is 1, expected a frame id below 1"},
        {"[0, 0, 4200]", "[-1, 0, 4200]", "frames[1][0] is -1, expected a frame id below 1"},
        {"[0, 0, 4200]", "[0, 1, 4200]",
         "frames[1][1] is 1, expected -2, -1 or a module id below 1"},
        {"[0, 0, 4200]", "[0, -3, 4200]",
         "frames[1][1] is -3, expected -2, -1 or a module id below 1"},
        {"[0, 0, 4200]", "[0, 0, -1]", "frames[1][2] is -1, expected a non-negative integer"},
        {"[0, 0, 4200]", "[0, 0]", "frames[1] is an array of 2, expected [parent, module, offset]"},
        {"[0, 0, 4200]", "[0, 0, 1e3]", "frames[1][2] is 1000, expected an integer"},
        {"[1, -2, 0]", "[1, -2, 1]",
         "frames[2][2] is 1, expected an index below 1 into interpreted"},
        {"\"signal_frames\": [3]", "\"signal_frames\": [4]",
         "signal_frames[0] is 4, expected a frame id"},
        {"\"frame\": 2", "\"frame\": 4", "sites[0].frame is 4, expected a frame id below 4"},
        {"\"frame\": 3, ", "", "sites[1].frame is missing, expected a non-negative integer"},
        {"\"function\": \"malloc\"", "\"function\": 0",
         "sites[0].function is 0, expected a string"},
        {"\"live_bytes\": 10, \"peak_bytes\": 10, \"peak_count\": 1}]", "\"peak_bytes\": 10}]",
         "sites[1].live_bytes is missing, expected a non-negative integer"},
        {"[0, 0, 0, 0, 2]", "[0, -1]", "sites[0].size_log2 is -1, expected non-negative integers"},
        {"[1, 2, 3, 4]", "[1, 2, 3]",
         "timeline.rows[0] is an array of 3, expected 4 non-negative integers"},
        {"\"tid\": 42", "\"tid\": \"x\"",
         "threads[0].tid is \"x\", expected a non-negative integer"},
        {"\"leaks\": null", "\"leaks\": {\"method\": 3}", "leaks.method is 3, expected a string"},
        {"\"pid\": 42", "\"pid\": 42, \"pid\": 42",
         "line 2, column 28: not JSON: duplicate object key near '\"pid\"'"},
        {"\"pid\": 42", "\"pid\": 99999999999999999999",
         "line 2, column 39: not JSON: too big integer near '99999999999999999999'"},
        {"\"frames\":", "\"modules\": [], \"frames\":",
         "line 11, column 10: not JSON: duplicate object key near '\"modules\"'"},
        {"\"frame\": 2,", "\"frame\": 2, \"frame\": 2,",
         "line 13, column 31: not JSON: duplicate object key near '\"frame\"'"},
        {"\"rows\"", "\"rows\": null, \"rows\"",
         "line 15, column 61: not JSON: duplicate object key near '\"rows\"'"},
        {"[0, 0, 4200]", "[0, 4611686018427387904, 4200]",
         "frames[1][1] is 4611686018427387904, expected -2, -1 or a module id"},
        {"\"frame\": 2", "\"frame\": 9223372036854775807",
         "sites[0].frame is 9223372036854775807, expected a frame id"},
        {"\"modules\": [", "\"modules\": null, \"x\": [", "modules is null, expected an array"},
        {"\"sites\": [", "\"x\": [", "sites is missing, expected an array"},
        {"{\"frame\": 3", "[], {\"frame\": 3", "sites[1] is an array of 0, expected an object"},
        {"\"pid\": 42", "\"pid\": 042", "line 2, column 20: not JSON: invalid token near '0'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {""};
        char *text = sample_dump_spoilt(cases[i].wanted, cases[i].replacement);
        struct dump *d = load_bytes("x.json", text, strlen(text), &error);
        assert_message(error.text, cases[i].message);
        assert_null(d);
        free(text);
    }
}

/* What a document is comes before what is wrong with it, wherever it says so. */
static void identity_first(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"sites\": 3, \"format\": \"x\"}", "format is \"x\", expected \"memprof-dump\""},
        {"{\"sites\": [[1, {}], 3], \"frames\": 0, \"version\": 1}",
         "format is missing, expected a string"},
        {"{\"frames\": [[0, -1, 0], [0]], \"version\": 2, \"format\": \"memprof-dump\"}",
         "version is 2, which this memprof-report does not know, expected version 1"},
        {"{\"sites\": 3, \"version\": 1, \"format\": \"memprof-dump\"}",
         "sites is 3, expected an array"},
        {"{\"sites\": 3, \"version\": 1, \"format\": ",
         "line 1, column 37: the file ends too early, expected a whole memprof dump"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {""};
        assert_null(load_bytes("x.json", cases[i].text, strlen(cases[i].text), &error));
        assert_message(error.text, cases[i].message);
    }
}

static void not_dumps(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "is empty, expected a memprof dump"},
        {" \n\t", "is empty, expected a memprof dump"},
        {"[]", "is not a memprof dump: line 1, expected one JSON object"},
        {"{}", "format is missing, expected a string"},
        {"{", "line 1, column 1: the file ends too early, expected a whole memprof dump"},
        {"\x7f"
         "ELF",
         "line 1, column 1: not JSON: '[' or '{' expected near '\x7f'"},
        {"{} x", "line 1, column 4: not JSON: end of file expected near 'x'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {""};
        assert_null(load_bytes("x.json", cases[i].text, strlen(cases[i].text), &error));
        assert_message(error.text, cases[i].message);
    }
}

/* Wherever the file is cut off, it is refused, and never read beyond its end. */
static void every_truncation(void **state)
{
    size_t whole = strlen(SAMPLE_DUMP) - 2; /* without the brace and the newline */
    (void)state;
    for (size_t n = 0; n <= whole; n++) {
        struct error error = {""};
        char *part = malloc(n ? n : 1);
        assert_non_null(part);
        memcpy(part, SAMPLE_DUMP, n);
        assert_null(load_bytes("x.json", part, n, &error));
        assert_string_not_equal(error.text, "");
        free(part);
    }
}

static void deep_nesting(void **state)
{
    enum { DEPTH = 100000 };
    struct error error = {""};
    char *text = malloc(DEPTH);
    (void)state;
    assert_non_null(text);
    memset(text, '[', DEPTH);
    assert_null(load_bytes("x.json", text, DEPTH, &error));
    assert_non_null(strstr(error.text, "maximum parsing depth reached"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),     cmocka_unit_test(identity_first),
        cmocka_unit_test(not_dumps),    cmocka_unit_test(every_truncation),
        cmocka_unit_test(deep_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
