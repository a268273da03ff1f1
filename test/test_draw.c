/* Drawing: the colour map measured in OKLab, heatmaps, contours, digits, overlays and strips of every size. OKLab's
 * equations here are the forward ones of B. Ottosson's article, not those the map was made with. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/contour.h"
#include "image/draw.h"
#include "image/glyphs.h"
#include "test/test.h"

/* ---------------------------------------------------------------- the colour map */

static double linear(double encoded)
{
    encoded /= 255;
    return encoded <= 0.04045 ? encoded / 12.92 : pow((encoded + 0.055) / 1.055, 2.4);
}

static void oklab(double lab[3], const double rgb[3])
{
    const double l = cbrt(0.4122214708 * rgb[0] + 0.5363325363 * rgb[1] + 0.0514459929 * rgb[2]);
    const double m = cbrt(0.2119034982 * rgb[0] + 0.6806995451 * rgb[1] + 0.1073969566 * rgb[2]);
    const double s = cbrt(0.0883024619 * rgb[0] + 0.2817188376 * rgb[1] + 0.6299787005 * rgb[2]);

    lab[0] = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
    lab[1] = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
    lab[2] = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
}

static void map_oklab(double lab[3], float value, const double vision[9])
{
    unsigned char rgb[3];
    double seen[3];
    int i;

    draw_color(rgb, value);
    for (i = 0; i < 3; i++)
        seen[i] = fmax(0, vision[3 * i] * linear(rgb[0]) + vision[3 * i + 1] * linear(rgb[1]) + vision[3 * i + 2] * linear(rgb[2]));
    oklab(lab, seen);
}

