/* From the components' samples to RGB: which rows of samples a row of the picture is made of. The arithmetic on
 * rows is in pixels_loops.h.
 *
 * Components at half the width, half the height or both are upsampled with a triangle filter ("fancy upsampling" in
 * libjpeg). At the picture's edges the outermost sample stands for what is missing. Other whole ratios repeat samples.
 *
 * Files with four components hold inverted inks (255: no ink), the habit of the programs that write them, so these
 * samples are amounts of light that the inks let through. YCCK holds the complement of the inks as YCbCr, and K as it is. */
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
    const size_t n = (size_t)c->width;

    switch (c->upsample) {
    case UPSAMPLE_NONE:
        return nearer;
    case UPSAMPLE_H2V1:
        j->pixels->widen(c->line, nearer, n);
        break;
    case UPSAMPLE_H1V2:
        j->pixels->between(c->line, nearer, further, lower, n);
        break;
    case UPSAMPLE_H2V2:
        j->pixels->widen_between(c->line, nearer, further, n);
        break;
    default:
        upsample_box(c->line, nearer, c->width, j->max_h / c->h);
    }
    return c->line;
}

void color_rows(Jpeg *j, int first, int end)
{
    const unsigned char *in[JPEG_MAX_COMPONENTS];
    const size_t width = (size_t)j->width;
    int y, i;

    for (y = first; y < end; y++) {
        unsigned char *rgb = j->image.rgb + (size_t)y * width * 3;
        for (i = 0; i < j->component_count; i++)
            in[i] = component_row(j, &j->component[i], y);
        if (j->color == COLOR_GREY)
            j->pixels->interleave(rgb, in[0], in[0], in[0], width);
        else if (j->color == COLOR_RGB)
            j->pixels->interleave(rgb, in[0], in[1], in[2], width);
        else if (j->color == COLOR_YCC)
            j->pixels->ycc(rgb, in[0], in[1], in[2], width);
        else if (j->color == COLOR_CMYK)
            j->pixels->cmyk(rgb, in, width);
        else
            j->pixels->ycck(rgb, in, width);
    }
}
