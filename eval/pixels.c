/* The measures of the pixels of many images; see metrics.h. Pixels are kept one by one up to a limit, above which they
 * go into a histogram (histogram.h). A defect pixel carries the area of its region: the mean over regions of the share
 * found is the sum over the defect pixels found of 1 / area, divided by the number of regions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "eval/curve.h"
#include "eval/histogram.h"
#include "eval/metrics.h"
#include "eval/regions.h"

/* Keys of scores (score_key), each with `width - 1` words that go along. */
typedef struct {
    uint32_t *words; /* [room * width] */
    size_t width, count, room;
} Keys;

struct EvalPixels {
    size_t exact_pixels; /* so many are kept one by one */
    Keys normal;         /* key */
    Keys defective;      /* key, area */
    int sorted;          /* both, ascending */
    Histogram *histogram; /* NULL: the pixels are in the two lists above; else all are here */
    double normal_count, defective_count;
    float lowest, highest; /* score; where there is one */
    size_t images, regions;
};

/* ---- lists of keys ---- */

/* Room for `more` further keys, of `limit` at most. */
static int keys_reserve(Keys *keys, size_t more, size_t limit)
{
    size_t needed = keys->count + more, room = keys->room * 2, bytes;
    uint32_t *grown;

    if (needed <= keys->room)
        return 1;
    if (room > limit)
        room = limit;
    if (room < needed)
        room = needed;
    if (!size_multiply(room, keys->width * sizeof *grown, &bytes) || (grown = realloc(keys->words, bytes)) == NULL)
        return 0;
    keys->words = grown;
    keys->room = room;
    return 1;
}

static void keys_free(Keys *keys)
{
    free(keys->words);
    keys->words = NULL;
    keys->count = keys->room = 0;
}

/* Sorts ascending: radix sort, least significant byte first. scratch holds as many words. */
static void keys_sort(Keys *keys, uint32_t *scratch)
{
    size_t width = keys->width;
    uint32_t *from = keys->words, *to = scratch, *swap;

    for (unsigned shift = 0; shift < 32; shift += 8) {
        size_t start[257] = {0};
        for (size_t i = 0; i < keys->count; i++)
            start[(from[i * width] >> shift & 0xff) + 1]++;
        for (size_t b = 0; b < 256; b++)
            start[b + 1] += start[b];
        for (size_t i = 0; i < keys->count; i++) {
            size_t place = start[from[i * width] >> shift & 0xff]++ * width;
            for (size_t w = 0; w < width; w++)
                to[place + w] = from[i * width + w];
        }
        swap = from;
        from = to;
        to = swap;
    }
}

static int sort_pixels(EvalPixels *pixels, Error *e)
{
    size_t normal = pixels->normal.count * pixels->normal.width;
    size_t defective = pixels->defective.count * pixels->defective.width;
    size_t most = normal > defective ? normal : defective;
    uint32_t *scratch;

    if (pixels->sorted || most == 0)
        return LAKE_OK;
    scratch = malloc(most * sizeof *scratch);
    if (scratch == NULL)
        return error_memory(e, "sorting the pixels' scores");
    keys_sort(&pixels->normal, scratch);
    keys_sort(&pixels->defective, scratch);
    free(scratch);
    pixels->sorted = 1;
    return LAKE_OK;
}

/* A CurveWalk over both sorted lists, from their ends. */
static void walk_pixels(const void *source, CurveVisitor *visit, void *context)
{
    const EvalPixels *pixels = source;
    const uint32_t *normal = pixels->normal.words, *defective = pixels->defective.words;
    size_t n = pixels->normal.count, d = pixels->defective.count;

    while (n > 0 || d > 0) {
        uint32_t key = n > 0 ? normal[n - 1] : 0;
        CurveStep step = {0, 0, 0, 0};
        if (d > 0 && defective[2 * d - 2] > key)
            key = defective[2 * d - 2];
        step.score = key_score(key);
        for (; n > 0 && normal[n - 1] == key; n--)
            step.normal++;
        for (; d > 0 && defective[2 * d - 2] == key; d--) {
            step.anomalous++;
            step.overlap += 1.0 / defective[2 * d - 1];
        }
        visit(context, &step);
    }
}

