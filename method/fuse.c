/* LAKE's maps and scores combined with another detector's; see fuse.h. */
#include "method/fuse.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "method/map.h"

#define MOST_PIXELS ((size_t)1 << 28)

/* ---- Calibrate ------------------------------------------------------------------------------------------------- */

int fuse_scale(FuseScale *scale, FuseValues values, double least, double edge, double largest, const char *name,
               Error *e)
{
    scale->values = values;
    scale->origin = values == FUSE_DISTANCE && least < 0 ? least : 0;
    scale->edge = edge > scale->origin ? edge : largest;
    if (scale->edge <= scale->origin)
        return error_set(e, LAKE_BAD_INPUT, "%s: all values on normal images are %g, so nothing tells what is normal; "
                         "give values on images that the detector was not fitted on", name, scale->edge);
    if (values == FUSE_PROBABILITY && scale->edge >= 1)
        return error_set(e, LAKE_BAD_INPUT, "%s: one per cent of the values on normal images or more are 1, so none can "
                         "be above them", name);
    return LAKE_OK;
}

FuseScale fuse_scale_none(void)
{
    const FuseScale none = {FUSE_PROBABILITY, 0, 0.5};
    return none;
}

double fuse_calibrate(const FuseScale *scale, double v)
{
    double half = v / 2 - scale->origin / 2, odds_up, odds_down; /* half of v - o: the whole could overflow */

    if (half <= 0)
        return 0;
    if (scale->values == FUSE_DISTANCE)
        return 1 / (1 + (scale->edge / 2 - scale->origin / 2) / half);
    odds_up = v * (1 - scale->edge);
    odds_down = (1 - v) * scale->edge;
    return odds_up / (odds_up + odds_down);
}

/* ---- Combine --------------------------------------------------------------------------------------------------- */

double fuse_pair(double lake, double other, double weight, FuseRule rule)
{
    if (rule == FUSE_MAX)
        return lake > other ? lake : other;
    return (1 - weight) * lake + weight * other;
}

int fuse_common_size(size_t *height, size_t *width, const FuseMap *a, const FuseMap *b, Error *e)
{
    size_t pixels;

    *height = a->height > b->height ? a->height : b->height;
    *width = a->width > b->width ? a->width : b->width;
    if (!size_multiply(*height, *width, &pixels) || pixels > MOST_PIXELS)
        return error_set(e, LAKE_BAD_INPUT, "maps of %llu x %llu and %llu x %llu: their common size of %llu x %llu is more "
                         "than 2^28 pixels", (unsigned long long)a->height, (unsigned long long)a->width,
                         (unsigned long long)b->height, (unsigned long long)b->width, (unsigned long long)*height,
                         (unsigned long long)*width);
    return LAKE_OK;
}

static void calibrate_map(FuseMap *map, const FuseScale *scale)
{
    for (size_t i = 0; i < map->height * map->width; i++)
        map->data[i] = (float)fuse_calibrate(scale, map->data[i]);
}

int fuse_maps(FuseMap *fused, FuseMap *lake, const FuseScale *lake_scale, FuseMap *other, const FuseScale *other_scale,
              double weight, FuseRule rule, Error *e)
{
    float *second;
    size_t pixels;
    int code = fuse_common_size(&fused->height, &fused->width, lake, other, e);

    fused->data = NULL;
    if (code != LAKE_OK)
        return code;
    pixels = fused->height * fused->width;
    fused->data = malloc(pixels * sizeof *fused->data);
    second = malloc(pixels * sizeof *second);
    if (fused->data == NULL || second == NULL) {
        free(fused->data);
        free(second);
        fused->data = NULL;
        return error_memory(e, "a fused map");
    }
    calibrate_map(lake, lake_scale);
    calibrate_map(other, other_scale);
    map_upsample(fused->data, fused->height, fused->width, lake->data, lake->height, lake->width);
    map_upsample(second, fused->height, fused->width, other->data, other->height, other->width);
    for (size_t i = 0; i < pixels; i++)
        fused->data[i] = (float)fuse_pair(fused->data[i], second[i], weight, rule);
    free(second);
    return LAKE_OK;
}
