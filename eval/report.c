/* The page of a measured data set: what was measured, sorted out; frame and settings. See report.h. */
#include "eval/report.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "eval/report_internal.h"

/* ---- sorting out ---- */

static int is_sweep(const char *method)
{
    return strncmp(method, "lake ", 5) == 0 && strchr(method, '=') != NULL;
}

/* Moves the sweeps behind the other methods, both in their order; returns how many others there are. */
static size_t part_sweeps(const char **methods, const char **sweeps, size_t count, size_t *sweep_count)
{
    size_t kept = 0;

    *sweep_count = 0;
    for (size_t i = 0; i < count; i++)
        if (is_sweep(methods[i]))
            sweeps[(*sweep_count)++] = methods[i];
        else
            methods[kept++] = methods[i];
    return kept;
}

static void rank_methods(const char **ranked, const char *const *methods, size_t count)
{
    static const char *const first[] = {"lake", "zero", "patchcore", "anomalydino"};
    const size_t firsts = sizeof first / sizeof *first;
    size_t done = 0;

    for (size_t i = 0; i <= firsts; i++)
        for (size_t m = 0; m < count; m++) {
            size_t rank = 0;
            while (rank < firsts && strcmp(methods[m], first[rank]) != 0)
                rank++;
            if (rank == i)
                ranked[done++] = methods[m];
        }
}

/* How many a number of shots is: "all", and what is no number, is more than any. */
static double shots_value(const char *shots)
{
    double value = 0;

    for (; *shots >= '0' && *shots <= '9'; shots++)
        value = 10 * value + (*shots - '0');
    return *shots == '\0' ? value : HUGE_VAL;
}

static int by_shots(const void *a, const void *b)
{
    double x = shots_value(*(const char *const *)a), y = shots_value(*(const char *const *)b);

    return (x > y) - (x < y);
}

/* The category's unit of most shots, and of these the one of the least seed. */
static const RecordUnit *unit_to_show(const Record *record, const char *category)
{
    const RecordUnit *best = NULL;

    for (size_t u = 0; u < record->unit_count; u++) {
        const RecordUnit *unit = &record->units[u];
        int more;
        if (strcmp(unit->category, category) != 0)
            continue;
        more = best == NULL ? 1 : by_shots(&unit->shots, &best->shots);
        if (more > 0 || (more == 0 && unit->seed < best->seed))
            best = unit;
    }
    return best;
}

static void close_report(Report *r)
{
    free(r->categories);
    free(r->shots);
    free(r->methods);
    free(r->ranked);
    free(r->sweeps);
    free(r->shown);
}

static int open_report(Report *r, const Record *record, Error *e)
{
    int code;

    memset(r, 0, sizeof *r);
    r->record = record;
    code = record_names(&r->categories, &r->category_count, record, RECORD_CATEGORIES, e);
    if (code == LAKE_OK && r->category_count == 0)
        return error_set(e, LAKE_BAD_INPUT, "no report: nothing has been measured to its end; skipped.csv of each part says "
                                            "what could not be");
    if (code == LAKE_OK)
        code = record_names(&r->shots, &r->shots_count, record, RECORD_SHOTS, e);
    if (code == LAKE_OK)
        code = record_names(&r->methods, &r->method_count, record, RECORD_METHODS, e);
    if (code == LAKE_OK) {
        r->ranked = malloc(r->method_count * sizeof *r->ranked);
        r->sweeps = malloc(r->method_count * sizeof *r->sweeps);
        r->shown = malloc(r->category_count * sizeof *r->shown);
        if (r->ranked == NULL || r->sweeps == NULL || r->shown == NULL)
            code = error_memory(e, "a report");
    }
    if (code != LAKE_OK)
        return code;
    r->method_count = part_sweeps(r->methods, r->sweeps, r->method_count, &r->sweep_count);
    rank_methods(r->ranked, r->methods, r->method_count);
    qsort(r->shots, r->shots_count, sizeof *r->shots, by_shots);
    for (size_t c = 0; c < r->category_count; c++)
        r->shown[c] = unit_to_show(record, r->categories[c]);
    return LAKE_OK;
}

/* ---- the page's frame ---- */

static void link_to(Html *h, const char *id, const char *name)
{
    html_print(h, "<li><a href=\"#%s\">%s</a></li>", id, name);
}

static void introduction(Html *h, const Report *r)
{
    const char *dataset = record_setting(r->record, "dataset");
    size_t tests = 0, normals = 0;

    for (size_t c = 0; c < r->category_count; c++) {
        tests += r->shown[c]->rows[0].good + r->shown[c]->rows[0].bad;
        normals += r->shown[c]->rows[0].good;
    }
    html_print(h, "<h1>%s, measured</h1>\n", *dataset != '\0' ? dataset : "Anomaly detectors");
    html_print(h, "<p class=\"lead\">%z test pictures, %z of them normal, in %z %m; %z %m%m.</p>\n", tests, normals,
               r->category_count, r->category_count == 1 ? "category" : "categories", r->method_count,
               r->method_count == 1 ? "method" : "methods",
               r->sweep_count > 0 ? ", and LAKE with one option at a time changed" : "");
    html_markup(h, "<nav aria-label=\"Sections\"><ul>");
    link_to(h, "verdict", "What it comes to");
    link_to(h, "tables", "Tables");
    link_to(h, "decisions", "Decisions");
    if (r->sweep_count > 0)
        link_to(h, "sweeps", "Sweeps");
    link_to(h, "neurons", "Neurons");
    link_to(h, "categories", "Category by category");
    link_to(h, "settings", "Settings and terms");
    html_markup(h, "</ul></nav>\n");
}

