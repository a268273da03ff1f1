/* Connected regions in two passes over the picture (Rosenfeld and Pfaltz 1966), with union-find over the pixels: the
 * first joins each pixel with its neighbours already passed, the second counts. A tree's root is its smallest index, so
 * a parent never lies behind its child, and the second pass meets every root before the rest of its region. */
#include "eval/regions.h"

#include <stdlib.h>


/* The root of pixel i, halving the path on the way. */
static uint32_t find(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static void join(uint32_t *parent, size_t a, size_t b)
{
    uint32_t x = find(parent, (uint32_t)a), y = find(parent, (uint32_t)b);

    if (x < y)
        parent[y] = x;
    else
        parent[x] = y;
}

/* Joins each pixel inside with those of its neighbours to the left and above that are inside. */
static void join_all(uint32_t *parent, const unsigned char *mask, size_t height, size_t width)
{
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            size_t i = y * width + x;
            if (mask[i] == 0)
                continue;
            parent[i] = (uint32_t)i;
            if (x > 0 && mask[i - 1] != 0)
                join(parent, i, i - 1);
            if (y == 0)
                continue;
            if (x > 0 && mask[i - width - 1] != 0)
                join(parent, i, i - width - 1);
            if (mask[i - width] != 0)
                join(parent, i, i - width);
            if (x + 1 < width && mask[i - width + 1] != 0)
                join(parent, i, i - width + 1);
        }
}

int regions_areas(uint32_t **areas, size_t *count, const unsigned char *mask, size_t height, size_t width, Error *e)
{
    size_t pixels = height * width;
    uint32_t *parent = calloc(pixels > 0 ? pixels : 1, sizeof *parent);

    *count = 0;
    *areas = calloc(pixels > 0 ? pixels : 1, sizeof **areas);
    if (parent == NULL || *areas == NULL) {
        free(parent);
        free(*areas);
        *areas = NULL;
        return error_memory(e, "the regions of a mask");
    }
    join_all(parent, mask, height, width);
    for (size_t i = 0; i < pixels; i++)
        if (mask[i] != 0) {
            parent[i] = parent[parent[i]]; /* what lies before is flat already */
            *count += parent[i] == i;
            (*areas)[parent[i]]++;
        }
    for (size_t i = 0; i < pixels; i++)
        if (mask[i] != 0)
            (*areas)[i] = (*areas)[parent[i]];
    free(parent);
    return LAKE_OK;
}