/* ---- adding ---- */

int eval_pixels_open(EvalPixels **pixels, size_t exact_pixels, Error *e)
{
    *pixels = calloc(1, sizeof **pixels);
    if (*pixels == NULL)
        return error_memory(e, "the pixels' scores");
    (*pixels)->exact_pixels = exact_pixels > 0 ? exact_pixels : EVAL_EXACT_PIXELS;
    (*pixels)->normal.width = 1;
    (*pixels)->defective.width = 2;
    return LAKE_OK;
}

void eval_pixels_close(EvalPixels *pixels)
{
    if (pixels == NULL)
        return;
    keys_free(&pixels->normal);
    keys_free(&pixels->defective);
    histogram_free(pixels->histogram);
    free(pixels);
}

/* Moves the pixels kept one by one into a new histogram; on failure they stay. */
static int group(EvalPixels *pixels, Error *e)
{
    const Keys *normal = &pixels->normal, *defective = &pixels->defective;
    Histogram *h = histogram_new();
    int room = h != NULL;

    for (size_t i = 0; i < normal->count && room; i++)
        room = histogram_reserve(h, normal->words[i]);
    for (size_t i = 0; i < defective->count && room; i++)
        room = histogram_reserve(h, defective->words[2 * i]);
    if (!room) {
        histogram_free(h);
        return error_memory(e, "the histogram of the pixels' scores");
    }
    for (size_t i = 0; i < normal->count; i++)
        histogram_add(h, normal->words[i], 0);
    for (size_t i = 0; i < defective->count; i++)
        histogram_add(h, defective->words[2 * i], defective->words[2 * i + 1]);
    keys_free(&pixels->normal);
    keys_free(&pixels->defective);
    pixels->histogram = h;
    return LAKE_OK;
}

/* Room for one image's pixels, so that adding them cannot fail half-way. */
static int reserve(EvalPixels *pixels, const float *map, size_t count, size_t defective, Error *e)
{
    size_t held = pixels->normal.count + pixels->defective.count;
    int code;

    if (pixels->histogram == NULL && (held > pixels->exact_pixels || count > pixels->exact_pixels - held)) {
        code = group(pixels, e);
        if (code != LAKE_OK)
            return code;
    }
    if (pixels->histogram == NULL) {
        if (!keys_reserve(&pixels->normal, count - defective, pixels->exact_pixels) ||
            !keys_reserve(&pixels->defective, defective, pixels->exact_pixels))
            return error_memory(e, "the pixels' scores");
        return LAKE_OK;
    }
    for (size_t i = 0; i < count; i++)
        if (!histogram_reserve(pixels->histogram, score_key(map[i])))
            return error_memory(e, "the histogram of the pixels' scores");
    return LAKE_OK;
}

/* areas as of regions_areas, or NULL: all normal. */
static void add_all(EvalPixels *pixels, const float *map, const uint32_t *areas, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t key = score_key(map[i]), area = areas != NULL ? areas[i] : 0;
        if (pixels->histogram != NULL) {
            histogram_add(pixels->histogram, key, area);
        } else if (area == 0) {
            pixels->normal.words[pixels->normal.count++] = key;
        } else {
            pixels->defective.words[2 * pixels->defective.count] = key;
            pixels->defective.words[2 * pixels->defective.count++ + 1] = area;
        }
    }
}

/* To be called before the pixels are counted. */
static void widen_range(EvalPixels *pixels, const float *map, size_t count)
{
    if (count > 0 && pixels->normal_count + pixels->defective_count == 0)
        pixels->lowest = pixels->highest = map[0];
    for (size_t i = 0; i < count; i++) {
        pixels->lowest = map[i] < pixels->lowest ? map[i] : pixels->lowest;
        pixels->highest = map[i] > pixels->highest ? map[i] : pixels->highest;
    }
}