static const double full_vision[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

/* Lightness on its straight line. A byte step of a dark colour is at most 0.006 in L: half of it is what rounding may do. */
static void test_lightness(void)
{
    double first[3], last[3], lab[3], worst = 0;
    int i;

    map_oklab(first, 0, full_vision);
    map_oklab(last, 1, full_vision);
    for (i = 0; i <= 255; i++) {
        map_oklab(lab, (float)i / 255, full_vision);
        worst = fmax(worst, fabs(lab[0] - (first[0] + (last[0] - first[0]) * i / 255)));
    }
    check(worst < 0.003, "colour map lightness is linear", "off the line by %.4f", worst);
    check(first[0] < 0.25 && last[0] > 0.95, "colour map runs from dark to light", "L from %.3f to %.3f", first[0], last[0]);
}

/* Sixteen steps of equal value; rounding to bytes moves each end by up to 0.003 of steps of 0.06: 5 per cent, seldom. */
static void test_steps(void)
{
    double before[3], lab[3], step, smallest = 1, largest = 0;
    int i;

    map_oklab(before, 0, full_vision);
    for (i = 1; i <= 15; i++) {
        map_oklab(lab, (float)i / 15, full_vision);
        step = sqrt(pow(lab[0] - before[0], 2) + pow(lab[1] - before[1], 2) + pow(lab[2] - before[2], 2));
        smallest = fmin(smallest, step);
        largest = fmax(largest, step);
        memcpy(before, lab, sizeof lab);
    }
    check(largest / smallest < 1.05, "colour map steps are equal", "steps from %.4f to %.4f", smallest, largest);
}

/* What people without the red or green or blue cones see (G. Machado et al., 2009, severity 1) must still rise in lightness.
 * Over 8 of 255 values, for single ones may round either way. */
static void test_color_blindness(void)
{
    static const struct {
        const char *name;
        double matrix[9];
    } visions[3] = {
        {"protanopia", {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998}},
        {"deuteranopia", {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881}},
        {"tritanopia", {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900}},
    };
    double before[3], lab[3];
    int i, v;

    for (v = 0; v < 3; v++) {
        int falls = 0;
        map_oklab(before, 0, visions[v].matrix);
        for (i = 8; i <= 255; i += 8) {
            map_oklab(lab, (float)i / 255, visions[v].matrix);
            falls += lab[0] <= before[0];
            memcpy(before, lab, sizeof lab);
        }
        check(falls == 0, "colour map rises without full colour vision", "%s: falls at %d of 31 steps", visions[v].name, falls);
    }
}

static int same_color(const unsigned char *a, const unsigned char *b)
{
    return memcmp(a, b, 3) == 0;
}

static void test_clipping(void)
{
    unsigned char dark[3], light[3], rgb[3];

    draw_color(dark, 0);
    draw_color(light, 1);
    draw_color(rgb, -3);
    check(same_color(rgb, dark), "colour map clips below", "%d %d %d", rgb[0], rgb[1], rgb[2]);
    draw_color(rgb, INFINITY);
    check(same_color(rgb, light), "colour map clips above", "%d %d %d", rgb[0], rgb[1], rgb[2]);
    draw_color(rgb, NAN);
    check(same_color(rgb, dark), "colour map takes NaN", "%d %d %d", rgb[0], rgb[1], rgb[2]);
}

/* ---------------------------------------------------------------- heatmaps */

static void test_heatmap(void)
{
    const float map[6] = {2, 4, 6, NAN, -INFINITY, INFINITY};
    Image image = {0, 0, NULL};
    unsigned char low[3], middle[3], high[3];
    Error e = {0, ""};
    int rc = draw_heatmap(&image, map, 3, 2, 2, 6, &e);

    draw_color(low, 0);
    draw_color(middle, 0.5f);
    draw_color(high, 1);
    check(rc == LAKE_OK && image.width == 3 && image.height == 2, "heatmap size", "%s", e.text);
    if (rc == LAKE_OK) {
        check(same_color(image.rgb, low) && same_color(image.rgb + 3, middle) && same_color(image.rgb + 6, high), "heatmap colours",
              "first pixel %d %d %d", image.rgb[0], image.rgb[1], image.rgb[2]);
        check(image.rgb[9] == image.rgb[10] && image.rgb[10] == image.rgb[11], "heatmap NaN is grey", "red %d", image.rgb[9]);
        check(same_color(image.rgb + 12, low) && same_color(image.rgb + 15, high), "heatmap infinities", "first red %d", image.rgb[12]);
    }
    img_free(&image);
    check(draw_heatmap(&image, map, 3, 2, NAN, 6, &e) == LAKE_USAGE && image.rgb == NULL, "heatmap refuses a NaN range", "%s", e.text);
    check(draw_heatmap(&image, map, 3, 2, 6, 2, &e) == LAKE_USAGE, "heatmap refuses a reversed range", "%s", e.text);
}

/* A map without spread, as of a blank picture, is dark. */
static void test_empty_range(void)
{
    const float map[2] = {5, 5.5f};
    Image image = {0, 0, NULL};
    unsigned char low[3], high[3];
    Error e = {0, ""};
    const int rc = draw_heatmap(&image, map, 2, 1, 5, 5, &e);

    draw_color(low, 0);
    draw_color(high, 1);
    check(rc == LAKE_OK && same_color(image.rgb, low) && same_color(image.rgb + 3, high), "heatmap of an empty range", "%s", e.text);
    img_free(&image);
}

/* ---------------------------------------------------------------- contours */

/* The line of a cone (distance from a centre) is a circle: each pixel's distance to it is known. 0.1 pixel: pieces are chords,
 * and distances are kept in twelfths, rounded down. */
static void test_circle(void)
{
    enum { SIDE = 61 };
    static float map[SIDE * SIDE];
    static unsigned char distance[SIDE * SIDE];
    const double radius = 20.3, reach = 3;
    double worst = 0;
    int x, y, wrong = 0;

    for (y = 0; y < SIDE; y++)
        for (x = 0; x < SIDE; x++)
            map[y * SIDE + x] = (float)-hypot(x - 30.2, y - 29.7);
    contour_distance(distance, map, SIDE, SIDE, (float)-radius, (float)reach);
    for (y = 0; y < SIDE; y++)
        for (x = 0; x < SIDE; x++) {
            const double truth = fabs(hypot(x - 30.2, y - 29.7) - radius);
            const unsigned char found = distance[y * SIDE + x];
            if (found != CONTOUR_FAR)
                worst = fmax(worst, fabs((double)found / CONTOUR_UNIT - truth));
            wrong += (truth < reach - 0.1 && found == CONTOUR_FAR) || (truth > reach + 0.1 && found != CONTOUR_FAR);
        }
    check(worst < 0.1 && wrong == 0, "contour of a circle", "off by %.3f pixel, %d pixels wrong", worst, wrong);
}

static void test_contour_extremes(void)
{
    const float maps[][9] = { /* not static: NAN need not be a constant */
        {0, 0, 0, 0, NAN, 0, 0, 0, 0},
        {0, 0, 0, 0, INFINITY, 0, 0, 0, 0},
        {NAN, INFINITY, -INFINITY, INFINITY, NAN, -INFINITY, 1, 0, 1},
        {-3e38f, 3e38f, -3e38f, 3e38f, -3e38f, 3e38f, -3e38f, 3e38f, -3e38f}
    };
    static const int expected[4] = {0, 1, 1, 1}; /* a line anywhere? NaN among zeros is below like them */
    unsigned char distance[9];
    size_t m, i;

    for (m = 0; m < 4; m++) {
        int found = 0;
        contour_distance(distance, maps[m], 3, 3, 0.5f, 2);
        for (i = 0; i < 9; i++)
            found |= distance[i] != CONTOUR_FAR;
        check(found == expected[m], "contour of values that are not finite", "map %d: line %d", (int)m, found);
    }
}

/* ---------------------------------------------------------------- digits */

/* At scale 1 the font's dots are pixels; the row sums of "1" and "7" are their shapes. */
static void test_digits(void)
{
    static const int ones[7] = {1, 2, 2, 1, 1, 1, 5}, sevens[7] = {5, 1, 1, 1, 1, 1, 1};
    static const unsigned char black[3] = {0, 0, 0};
    Image image = {0, 0, NULL};
    Error e = {0, ""};
    int x, y, wrong = 0;

    if (!check(img_new(&image, 13, 9, &e) == LAKE_OK, "digits picture", "%s", e.text))
        return;
    memset(image.rgb, 255, 13 * 9 * 3);
    glyphs_draw(&image, "17", 1, 1, 1, black);
    for (y = 0; y < 9; y++) {
        int left = 0, right = 0;
        for (x = 0; x < 13; x++)
            *(x < 7 ? &left : &right) += image.rgb[(y * 13 + x) * 3] == 0;
        wrong += left != (y >= 1 && y < 8 ? ones[y - 1] : 0) || right != (y >= 1 && y < 8 ? sevens[y - 1] : 0);
    }
    check(wrong == 0 && glyphs_width("17", 1) == 11 && glyphs_width("", 3) == 0, "digits have their shapes", "%d rows differ", wrong);
    glyphs_draw(&image, "-8.5e+10naninf?", -9, -3, 3, black); /* cut off on all sides: the sanitizers look */
    img_free(&image);
}

/* ---------------------------------------------------------------- overlays and strips */

static float disc_value(int x, int y, int width, int height)
{
    const double side = width < height ? width : height;

    return (float)(1 - 2 * hypot(x - width / 2, y - height / 2) / side);
}

/* A grey photo with a bump in the middle. */
static int make_case(Image *photo, float **map, int width, int height)
{
    Error e;
    int x, y;

    *map = malloc(sizeof **map * (size_t)width * (size_t)height);
    if (*map == NULL || img_new(photo, width, height, &e) != LAKE_OK)
        return 0;
    memset(photo->rgb, 90, (size_t)width * (size_t)height * 3);
    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++)
            (*map)[y * width + x] = disc_value(x, y, width, height);
    return 1;
}

