/* The pages' markup and charts (eval/html.h, eval/plot.h, eval/demo_page.h): well formed whatever the names and numbers
 * are. The checker below knows just enough of XML: nesting, quoted attributes, entities, and what a place in a drawing
 * may be. That a complete page parses as XML and loads in a browser is what test_page.py checks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/demo_page.h"
#include "eval/html.h"
#include "eval/plot.h"
#include "image/codec.h"
#include "test/test.h"

static const char hostile[] = "<script>alert('1')</script> & \"x\" =\xff\x01";

/* ---- the checker ---- */

enum { DEPTH = 64, NAME = 32 };

typedef struct {
    const char *p;
    char open[DEPTH][NAME];
    size_t depth;
    const char *wrong; /* NULL: nothing so far */
} Checker;

static int is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == ':';
}

static void read_name(Checker *c, char name[NAME])
{
    size_t n = 0;

    while (is_name(*c->p) && n + 1 < NAME)
        name[n++] = *c->p++;
    name[n] = '\0';
}

static void check_entity(Checker *c)
{
    static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;"};
    size_t digits;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(c->p, known[i], strlen(known[i])) == 0)
            return;
    digits = strncmp(c->p, "&#", 2) == 0 ? strspn(c->p + 2, "0123456789") : 0;
    if (digits == 0 || c->p[2 + digits] != ';')
        c->wrong = "a bare ampersand";
}

/* Attributes that are places or lengths in a drawing may hold numbers and path commands only: neither "nan" nor "inf". */
static void check_place(Checker *c, const char *name, const char *value, size_t size)
{
    static const char *const places[] = {"d", "x", "y", "cx", "cy", "r", "width", "height", "viewBox"};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(name, places[i]) == 0 && strspn(value, "MLHVhvlz 0123456789.-") < size)
            c->wrong = "a place that is no number";
}

static void check_attribute(Checker *c)
{
    char name[NAME];
    const char *value;

    read_name(c, name);
    if (name[0] == '\0' || strncmp(c->p, "=\"", 2) != 0) {
        c->wrong = "an attribute without a quoted value";
        return;
    }
    c->p += 2;
    value = c->p;
    for (; *c->p != '"' && c->wrong == NULL; c->p++) {
        if (*c->p == '\0' || *c->p == '<')
            c->wrong = "an attribute that does not end";
        else if (*c->p == '&')
            check_entity(c);
    }
    if (c->wrong == NULL)
        check_place(c, name, value, (size_t)(c->p - value));
    c->p++;
}

static void check_tag(Checker *c)
{
    char name[NAME];
    int closing = *++c->p == '/';

    c->p += closing;
    read_name(c, name);
    while (*c->p == ' ' && c->wrong == NULL) {
        c->p++;
        check_attribute(c);
    }
    if (c->wrong != NULL)
        return;
    if (closing && (c->depth == 0 || strcmp(c->open[--c->depth], name) != 0))
        c->wrong = "an end without its beginning";
    else if (strncmp(c->p, "/>", 2) == 0)
        c->p++;
    else if (!closing && (c->depth == DEPTH || name[0] == '\0'))
        c->wrong = "nesting too deep, or a bare <";
    else if (!closing)
        strcpy(c->open[c->depth++], name);
    if (c->wrong == NULL && *c->p++ != '>')
        c->wrong = "a tag that does not end";
}

/* What is wrong with the markup, or NULL. */
static const char *fault_of(const char *markup)
{
    static const char doctype[] = "<!DOCTYPE html>";
    Checker c = {markup, {{0}}, 0, NULL};

    if (strncmp(c.p, doctype, strlen(doctype)) == 0)
        c.p += strlen(doctype);
    while (*c.p != '\0' && c.wrong == NULL) {
        if (*c.p == '<') {
            check_tag(&c);
        } else {
            if (*c.p == '&')
                check_entity(&c);
            c.p++;
        }
    }
    return c.wrong != NULL ? c.wrong : c.depth > 0 ? "an element that is not closed" : NULL;
}

