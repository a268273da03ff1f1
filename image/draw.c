/* Pictures of results; see draw.h. Everything is drawn into plain RGB bytes, sizes of lines and letters follow the
 * picture's size so that small and large pictures look alike on a screen. */
#include "image/draw.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/colormap.h"
#include "image/contour.h"
#include "image/glyphs.h"

static const unsigned char paper[3] = {255, 255, 255};
static const unsigned char text_ink[3] = {32, 32, 36};
static const unsigned char unknown[3] = {128, 128, 128}; /* where a map is NaN */
static const unsigned char line_light[3] = {255, 255, 255};
static const unsigned char line_dark[3] = {16, 12, 28};

/* How the values of a map become colours. */
typedef struct {
    double lo, hi, threshold; /* threshold may be NaN: none */
} Range;

/* Lengths in pixels for a photo of one size. */
typedef struct {
    int dot;            /* of the font */
    float line;         /* width of the contour */
    int gap;            /* between things */
    int bar;            /* width of the colour bar */
    int panel;          /* what the bar with labels takes on the right of the photo */
} Layout;

/* ---------------------------------------------------------------- small things */

static float clip(float x)
{
    return x > 0 ? (x < 1 ? x : 1) : 0; /* NaN gives 0 */
}

static void mix(unsigned char rgb[3], const unsigned char other[3], float share)
{
    int i;

    for (i = 0; i < 3; i++)
        rgb[i] = (unsigned char)((float)rgb[i] + share * ((float)other[i] - (float)rgb[i]) + 0.5f);
}