static int is_grey(const unsigned char *rgb)
{
    return rgb[0] == rgb[1] && rgb[1] == rgb[2];
}

static void test_overlay(void)
{
    Image photo = {0, 0, NULL}, out = {0, 0, NULL};
    float *map = NULL;
    Error e = {0, ""};
    const unsigned char *middle, *on_line;

    if (!check(make_case(&photo, &map, 200, 160), "overlay case", "memory"))
        return;
    if (check(draw_overlay(&out, &photo, map, 0, 1, 0.5f, &e) == LAKE_OK, "overlay", "%s", e.text)) {
        middle = out.rgb + ((size_t)80 * (size_t)out.width + 100) * 3;
        on_line = out.rgb + ((size_t)80 * (size_t)out.width + 140) * 3; /* the map is 0.5 there: 40 from the centre, of 80 */
        check(out.height == 160 && out.width > 220 && out.width < 320, "overlay size", "%d x %d", out.width, out.height);
        check(is_grey(out.rgb) && out.rgb[0] > 60 && out.rgb[0] <= 90, "overlay keeps the photo where the map is low", "red %d", out.rgb[0]);
        check(middle[0] > middle[2] + 20, "overlay colours where the map is high", "%d %d %d", middle[0], middle[1], middle[2]);
        check(on_line[0] > 240 && on_line[1] > 240 && on_line[2] > 240, "overlay draws the threshold's contour", "%d %d %d", on_line[0],
              on_line[1], on_line[2]);
    }
    img_free(&out);
    if (check(draw_overlay(&out, &photo, map, 0, 1, NAN, &e) == LAKE_OK, "overlay without threshold", "%s", e.text)) {
        on_line = out.rgb + ((size_t)80 * (size_t)out.width + 140) * 3;
        check(on_line[2] < 200, "overlay without threshold has no contour", "blue %d", on_line[2]);
    }
    img_free(&out);
    img_free(&photo);
    free(map);
}