static void check_markup(Html *h, const char *name)
{
    const char *fault = h->text != NULL ? fault_of(h->text) : "nothing was written";

    check(h->error.code == LAKE_OK && fault == NULL, name, "%s: %.300s", fault != NULL ? fault : h->error.text,
          h->text != NULL ? h->text : "");
    check(h->text != NULL && strstr(h->text, "<script") == NULL, "no name became markup", "in %s", name);
    html_close(h);
}

static void test_checker(void)
{
    const char *const bad[] = {"<p>", "<p></b>", "<p a=b></p>", "<p>a & b</p>",
                               "<path d=\"M1 nan\"/>", "<p a=\"x></p>", "a < b"};

    check(fault_of("<!DOCTYPE html>\n<p a=\"&lt;\">x &amp; <br/></p>") == NULL, "the checker passes good markup", "%s",
          fault_of("<p a=\"&lt;\">x &amp; <br/></p>"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(fault_of(bad[i]) != NULL, "the checker sees a fault", "not in %s", bad[i]);
}

/* ---- html.h ---- */

static void check_text(const char *name, const char *expected, Html *h)
{
    check(h->text != NULL && strcmp(h->text, expected) == 0, name, "expected %s, found %s", expected,
          h->text != NULL ? h->text : "nothing");
    html_close(h);
}

static void test_text(void)
{
    Html h;

    html_open(&h);
    html_text(&h, hostile);
    check_text("text is escaped, what is no text replaced",
               "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; =\xef\xbf\xbd\xef\xbf\xbd", &h);
    html_open(&h);
    html_text(&h, "\xc3\xa9\xc3(\xf0\x9f\x90\x9f\xef\xbf\xbe\xc2\x85");
    check_text("UTF-8 stays, broken UTF-8 and characters without a place are replaced",
               "\xc3\xa9\xef\xbf\xbd(\xf0\x9f\x90\x9f\xef\xbf\xbd\xef\xbf\xbd", &h);
    html_open(&h);
    html_print(&h, "<a b=\"%s\">%m %d %z 5 % of %2 %0%</a>", "<&", "<br/>", -7, (size_t)12, 1.005 + 1e-9, 99.6);
    check_text("directives", "<a b=\"&lt;&amp;\"><br/> -7 12 5 % of 1.01 100%</a>", &h);
    html_open(&h);
    html_print(&h, "%3 %3 %3 %1 %1 %0", (double)NAN, (double)INFINITY, (double)-INFINITY, -0.04, -0.06, 1e308);
    check(h.text != NULL && strncmp(h.text, HTML_MISSING " " HTML_MISSING " " HTML_MISSING " 0.0 -0.1 1", 21) == 0 &&
              h.size > 300, "numbers", "%s", h.text);
    html_close(&h);
}

/* The picture of the first data: URI, decoded again; *whole: whether it has as many bytes as the file, and the right padding. */
static int decode_uri(Image *image, const char *markup, size_t expected, int *whole)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = strstr(markup, "base64,") + 7;
    unsigned char *png = malloc(strlen(p) + 3);
    size_t size = 0;
    unsigned long bits = 0;
    int held = 0, code;
    Error e;

    for (; strchr(digits, *p) != NULL && *p != '\0'; p++) {
        bits = (bits << 6 | (unsigned long)(strchr(digits, *p) - digits)) & 0xffffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            png[size++] = (unsigned char)(bits >> held & 255);
        }
    }
    *whole = size == expected && strspn(p, "=") == (3 - size % 3) % 3;
    code = img_decode(image, png, size, "data: URI", 0, &e);
    free(png);
    return code;
}

static void test_image(void)
{
    Error e;

    for (int width = 1; width <= 6; width++) { /* files of all lengths modulo 3 */
        Image image, back;
        unsigned char *png;
        size_t size;
        int whole;
        Html h;
        img_new(&image, width, 2, &e);
        for (int i = 0; i < width * 6; i++)
            image.rgb[i] = (unsigned char)(i * 37);
        png_encode(&png, &size, &image, &e);
        free(png);
        html_open(&h);
        html_image(&h, &image, hostile, "flex:1");
        if (check(decode_uri(&back, h.text, size, &whole) == LAKE_OK && whole && back.width == width && back.height == 2 &&
                      memcmp(back.rgb, image.rgb, (size_t)width * 6) == 0, "a picture comes back out of its URI", "width %d",
                  width))
            img_free(&back);
        img_free(&image);
        check_markup(&h, "a picture's markup");
    }
}

