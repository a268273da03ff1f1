/* From the components' samples to RGB: upsampling of the components stored at lower resolution, and conversion
 * of colours.
 *
 * Components at half the width, half the height or both are upsampled with a triangle filter ("fancy upsampling" in
 * libjpeg): each new sample is 3/4 the nearer and 1/4 the further of its two neighbours, in each direction. At the
 * picture's edges the outermost sample stands for what is missing. Other whole ratios repeat samples. Rounding
 * alternates between neighbours (+1, +2 of 4; +7, +8 of 16) so that no drift arises; it is part of the result. */
#include "image/jpeg_internal.h"

#include <string.h>

int upsample_choose(Jpeg *j)
{
    int i;

    for (i = 0; i < j->component_count; i++) {
        Component *c = &j->component[i];
        const int wide = j->max_h / c->h, high = j->max_v / c->v;
        if (j->max_h % c->h != 0 || j->max_v % c->v != 0)
            return 0;
        /* The horizontal filters need a middle: libjpeg repeats samples in rows of one or two. */
        if (wide == 1 && high == 1)
            c->upsample = UPSAMPLE_NONE;
        else if (wide == 2 && high == 1 && c->width > 2)
            c->upsample = UPSAMPLE_H2V1;
        else if (wide == 1 && high == 2)
            c->upsample = UPSAMPLE_H1V2;
        else if (wide == 2 && high == 2 && c->width > 2)
            c->upsample = UPSAMPLE_H2V2;
        else
            c->upsample = UPSAMPLE_BOX;
    }
    return 1;
}

/* Row y of a component's samples, the nearest one there is. */
static const unsigned char *sample_row(const Component *c, int y)
{
    const int stored = 16 * c->v;

    y = y < 0 ? 0 : y >= c->height ? c->height - 1 : y;
    return c->samples + (size_t)(y % stored) * 8 * c->stride;
}

/* out[2 n] from in[n]: twice the width. */
static void upsample_h2v1(unsigned char *out, const unsigned char *in, int n)
{
    int x;

    out[0] = in[0];
    for (x = 1; x < n; x++) {
        out[2 * x - 1] = (unsigned char)((3 * in[x - 1] + in[x] + 2) >> 2);
        out[2 * x] = (unsigned char)((3 * in[x] + in[x - 1] + 1) >> 2);
    }
    out[2 * n - 1] = in[n - 1];
}

/* One of the two rows that come from the row `nearer`; `lower` says which. */
static void upsample_h1v2(unsigned char *out, const unsigned char *nearer, const unsigned char *further, int lower, int n)
{
    const int bias = lower ? 2 : 1;
    int x;

    for (x = 0; x < n; x++)
        out[x] = (unsigned char)((3 * nearer[x] + further[x] + bias) >> 2);
}

/* Both at once, rounded once at the end. */
static void upsample_h2v2(unsigned char *out, const unsigned char *nearer, const unsigned char *further, int n)
{
    int left, here = 3 * nearer[0] + further[0];
    int x;

    out[0] = (unsigned char)((4 * here + 8) >> 4);
    for (x = 1; x < n; x++) {
        left = here;
        here = 3 * nearer[x] + further[x];
        out[2 * x - 1] = (unsigned char)((3 * left + here + 7) >> 4);
        out[2 * x] = (unsigned char)((3 * here + left + 8) >> 4);
    }
    out[2 * n - 1] = (unsigned char)((4 * here + 7) >> 4);
}

static void upsample_box(unsigned char *out, const unsigned char *in, int n, int times)
{
    int x;

    for (x = 0; x < n; x++, out += times)
        memset(out, in[x], (size_t)times);
}

/* Component c at picture row y, at the picture's width. */
static const unsigned char *component_row(const Jpeg *j, Component *c, int y)
{
    const int high = j->max_v / c->v, lower = y & 1;
    const unsigned char *nearer = sample_row(c, y / high);
    const unsigned char *further = sample_row(c, lower ? y / high + 1 : y / high - 1);

    switch (c->upsample) {
    case UPSAMPLE_NONE:
        return nearer;
    case UPSAMPLE_H2V1:
        upsample_h2v1(c->line, nearer, c->width);
        break;
    case UPSAMPLE_H1V2:
        upsample_h1v2(c->line, nearer, further, lower, c->width);
        break;
    case UPSAMPLE_H2V2:
        upsample_h2v2(c->line, nearer, further, c->width);
        break;
    default:
        upsample_box(c->line, nearer, c->width, j->max_h / c->h);
    }
    return c->line;
}