/* The bar: light on top, dark at the bottom, and digits beside it that follow the values. */
static void test_bar(void)
{
    Image photo = {0, 0, NULL}, a = {0, 0, NULL}, b = {0, 0, NULL};
    float *map = NULL;
    Error e = {0, ""};
    int x, top_differs = 0;

    if (!check(make_case(&photo, &map, 120, 90) && draw_overlay(&a, &photo, map, 0, 1, 0.25f, &e) == LAKE_OK &&
                   draw_overlay(&b, &photo, map, 0, 2, 0.25f, &e) == LAKE_OK, "bar case", "%s", e.text))
        return;
    for (x = 120; x < a.width && is_grey(a.rgb + 3 * x); x++)
        ;
    check(x < a.width && a.rgb[3 * x] > 240 && a.rgb[((size_t)89 * (size_t)a.width + (size_t)x) * 3] < 40, "bar runs from light to dark",
          "column %d of %d", x, a.width);
    check(x < a.width && a.rgb[((size_t)67 * (size_t)a.width + (size_t)x) * 3 + 2] == 255, "bar marks the threshold",
          "no white a quarter from the bottom");
    for (x = 120; x < a.width && a.width == b.width; x++)
        top_differs |= memcmp(a.rgb + ((size_t)3 * (size_t)a.width + (size_t)x) * 3, b.rgb + ((size_t)3 * (size_t)b.width + (size_t)x) * 3, 3);
    check(top_differs != 0, "bar labels follow the values", "1.00 and 2.00 look alike");
    img_free(&photo);
    img_free(&a);
    img_free(&b);
    free(map);
}