static void test_table_and_page(void)
{
    const char *const columns[] = {"name", hostile};
    Html h;

    html_open(&h);
    html_page_begin(&h, hostile, hostile);
    html_table_begin(&h, hostile, columns, 2);
    html_row_begin(&h, hostile);
    html_cell(&h, hostile);
    html_cell_number(&h, NAN, 3);
    html_row_end(&h);
    html_table_end(&h);
    html_page_end(&h);
    check_markup(&h, "a page with a table");
}

static void test_save(void)
{
    Error e;
    Html h;

    html_open(&h);
    html_markup(&h, "<p>x</p>");
    check(html_save(&h, "build/no_such_folder/x.html", &e) == LAKE_RESOURCE, "a page that cannot be saved", "%s", e.text);
    remove("build/test_html.html"); /* of an earlier run that failed */
    error_memory(&h.error, "a page");
    html_markup(&h, "more");
    check(strcmp(h.text, "<p>x</p>") == 0, "nothing is added after a failure", "%s", h.text);
    check(html_save(&h, "build/test_html.html", &e) == LAKE_RESOURCE && path_kind("build/test_html.html") == PATH_MISSING,
          "a page that failed is not saved", "%s", e.text);
    html_close(&h);
}

/* ---- plot.h ---- */

static void draw_lines(const char *name, const double *x, const double *y, const double *error, size_t count,
                       int logarithmic)
{
    const PlotSeries series[] = {{hostile, PLOT_BLUE, x, y, error, count, 0}, {"b", PLOT_REFERENCE, x, y, NULL, count, 1}};
    PlotLines plot = {hostile, {hostile, 0, 0, x, logarithmic ? count : 0, logarithmic}, {hostile, 0, 0, NULL, 0, 0},
                      series, 2};
    Html h;

    html_open(&h);
    plot_lines(&h, &plot);
    plot_lines_table(&h, &plot, 1);
    check_markup(&h, name);
}

static void test_lines(void)
{
    const double x[] = {1, 2, 4, 8}, y[] = {0.5, NAN, 0.75, INFINITY}, error[] = {0.1, 0.1, NAN, 0.1};
    const double flat[] = {0.9, 0.9, 0.9, 0.9}, huge[] = {-1e308, 1e308, 1e300, 1}, none[] = {NAN, NAN, NAN, NAN};
    const double negative[] = {-1, 0, 1, NAN}, tiny[] = {0, 1e-300, 2e-300, 0};

    draw_lines("lines with gaps", x, y, error, 4, 0);
    draw_lines("lines, logarithmic", x, y, error, 4, 1);
    draw_lines("a flat line", x, flat, NULL, 4, 0);
    draw_lines("huge numbers", x, huge, huge, 4, 0);
    draw_lines("tiny numbers", tiny, tiny, tiny, 4, 0);
    draw_lines("no number at all", none, none, none, 4, 0);
    draw_lines("a logarithm of what has none", negative, flat, NULL, 4, 1);
    draw_lines("no points", x, y, NULL, 0, 0);
}

/* The places of the marks and lines of a chart: a line from (0, 0) to (1, 1) over fixed axes goes from the lower left to
 * the upper right end. */