static unsigned char *pixel_at(Image *image, int x, int y)
{
    return image->rgb + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

static void fill(Image *image, int left, int top, int width, int height, const unsigned char rgb[3])
{
    int x, y;

    for (y = top; y < top + height && y < image->height; y++)
        for (x = left; x < left + width && x < image->width; x++)
            memcpy(pixel_at(image, x, y), rgb, 3);
}

static void copy_into(Image *out, const Image *in, int left)
{
    int y;

    for (y = 0; y < in->height; y++)
        memcpy(pixel_at(out, left, y), in->rgb + (size_t)y * (size_t)in->width * 3, (size_t)in->width * 3);
}

/* A value's place between lo and hi, 0 to 1; NaN stays NaN. Without a range between them, what exceeds lo is 1. */
static float place(const Range *range, double value)
{
    if (isnan(value))
        return (float)value;
    if (!(range->hi > range->lo))
        return value > range->lo ? 1 : 0;
    return clip((float)((value - range->lo) / (range->hi - range->lo)));
}

static int check_range(const char *what, float lo, float hi, Error *e)
{
    if (!isfinite(lo) || !isfinite(hi) || lo > hi)
        return error_set(e, LAKE_USAGE, "%s: the colours' range is %g to %g, expected finite numbers in order", what, (double)lo,
                         (double)hi);
    return LAKE_OK;
}

/* ---------------------------------------------------------------- the colour map */

void draw_color(unsigned char rgb[3], float value)
{
    memcpy(rgb, colormap[(int)(clip(value) * 255 + 0.5f)], 3);
}

static void map_color(unsigned char rgb[3], float at)
{
    if (isnan(at))
        memcpy(rgb, unknown, 3);
    else
        draw_color(rgb, at);
}

int draw_heatmap(Image *out, const float *map, int width, int height, float lo, float hi, Error *e)
{
    const Range range = {lo, hi, NAN};
    size_t i;
    int rc = check_range("heatmap", lo, hi, e);

    if (rc == LAKE_OK)
        rc = img_new(out, width, height, e);
    for (i = 0; rc == LAKE_OK && i < (size_t)width * (size_t)height; i++)
        map_color(out->rgb + 3 * i, place(&range, map[i]));
    return rc;
}

/* ---------------------------------------------------------------- the colour bar */

/* Enough decimals to tell hundredths of the range apart. */
static void format_value(char text[32], double value, const Range *range)
{
    const double step = (range->hi - range->lo) / 100, size = fmax(fabs(range->lo), fabs(range->hi));
    const int decimals = step > 0 ? (int)ceil(-log10(step) - 1e-6) : 2;
    char *c;

    if (size >= 1e5 || decimals > 5)
        snprintf(text, 32, "%.3g", value);
    else
        snprintf(text, 32, "%.*f", decimals < 0 ? 0 : decimals, value);
    for (c = text; *c != '\0'; c++)
        if (*c == ',') /* a program may have chosen a locale with decimal commas */
            *c = '.';
}

static int label_width(const Range *range, int dot)
{
    const double values[3] = {range->lo, range->threshold, range->hi};
    char text[32];
    int i, width, widest = 0;

    for (i = 0; i < 3; i++) {
        if (isnan(values[i]))
            continue;
        format_value(text, values[i], range);
        width = glyphs_width(text, dot);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Width of a line on a photo of this size. */
static float line_width(int width, int height)
{
    const double side = sqrt((double)width * (double)height);

    return (float)fmin(fmax(side / 450, side < 100 ? 0.6 : 1), CONTOUR_MAX_RADIUS / 2);
}

/* Sizes grow with the square root of the photo's area, within what its height has room for: three labels. */
static Layout choose_layout(int width, int height, const Range *range)
{
    const double side = sqrt((double)width * (double)height);
    const int room = height / (3 * (GLYPH_HEIGHT + 2));
    Layout l;

    l.dot = (int)(side / 280 + 0.5);
    l.dot = l.dot < 1 ? 1 : l.dot > room && room > 0 ? room : l.dot;
    l.line = line_width(width, height);
    l.gap = (int)fmax(2, side / 60);
    l.bar = (int)fmax(4, side / 32);
    l.panel = l.gap + l.bar + 5 * l.dot + 1 + label_width(range, l.dot) + l.gap;
    return l;
}

/* The row of the bar where a place from 0 (bottom) to 1 (top) is. */
static int bar_row(float at, int height)
{
    return (int)((1 - at) * (float)(height - 1) + 0.5f);
}

/* A label centred on a row, moved to stay inside with a little room. */
static void draw_label(Image *out, const Range *range, const Layout *l, int x, int row, double value)
{
    const int text_height = GLYPH_HEIGHT * l->dot;
    const int highest = out->height > text_height + 2 * l->dot ? l->dot : 0, lowest = out->height - text_height - highest;
    int y = row - text_height / 2;
    char text[32];

    format_value(text, value, range);
    y = y > lowest ? lowest : y;
    glyphs_draw(out, text, x, y < highest ? highest : y, l->dot, text_ink);
}

/* A triangle of the text's colour that points left from (x + width, row) to (x, row). */
static void draw_pointer(Image *out, int x, int row, int width)
{
    int i, y;

    for (i = 0; i < width; i++)
        for (y = row - i; y <= row + i; y++)
            if (y >= 0 && y < out->height)
                fill(out, x + i, y, 1, 1, text_ink);
}

/* The threshold on the bar: a light mark with dark edges, and a pointer (a tick would read as a minus sign). */
static void draw_threshold_mark(Image *out, const Layout *l, int left, int row)
{
    const int height = l->dot;
    int y = row - height / 2;

    y = y < 0 ? 0 : y > out->height - height ? out->height - height : y;
    fill(out, left, y < height ? 0 : y - height, l->bar, y < height ? y + 2 * height : 3 * height, line_dark);
    fill(out, left, y, l->bar, height, line_light);
    draw_pointer(out, left + l->bar + l->dot, row, 2 * l->dot + 1);
}

/* The map's colours from hi (top) to lo, labels beside it, and the threshold's mark. A label that would touch the
 * threshold's gives way to it. */
static void draw_bar(Image *out, const Range *range, const Layout *l, int left)
{
    const int label = left + l->bar + 5 * l->dot + 1, height = out->height;
    const int distance = (GLYPH_HEIGHT + 2) * l->dot; /* of labels, from row to row */
    const float at = place(range, range->threshold);
    int y, row = -1;
    unsigned char rgb[3];

    for (y = 0; y < height; y++) {
        draw_color(rgb, height > 1 ? 1 - (float)y / (float)(height - 1) : 1);
        fill(out, left, y, l->bar, 1, rgb);
    }
    if (!isnan(at)) {
        row = bar_row(at, height);
        draw_threshold_mark(out, l, left, row);
        draw_label(out, range, l, label, row, range->threshold);
    }
    if (row < 0 || row >= distance)
        draw_label(out, range, l, label, 0, range->hi);
    if (row < 0 ? height >= 2 * distance : height - 1 - row >= distance)
        draw_label(out, range, l, label, height - 1, range->lo);
}

/* ---------------------------------------------------------------- the overlay */

/* How much of a pixel is the map's colour: nothing where the map is well below the threshold (or, without one, the middle
 * of the range), most of it above. */
static float color_share(float at, float threshold_at)
{
    const float middle = isnan(threshold_at) ? 0.5f : threshold_at;
    const float from = 0.6f * middle, to = middle + 0.15f;
    const float t = clip((at - from) / (to - from));

    return 0.72f * t * t * (3 - 2 * t);
}

/* One photo pixel under the map: some of its colour is taken away and it is darkened a little, so that the map's colours
 * stand out and the photo can still be read. */
static void blend_pixel(unsigned char rgb[3], const unsigned char photo[3], float at, float threshold_at)
{
    const unsigned char grey = (unsigned char)((77 * photo[0] + 150 * photo[1] + 29 * photo[2]) >> 8);
    const unsigned char greys[3] = {grey, grey, grey}, black[3] = {0, 0, 0};
    unsigned char color[3];

    memcpy(rgb, photo, 3);
    mix(rgb, greys, 0.40f);
    mix(rgb, black, 0.10f);
    draw_color(color, at);
    mix(rgb, color, color_share(at, threshold_at));
}

/* A light line with dark edges, visible on any ground. On small pictures the edges would hide more than they show. */
static void draw_contour(Image *out, const unsigned char *distance, int width, int height, float line)
{
    const float half = line / 2, edge = line > 1.2f ? line : 0;
    int x, y;

    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++) {
            const unsigned char units = distance[(size_t)y * (size_t)width + (size_t)x];
            const float d = (float)units / CONTOUR_UNIT;
            if (units == CONTOUR_FAR)
                continue;
            if (edge > 0)
                mix(pixel_at(out, x, y), line_dark, 0.75f * clip(half + edge / 2 + 0.5f - d));
            mix(pixel_at(out, x, y), line_light, clip(half + 0.5f - d));
        }
}

static int add_contour(Image *out, const Image *photo, const float *map, const Range *range, float line, Error *e)
{
    unsigned char *distance;

    if (!isfinite(range->threshold))
        return LAKE_OK;
    distance = malloc((size_t)photo->width * (size_t)photo->height);
    if (distance == NULL)
        return error_memory(e, "the contour");
    contour_distance(distance, map, photo->width, photo->height, (float)range->threshold, line + 1);
    draw_contour(out, distance, photo->width, photo->height, line);
    free(distance);
    return LAKE_OK;
}

int draw_overlay(Image *out, const Image *photo, const float *map, float lo, float hi, float threshold, Error *e)
{
    const Range range = {lo, hi, threshold};
    Layout l;
    int x, y, rc = check_range("overlay", lo, hi, e);

    if (rc != LAKE_OK)
        return rc;
    l = choose_layout(photo->width, photo->height, &range);
    if (photo->width > INT_MAX - l.panel)
        return error_set(e, LAKE_BAD_INPUT, "overlay: a photo %d pixels wide has no room for a colour bar", photo->width);
    rc = img_new(out, photo->width + l.panel, photo->height, e);
    if (rc != LAKE_OK)
        return rc;
    fill(out, 0, 0, out->width, out->height, paper);
    for (y = 0; y < photo->height; y++)
        for (x = 0; x < photo->width; x++) {
            const size_t i = (size_t)y * (size_t)photo->width + (size_t)x;
            blend_pixel(pixel_at(out, x, y), photo->rgb + 3 * i, place(&range, map[i]), place(&range, threshold));
        }
    rc = add_contour(out, photo, map, &range, l.line, e);
    if (rc != LAKE_OK)
        img_free(out);
    else
        draw_bar(out, &range, &l, photo->width + l.gap);
    return rc;
}

int draw_outline(Image *picture, const unsigned char *mask, int width, int height, const unsigned char rgb[3], Error *e)
{
    const float line = line_width(width, height);
    const size_t count = (size_t)width * (size_t)height;
    float *map = malloc(count * sizeof *map);
    unsigned char *distance = malloc(count);
    int code = LAKE_OK;

    if (picture->width < width || picture->height < height)
        code = error_set(e, LAKE_USAGE, "outline: a mask of %d x %d pixels on a picture of %d x %d", width, height,
                         picture->width, picture->height);
    else if (map == NULL || distance == NULL)
        code = error_memory(e, "an outline");
    for (size_t i = 0; code == LAKE_OK && i < count; i++)
        map[i] = mask[i] != 0;
    if (code == LAKE_OK)
        contour_distance(distance, map, width, height, 0.5f, line + 1);
    for (size_t i = 0; code == LAKE_OK && i < count; i++)
        if (distance[i] != CONTOUR_FAR)
            mix(pixel_at(picture, (int)(i % (size_t)width), (int)(i / (size_t)width)), rgb,
                clip(line / 2 + 0.5f - (float)distance[i] / CONTOUR_UNIT));
    free(map);
    free(distance);
    return code;
}

/* ---------------------------------------------------------------- the strip */

int draw_strip(Image *out, const Image *photo, const float *map, float lo, float hi, float threshold, Error *e)
{
    const int gap = (int)fmax(2, sqrt((double)photo->width * (double)photo->height) / 60);
    Image heatmap = {0, 0, NULL}, overlay = {0, 0, NULL};
    int rc = draw_heatmap(&heatmap, map, photo->width, photo->height, lo, hi, e);

    if (rc == LAKE_OK)
        rc = draw_overlay(&overlay, photo, map, lo, hi, threshold, e);
    if (rc == LAKE_OK && photo->width > (INT_MAX - overlay.width - 2 * gap) / 2)
        rc = error_set(e, LAKE_BAD_INPUT, "strip: a photo %d pixels wide has no room for three", photo->width);
    if (rc == LAKE_OK)
        rc = img_new(out, 2 * photo->width + 2 * gap + overlay.width, photo->height, e);
    if (rc == LAKE_OK) {
        fill(out, 0, 0, out->width, out->height, paper);
        copy_into(out, photo, 0);
        copy_into(out, &heatmap, photo->width + gap);
        copy_into(out, &overlay, 2 * (photo->width + gap));
    }
    img_free(&heatmap);
    img_free(&overlay);
    return rc;
}