static int clip(int x)
{
    if ((unsigned)x <= 255)
        return x;
    return x < 0 ? 0 : 255;
}

/* sum / 2^16, rounded down; the offset keeps what is shifted positive. */
static int high_part(int sum)
{
    return ((sum + (256 << 16)) >> 16) - 256;
}

/* JFIF's conversion from YCbCr in fixed point of 16 bits: R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr,
 * B = Y + 1.772 Cb, with Cb and Cr centred at 128. */
static void ycc_to_rgb(unsigned char rgb[3], int y, int cb, int cr)
{
    cb -= 128;
    cr -= 128;
    rgb[0] = (unsigned char)clip(y + high_part(91881 * cr + 32768));
    rgb[1] = (unsigned char)clip(y + high_part(-22554 * cb - 46802 * cr + 32768));
    rgb[2] = (unsigned char)clip(y + high_part(116130 * cb + 32768));
}

/* a * b / 255 rounded to nearest, without a division. */
static int multiply_255(int a, int b)
{
    const int product = a * b + 128;

    return ((product >> 8) + product) >> 8;
}

/* Inks to light as Pillow does it. Files with four components hold inverted inks (255: no ink), the habit of
 * the programs that write them, so `cmyk` are amounts of light that the inks let through. */
static void cmyk_to_rgb(unsigned char rgb[3], int c, int m, int y, int k)
{
    rgb[0] = (unsigned char)clip(k - multiply_255(255 - c, k));
    rgb[1] = (unsigned char)clip(k - multiply_255(255 - m, k));
    rgb[2] = (unsigned char)clip(k - multiply_255(255 - y, k));
}

static void ycc_row(unsigned char *rgb, const unsigned char *y, const unsigned char *cb, const unsigned char *cr, int width)
{
    int x;

    for (x = 0; x < width; x++)
        ycc_to_rgb(rgb + 3 * x, y[x], cb[x], cr[x]);
}

/* Components that are R, G, B already; grey is the same component three times. */
static void rgb_row(unsigned char *rgb, const unsigned char *r, const unsigned char *g, const unsigned char *b, int width)
{
    int x;

    for (x = 0; x < width; x++) {
        rgb[3 * x] = r[x];
        rgb[3 * x + 1] = g[x];
        rgb[3 * x + 2] = b[x];
    }
}

/* YCCK holds the complement of the inks as YCbCr, and K as it is. */
static void cmyk_row(unsigned char *rgb, const unsigned char *const in[JPEG_MAX_COMPONENTS], int width, int is_ycck)
{
    unsigned char inks[3];
    int x;

    for (x = 0; x < width; x++, rgb += 3) {
        if (is_ycck) {
            ycc_to_rgb(inks, in[0][x], in[1][x], in[2][x]);
            cmyk_to_rgb(rgb, 255 - inks[0], 255 - inks[1], 255 - inks[2], in[3][x]);
        } else {
            cmyk_to_rgb(rgb, in[0][x], in[1][x], in[2][x], in[3][x]);
        }
    }
}

void color_rows(Jpeg *j, int first, int end)
{
    const unsigned char *in[JPEG_MAX_COMPONENTS];
    int y, i;

    for (y = first; y < end; y++) {
        unsigned char *rgb = j->image.rgb + (size_t)y * (size_t)j->width * 3;
        for (i = 0; i < j->component_count; i++)
            in[i] = component_row(j, &j->component[i], y);
        if (j->color == COLOR_GREY)
            rgb_row(rgb, in[0], in[0], in[0], j->width);
        else if (j->color == COLOR_RGB)
            rgb_row(rgb, in[0], in[1], in[2], j->width);
        else if (j->color == COLOR_YCC)
            ycc_row(rgb, in[0], in[1], in[2], j->width);
        else
            cmyk_row(rgb, in, j->width, j->color == COLOR_YCCK);
    }
}