/* The outline of a square on a wider picture: drawn along the mask's edge, and nowhere else. */
static void test_outline(void)
{
    const unsigned char green[3] = {0, 255, 0};
    unsigned char mask[20 * 20] = {0};
    size_t strayed = 0, missing = 0;
    Image picture;
    Error e = {0, ""};

    if (!check(img_new(&picture, 30, 20, &e) == LAKE_OK, "outline: a picture", "%s", e.text))
        return;
    for (int y = 5; y < 15; y++)
        for (int x = 5; x < 15; x++)
            mask[20 * y + x] = 255;
    check(draw_outline(&picture, mask, 20, 20, green, &e) == LAKE_OK, "outline: drawn", "%s", e.text);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 30; x++) {
            const unsigned char *rgb = picture.rgb + 3 * (30 * y + x);
            int near = x >= 4 && x <= 15 && y >= 4 && y <= 15 && !(x >= 6 && x <= 13 && y >= 6 && y <= 13);
            strayed += rgb[0] != 0 || rgb[2] != 0 || (!near && rgb[1] != 0);
            missing += x >= 7 && x <= 12 && y == 5 && rgb[1] < 70; /* 0.6 pixels wide, half on either side: 77 */
        }
    check(strayed == 0 && missing == 0, "outline: along the mask's edge", "%d pixels elsewhere, %d missing", (int)strayed,
          (int)missing);
    check(draw_outline(&picture, mask, 31, 1, green, &e) == LAKE_USAGE, "outline: a mask larger than the picture is refused",
          "%s", e.text);
    img_free(&picture);
}

static void test_strip(void)
{
    Image photo = {0, 0, NULL}, strip = {0, 0, NULL}, heatmap = {0, 0, NULL};
    float *map = NULL;
    Error e = {0, ""};
    int found = 0, x;

    if (!check(make_case(&photo, &map, 64, 48) && draw_strip(&strip, &photo, map, 0, 1, 0.5f, &e) == LAKE_OK &&
                   draw_heatmap(&heatmap, map, 64, 48, 0, 1, &e) == LAKE_OK, "strip case", "%s", e.text))
        return;
    check(strip.height == 48 && memcmp(strip.rgb, photo.rgb, 64 * 3) == 0, "strip begins with the photo", "%d x %d", strip.width, strip.height);
    for (x = 65; x < 80 && !found; x++)
        found = memcmp(strip.rgb + ((size_t)24 * (size_t)strip.width + (size_t)x) * 3, heatmap.rgb + 24 * 64 * 3, 64 * 3) == 0;
    check(found, "strip goes on with the heatmap", "not found within 16 pixels");
    img_free(&photo);
    img_free(&strip);
    img_free(&heatmap);
    free(map);
}

/* Every size and awkward values: nothing may crash, and the height is the photo's. */
static void test_sizes(void)
{
    static const int sizes[][2] = {{1, 1}, {1, 2}, {2, 1}, {3, 3}, {8, 8}, {13, 40}, {32, 32}, {300, 2}, {2, 300}, {500, 20}, {640, 480}};
    const float thresholds[] = {0.5f, NAN, -INFINITY, INFINITY, -1e30f, 1e30f, 0, 1};
    static const float ranges[][2] = {{0, 1}, {0, 0}, {-1e30f, 1e30f}, {1e-30f, 2e-30f}, {-3.4e38f, 3.4e38f}, {99999, 100001}, {-5, -4}};
    size_t s, t, r;
    int failed = 0;

    for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        Image photo = {0, 0, NULL}, out = {0, 0, NULL};
        float *map = NULL;
        Error e;
        if (!check(make_case(&photo, &map, sizes[s][0], sizes[s][1]), "sizes case", "memory"))
            return;
        map[0] = NAN;
        map[sizes[s][0] * sizes[s][1] / 2] = INFINITY;
        map[sizes[s][0] * sizes[s][1] - 1] = -INFINITY;
        for (t = 0; t < sizeof thresholds / sizeof thresholds[0]; t++)
            for (r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
                if (s == 10 && t != r)
                    continue; /* the large one with few */
                failed += draw_strip(&out, &photo, map, ranges[r][0], ranges[r][1], thresholds[t], &e) != LAKE_OK ||
                          out.height != photo.height || out.width <= 3 * photo.width;
                img_free(&out);
            }
        img_free(&photo);
        free(map);
    }
    check(failed == 0, "strips of every size and range", "%d failed", failed);
}

int main(void)
{
    test_lightness();
    test_steps();
    test_color_blindness();
    test_clipping();
    test_heatmap();
    test_empty_range();
    test_circle();
    test_contour_extremes();
    test_digits();
    test_overlay();
    test_bar();
    test_outline();
    test_strip();
    test_sizes();
    return 0;
}