/* That there is something to add, that every number can be counted, and that the scores are finite. */
static int check_map(const EvalPixels *pixels, const float *map, size_t height, size_t width, Error *e)
{
    double total = (double)height * (double)width + pixels->normal_count + pixels->defective_count;
    size_t count;

    if (!size_multiply(height, width, &count) || total > UINT32_MAX)
        return error_set(e, LAKE_BAD_INPUT, "a score map of %llu x %llu after %.0f pixels: more than %lu pixels in all",
                         (unsigned long long)height, (unsigned long long)width,
                         pixels->normal_count + pixels->defective_count, (unsigned long)UINT32_MAX);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(map[i]))
            return error_set(e, LAKE_BAD_INPUT,
                             "score map of image %llu: the score at row %llu, column %llu is %g: expected a finite "
                             "number",
                             (unsigned long long)(pixels->images + 1), (unsigned long long)(i / width),
                             (unsigned long long)(i % width), map[i]);
    return LAKE_OK;
}

int eval_pixels_add(EvalPixels *pixels, const float *map, const unsigned char *mask, size_t height, size_t width,
                    Error *e)
{
    uint32_t *areas = NULL;
    size_t regions = 0, defective = 0, count = 0;
    int code = check_map(pixels, map, height, width, e);

    if (code == LAKE_OK && mask != NULL)
        code = regions_areas(&areas, &regions, mask, height, width, e);
    if (code == LAKE_OK) {
        count = height * width;
        for (size_t i = 0; i < count && areas != NULL; i++)
            defective += areas[i] != 0;
        code = reserve(pixels, map, count, defective, e);
    }
    if (code == LAKE_OK) {
        add_all(pixels, map, areas, count);
        widen_range(pixels, map, count);
        pixels->sorted = 0;
        pixels->normal_count += (double)(count - defective);
        pixels->defective_count += (double)defective;
        pixels->regions += regions;
        pixels->images++;
    }
    free(areas);
    return code;
}

/* ---- measuring ---- */

static CurveTotals totals(const EvalPixels *pixels)
{
    CurveTotals t;

    t.normal = pixels->normal_count;
    t.anomalous = pixels->defective_count;
    t.regions = (double)pixels->regions;
    t.lowest = pixels->lowest;
    t.highest = pixels->highest;
    return t;
}

int eval_pixels_scores(EvalPixels *pixels, EvalPixelScores *out, Error *e)
{
    const int grouped = pixels->histogram != NULL;
    CurveMeasures m;
    int code = sort_pixels(pixels, e);

    if (code != LAKE_OK)
        return code;
    m = grouped ? curve_measure(histogram_walk, pixels->histogram, totals(pixels))
                : curve_measure(walk_pixels, pixels, totals(pixels));
    out->auroc = m.auroc;
    out->ap = m.ap;
    out->f1max = m.f1max;
    out->pro = m.pro;
    out->pro_200 = m.pro_200;
    out->f1_threshold = m.f1_threshold;
    out->auroc_margin = grouped ? m.auroc_margin : 0;
    out->pro_margin = grouped ? m.pro_margin : 0;
    out->normal = pixels->normal_count;
    out->defective = pixels->defective_count;
    out->images = pixels->images;
    out->regions = pixels->regions;
    return LAKE_OK;
}

int eval_pixels_roc(EvalPixels *pixels, EvalPoint *points, size_t most, size_t *count, Error *e)
{
    int code = sort_pixels(pixels, e);

    *count = 0;
    if (code != LAKE_OK)
        return code;
    if (pixels->histogram != NULL)
        return curve_roc(points, most, count, histogram_walk, pixels->histogram, totals(pixels), e);
    return curve_roc(points, most, count, walk_pixels, pixels, totals(pixels), e);
}
