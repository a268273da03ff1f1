/* A page per category in the report: its rows, curves, neurons, and the pictures that came out worst. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/report_internal.h"
#include "image/codec.h"

/* Pictures are what makes a page large: all of them together are held below PICTURES_MAX bytes, each category having an
 * equal part, and of a role only the worst are shown. */
enum { TEXT_ROOM = 300, PICTURES_MAX = 12 << 20, ROLE_MAX = 6 };

/* ---- rows ---- */

static void rows_table(Html *h, const RecordUnit *unit)
{
    static const char *const columns[] = {"Method",    "Image AUROC",  "Image AP", "Image F1-max", "Pixel AUROC",
                                          "Pixel AP",  "Pixel F1-max", "PRO",      "Threshold",    "False alarms",
                                          "Misses",    "Seconds"};

    html_table_begin(h, "This draw's measures; seconds: fitting and scoring beyond the model's time", columns,
                     sizeof columns / sizeof *columns);
    for (size_t i = 0; i < unit->row_count; i++) {
        const RecordRow *row = &unit->rows[i];
        if (strchr(row->method, '=') != NULL)
            continue;
        html_row_begin(h, row->method);
        for (size_t m = 0; m < RECORD_MEASURES; m++)
            html_cell_number(h, row->measures[m], 3);
        html_cell_number(h, row->threshold, 3);
        html_print(h, "<td>%z of %z</td><td>%z of %z</td>", row->false_alarms, row->good, row->misses, row->bad);
        html_cell_number(h, row->seconds, 1);
        html_row_end(h);
    }
    html_table_end(h);
}

/* ---- pictures ---- */

/* Whether a name is that of a file in the folder itself: what a table says must not lead out of it. */
static int is_plain_name(const char *name)
{
    return *name != '\0' && *name != '.' && strpbrk(name, "/\\:") == NULL;
}

/* The picture, where it is there, is a PNG and fits into what is left. 0: it is not shown. */
static int example_picture(Html *h, const RecordUnit *unit, const RecordExample *x, size_t *left)
{
    char *path = is_plain_name(x->picture) ? path_join(unit->folder, x->picture) : NULL, alt[TEXT_ROOM];
    unsigned char *png = NULL;
    size_t size;
    Image image;
    int shown = path != NULL && path_kind(path) == PATH_FILE && file_read(&png, &size, path, *left, NULL) == LAKE_OK &&
                png_decode(&image, png, size, path, 0, NULL) == LAKE_OK;

    if (shown) {
        snprintf(alt, sizeof alt, "%.200s: photo, map, and map over the photo", x->image);
        html_png(h, png, size, image.width, image.height, alt, NULL);
        *left -= size;
        img_free(&image);
    }
    free(png);
    free(path);
    return shown;
}

/* threshold: NaN where it is not known. */
static void example(Html *h, const RecordUnit *unit, const RecordExample *x, double threshold, size_t *left)
{
    int is_defective = strcmp(x->role, "miss") == 0, flagged = x->score > threshold;

    html_markup(h, "<figure class=\"card example\">\n");
    example_picture(h, unit, x, left);
    html_print(h, "<h5>%s <span class=\"file\">%s</span> <span class=\"badge %m\">%m called %m</span></h5>\n", x->kind,
               path_base(x->image), is_defective == flagged ? "yes" : "no",
               is_defective == flagged ? "&#10003; rightly" : "&#10007; wrongly", flagged ? "anomalous" : "normal");
    html_print(h, "<p class=\"small\">Score <b>%3</b>, threshold %3.</p>\n", x->score, threshold);
    if (*x->neurons != '\0')
        html_print(h, "<p class=\"small quiet\">Neurons behind its worst patch: %s</p>\n", x->neurons);
    html_markup(h, "</figure>\n");
}

static void examples_of(Html *h, const RecordUnit *unit, const char *role, const char *heading, double threshold,
                        size_t *left)
{
    size_t count = 0;

    for (size_t i = 0; i < unit->example_count && count < ROLE_MAX; i++) {
        if (strcmp(unit->examples[i].role, role) != 0)
            continue;
        if (count++ == 0)
            html_print(h, "<h4>%s</h4>\n<div class=\"columns tight wide\">\n", heading);
        example(h, unit, &unit->examples[i], threshold, left);
    }
    if (count > 0)
        html_markup(h, "</div>\n");
}

/* ---- lists ---- */

static void shots_list(Html *h, const RecordUnit *unit)
{
    if (unit->drawn_count == 0)
        return;
    html_print(h, "<details><summary>The normal pictures that were drawn (%z)</summary>\n<ul class=\"names small\">\n",
               unit->drawn_count);
    for (size_t i = 0; i < unit->drawn_count; i++)
        html_print(h, "<li>%s</li>\n", unit->drawn[i].image);
    html_markup(h, "</ul></details>\n");
}

static void skipped_list(Html *h, const RecordUnit *unit)
{
    if (unit->skipped_count == 0)
        return;
    html_markup(h, "<h4>Skipped pictures</h4>\n<ul class=\"names small\">\n");
    for (size_t i = 0; i < unit->skipped_count; i++)
        html_print(h, "<li>%s: <span class=\"quiet\">%s</span></li>\n", unit->skipped[i].image, unit->skipped[i].error);
    html_markup(h, "</ul>\n");
}

/* ---- a category ---- */

static void category(Html *h, const Report *r, size_t index)
{
    const RecordUnit *unit = r->shown[index];
    const RecordRow *row = report_row(unit, "lake");
    double threshold = row != NULL ? row->threshold : NAN;
    size_t left = PICTURES_MAX / r->category_count;

    html_print(h, "<section id=\"category-%z\" class=\"page\">\n<h3>%s</h3>\n<p>With ", index + 1,
               report_category(r, index));
    report_shots(h, unit->shots);
    html_print(h, ", draw %z; %z test pictures, of which %z are normal.</p>\n", unit->seed,
               unit->rows[0].good + unit->rows[0].bad, unit->rows[0].good);
    shots_list(h, unit);
    rows_table(h, unit);
    report_curves(h, r, index);
    examples_of(h, unit, "false alarm", "Normal pictures of the highest scores", threshold, &left);
    examples_of(h, unit, "miss", "Defective pictures of the lowest scores", threshold, &left);
    report_neurons(h, unit);
    skipped_list(h, unit);
    html_markup(h, "</section>\n");
}

void report_categories(Html *h, const Report *r)
{
    html_markup(h, "<section id=\"categories\">\n<h2>Category by category</h2>\n<p>Each category as its first draw of "
                   "most normal pictures has it: curves, histogram, chosen neurons and pictures are of that one draw, "
                   "while the tables above are means over draws. The pictures are those that LAKE judged "
                   "worst: the photo, its map, and the map over the photo. The green line is the outline of the true "
                   "defect, and what is inside the white line is above the threshold.</p>\n");
    for (size_t c = 0; c < r->category_count; c++)
        category(h, r, c);
    html_markup(h, "</section>\n");
}
