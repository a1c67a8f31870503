/* SPDX-License-Identifier: MIT
 *
 * JUnit's XML, as CI servers read it: a test suite for the run, a test case for each check. The
 * elements and attributes are those that the published schemas have in common.
 */
#include "formats.h"
#include "xml.h"

static void put_line(FILE *out, const char *indent, const char *text)
{
    fputs(indent, out);
    xml_content(out, text);
    fputc('\n', out);
}

static void put_finding(FILE *out, const struct verdict *v, const struct verdict_finding *f)
{
    put_line(out, "", verdict_words(v, "%s: %s", verdict_place(v, f), f->message));
    for (size_t i = 0; i < f->nframes; i++)
        put_line(out, "    ",
                 verdict_words(v, "#%zu %s", i, verdict_frame_words(v, &f->frames[i])));
    if (f->left_out)
        fprintf(out, "    .. %zu more frame%s\n", f->left_out, f->left_out == 1 ? "" : "s");
    if (f->covers)
        put_line(out, "", verdict_proposal(v, f));
}

static void put_case(FILE *out, const struct verdict *v, const struct verdict_check *c)
{
    fputs("    <testcase", out);
    xml_attribute(out, "name", c->name);
    xml_attribute(out, "classname", verdict_words(v, "memprof.%s", c->rule));
    fputs(" time=\"0\"", out);
    if (!c->failed) {
        fputs("/>\n", out);
        return;
    }
    fputs(">\n      <failure", out);
    xml_attribute(out, "message", c->message);
    xml_attribute(out, "type", c->rule);
    fputc('>', out);
    put_line(out, "", c->message);
    for (size_t i = 0; i < c->n; i++)
        put_finding(out, v, &v->findings[c->first + i]);
    if (c->left_out)
        fprintf(out, ".. and %zu more\n", c->left_out);
    fputs("</failure>\n    </testcase>\n", out);
}

static void put_passed(FILE *out, const struct verdict *v)
{
    fputs("    <system-out>", out);
    for (size_t i = 0; i < v->nchecks; i++)
        if (!v->checks[i].failed)
            put_line(out, "", verdict_words(v, "%s: %s", v->checks[i].name, v->checks[i].message));
    for (size_t i = 0; i < v->nnotes; i++)
        put_line(out, "note: ", v->notes[i]);
    fputs("</system-out>\n    <system-err></system-err>\n", out);
}

static void write_junit(FILE *out, const struct verdict *v)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    fprintf(out, "<testsuites>\n  <testsuite id=\"0\" package=\"memprof\"");
    xml_attribute(out, "name", verdict_words(v, "memprof check of %s", v->program));
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\"", v->nchecks, v->nfailed);
    xml_attribute(out, "timestamp", v->timestamp);
    xml_attribute(out, "hostname", v->host ? v->host : "localhost");
    fputs(">\n    <properties></properties>\n", out);
    for (size_t i = 0; i < v->nchecks; i++)
        put_case(out, v, &v->checks[i]);
    put_passed(out, v);
    fputs("  </testsuite>\n</testsuites>\n", out);
}

const struct verdict_format verdict_junit = {"junit", write_junit};