/* ---- settings and terms ---- */

/* What readers call the keys of settings.csv; others are shown as they are. */
static const char *setting_name(const char *key)
{
    static const char *const names[][2] = {
        {"program", "Program"},         {"dataset", "Layout of the data set"},
        {"root", "Its folder"},         {"categories", "Categories"},
        {"texts", "What texts call it"}, {"weights", "Weights"},
        {"model", "Model"},             {"fingerprint", "Fingerprint of the weights"},
        {"resolution", "Resolution"},   {"layers", "Blocks"},
        {"neurons", "Neurons per block"}, {"select", "Selection of neurons"},
        {"normalise", "Token normalisation"}, {"distance", "Distance"},
        {"coreset", "Share of the gallery kept"}, {"trim", "Share of patches distrusted"},
        {"lambda", "Text weight"},      {"pooling", "Pooling"},
        {"methods", "Methods"},         {"shots", "Normal pictures drawn"},
        {"seeds", "Draws"},             {"draw", "How they are drawn"},
        {"sweep", "Sweeps"},            {"pixels", "Size of maps compared"},
        {"pro", "Thresholds of PRO"},   {"normal pictures", "Normal pictures there are"},
        {"test pictures", "Test pictures"}, {"positions", "Resampling of positions"},
        {"command", "Command"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(key, names[i][0]) == 0)
            return names[i][1];
    return key;
}

static void settings(Html *h, const Record *record)
{
    html_markup(h, "<h3>Settings</h3>\n<dl class=\"terms\">\n");
    for (size_t i = 0; i < record->settings.rows; i++) {
        const char *key = csv_field(&record->settings, i, 0), *value = csv_field(&record->settings, i, 1);
        const char *tag = strcmp(key, "command") == 0 ? "code" : "span";
        if (*value != '\0')
            html_print(h, "<dt>%s</dt><dd><%m>%s</%m></dd>\n", setting_name(key), tag, value, tag);
    }
    html_markup(h, "</dl>\n");
}

static void term(Html *h, const char *name, const char *meaning)
{
    html_print(h, "<dt>%s</dt><dd>%s</dd>\n", name, meaning);
}

static void terms(Html *h)
{
    html_markup(h, "<h3>Terms</h3>\n<dl class=\"terms\">\n");
    term(h, "Image AUROC", "The chance that a random defective picture scores above a random normal one. 1 is perfect, "
                           "0.5 is guessing.");
    term(h, "AP, F1-max", "Average precision, the area below the precision-recall curve; and the best balance of "
                          "precision and recall that any threshold gives. Both depend on how many pictures are "
                          "defective.");
    term(h, "Pixel AUROC", "AUROC of the maps' pixels, all pictures of a category together.");
    term(h, "PRO", "How much of each single defect is covered, averaged over false-positive rates of up to 30 % of the "
                   "normal pixels; small defects count as much as large ones.");
    term(h, "False alarm, miss", "A normal picture called anomalous; a defective picture called normal. The threshold "
                                 "comes from the normal pictures alone.");
    term(h, "\302\261", "The standard error of a mean over categories. A difference below two of them may be chance.");
    term(h, HTML_MISSING, "Not defined, or not measured.");
    html_markup(h, "</dl>\n");
}

static void skipped(Html *h, const Report *r)
{
    size_t count = 0;

    for (size_t c = 0; c < r->category_count; c++)
        count += r->shown[c]->skipped_count;
    if (count == 0)
        return;
    html_print(h, "<h3>Skipped</h3>\n<p>%z %m could not be read and %m measured:</p>\n<ul class=\"names\">\n", count,
               count == 1 ? "picture" : "pictures", count == 1 ? "was not" : "were not");
    for (size_t c = 0; c < r->category_count; c++)
        for (size_t i = 0; i < r->shown[c]->skipped_count; i++)
            html_print(h, "<li>%s <span class=\"quiet\">(%s)</span></li>\n", r->shown[c]->skipped[i].image,
                       report_category(r, c));
    html_markup(h, "</ul>\n");
}

int report_write(const Record *record, const char *path, Error *e)
{
    Report r;
    Html h;
    int code = open_report(&r, record, e);

    html_open(&h);
    if (code == LAKE_OK) {
        html_page_begin(&h, "Anomaly detectors, measured",
                        "Measures, decisions and pictures of anomaly detectors on a data set.");
        introduction(&h, &r);
        report_verdict(&h, &r);
        report_tables(&h, &r);
        report_decisions(&h, &r);
        report_sweeps(&h, &r);
        report_overlap(&h, &r);
        report_categories(&h, &r);
        html_markup(&h, "<section id=\"settings\" class=\"page\">\n<h2>Settings and terms</h2>\n");
        settings(&h, record);
        skipped(&h, &r);
        terms(&h);
        html_markup(&h, "</section>\n");
        html_page_end(&h);
        code = html_save(&h, path, e);
    }
    html_close(&h);
    close_report(&r);
    return code;
}