static void test_places(void)
{
    static const double corner[2] = {0, 1};
    const PlotSeries series = {"s", PLOT_BLUE, corner, corner, NULL, 2, 1};
    const PlotLines plot = {"t", {NULL, 0, 1, NULL, 0, 0}, {NULL, 0, 1, NULL, 0, 0}, &series, 1};
    double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    const char *line;
    Html h;

    html_open(&h);
    plot_lines(&h, &plot);
    line = strstr(h.text, "class=\"line s0\" d=\"");
    check(line != NULL && sscanf(line, "class=\"line s0\" d=\"M%lf %lfL%lf %lf", &x1, &y1, &x2, &y2) == 4 && x1 == 48 &&
              x2 == 346 && y1 - y2 == 176, "a line from corner to corner", "%g %g to %g %g", x1, y1, x2, y2);
    check(strstr(h.text, ">0.0<") != NULL && strstr(h.text, ">0.2<") != NULL && strstr(h.text, ">1.0<") != NULL,
          "ticks at round numbers", "%s", h.text);
    html_close(&h);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *p = text; (p = strstr(p, part)) != NULL; p += strlen(part))
        count++;
    return count;
}

static void test_strip(void)
{
    const double normal[] = {0.4, 0.41, 0.4, NAN, 0.4}, defective[] = {0.6, INFINITY, 0.8};
    const PlotGroup groups[] = {{hostile, PLOT_BLUE, normal, 5}, {"b", PLOT_ORANGE, defective, 3},
                                {"none", PLOT_GREEN, NULL, 0}};
    PlotStrip plot = {hostile, {hostile, 0, 0, NULL, 0, 0}, groups, 3, 0.5, hostile};
    Html h;

    html_open(&h);
    plot_strip(&h, &plot);
    check(count_of(h.text, "<circle") == 4 && count_of(h.text, "mark s1") == 2, "a dot per finite score", "%d and %d",
          (int)count_of(h.text, "<circle"), (int)count_of(h.text, "mark s1"));
    check_markup(&h, "a strip of scores");
    plot.threshold = NAN;
    plot.groups = &groups[2];
    plot.group_count = 1;
    html_open(&h);
    plot_strip(&h, &plot);
    check_markup(&h, "a strip without scores and threshold");
}

/* The heights of the bars of the path that begins with `start`, in pictures; returns how many bars there are. */
static size_t bars_of(double heights[80], const char *svg, const char *start, double unit)
{
    const char *p = strstr(svg, start);
    double base = 0, top, right;
    size_t count = 0;

    if (p == NULL || sscanf(strstr(p, " d=\"M"), " d=\"M%lf %lf", &right, &base) != 2)
        return 0;
    for (p = strchr(p, 'V'); count < 80 && sscanf(p, "V%lfH%lf", &top, &right) == 2; p = strchr(p + 1, 'V'))
        heights[count++] = (base - top) / unit;
    return count;
}

/* Scores over a fixed axis from 0 to 1: 25 bins of 0.04, five to a tick. The highest bar has 4 pictures of 4 ticks. */
static void test_histogram(void)
{
    const double normal[] = {0.05, 0.06, 0.07, 0.0799, 0.5, -3, NAN}, defective[] = {0.97, 1, 7, 0.041, INFINITY};
    const PlotGroup groups[] = {{hostile, PLOT_BLUE, normal, 7}, {"b", PLOT_ORANGE, defective, 5}};
    PlotStrip plot = {hostile, {hostile, 0, 1, NULL, 0, 0}, groups, 2, 0.5, hostile};
    double heights[80] = {0};
    size_t count;
    Html h;

    html_open(&h);
    plot_histogram(&h, &plot);
    count = bars_of(heights, h.text, "class=\"fill s0\" d=\"M40.0", 150 / 4.0);
    check(count == 25 && fabs(heights[0] - 1) < 0.01 && fabs(heights[1] - 4) < 0.01 && fabs(heights[12] - 1) < 0.01 &&
              fabs(heights[24]) < 0.01, "bars are as high as there are scores in their bin", "%d bars: %g %g %g %g",
          (int)count, heights[0], heights[1], heights[12], heights[24]);
    count = bars_of(heights, h.text, "class=\"line s1\" d=\"M40.0", 150 / 4.0);
    check(count == 25 && fabs(heights[1] - 1) < 0.01 && fabs(heights[24] - 3) < 0.01 && fabs(heights[0]) < 0.01,
          "what lies outside is in the outermost bins", "%d bars: %g %g %g", (int)count,
          heights[0], heights[1], heights[24]);
    check(count_of(h.text, "class=\"limit\"") == 1 && strstr(h.text, ">4<") != NULL && strstr(h.text, ">0.5<") == NULL,
          "a threshold, and whole numbers at the left", "%s", h.text);
    check_markup(&h, "a histogram");
    plot.group_count = 0;
    plot.threshold = NAN;
    html_open(&h);
    plot_histogram(&h, &plot);
    check_markup(&h, "a histogram of nothing");
}

static void test_rows(void)
{
    const double values[] = {0.5, NAN, 0.7}, errors[] = {0.1, 0.1, INFINITY}, matrix[] = {1, NAN, INFINITY, -5};
    const char *const names[] = {hostile, "b", "a name that is far too long for the room that there is"};
    const PlotMarks series = {hostile, PLOT_BLUE, values, errors};
    PlotDots plot = {hostile, {hostile, 0, 0, NULL, 0, 0}, names, 3, &series, 1, 3};
    Html h;

    html_open(&h);
    plot_dots(&h, &plot);
    check_markup(&h, "rows of markers");
    html_open(&h);
    plot_bar(&h, NAN);
    plot_bar(&h, 7);
    plot_bar(&h, -1);
    check_markup(&h, "bars");
    html_open(&h);
    plot_matrix(&h, hostile, names, 2, matrix, 1, 0, 1, 0);
    plot_matrix(&h, hostile, names, 2, matrix, 1, 1, 1, 1);
    check_markup(&h, "a matrix");
}

/* ---- the demo's page ---- */

static void fill_example(DemoExample *x, char *path)
{
    Error e;

    x->path = path;
    x->kind = path;
    x->anomalous = 1;
    x->score = x->semantic = NAN;
    x->share_count = 1;
    x->shares[0].share = 0.5;
    img_new(&x->photo, 3, 2, &e);
}

/* One category, no text tower, nothing defined: the poorest results there can be, with the worst names. */
static void test_demo_page(void)
{
    static const char path[] = "build/test_html_page.html";
    char name[sizeof hostile];
    size_t common[1] = {2}, size;
    double jaccard[1] = {1};
    DemoResults *r = calloc(1, sizeof *r);
    DemoCategory *c = calloc(1, sizeof *c);
    unsigned char *page;
    const char *fault;
    Error e;
    int code;

    strcpy(name, hostile);
    r->model = c->name = c->class_name = name;
    r->category_count = r->overlap_count = 1;
    r->categories = c;
    r->overlaps[0].common = common;
    r->overlaps[0].jaccard = jaccard;
    r->overlaps[0].expected = r->lake.image_auroc = c->threshold = NAN;
    c->layer_count = c->example_count = 1;
    fill_example(&c->examples[0], name);
    for (r->verdict_count = 0; r->verdict_count < DEMO_VERDICTS; r->verdict_count++) {
        DemoVerdict *v = &r->verdicts[r->verdict_count];
        v->claim = v->rule = hostile;
        v->answer = (DemoAnswer)(r->verdict_count % 3);
        v->difference.error = NAN;
    }
    for (int has_text = 0; has_text < 2; has_text++) {
        r->has_text = has_text;
        code = demo_page_write(r, path, &e);
        if (!check(code == LAKE_OK && file_read(&page, &size, path, (size_t)1 << 24, &e) == LAKE_OK, "the demo's page is written",
                   "%s", e.text))
            break;
        fault = fault_of((const char *)page);
        check(fault == NULL, "the demo's page is well formed", "%s", fault);
        check(strstr((const char *)page, "<script") == NULL, "no name became markup", "in the demo's page");
        free(page);
        remove(path);
    }
    img_free(&c->examples[0].photo);
    free(c);
    free(r);
}

int main(void)
{
    Error e;

    folder_create("build", &e);
    test_checker();
    test_text();
    test_image();
    test_table_and_page();
    test_save();
    test_lines();
    test_places();
    test_strip();
    test_histogram();
    test_rows();
    test_demo_page();
    return 0;
}
