/* Another detector beside LAKE, as the verb fuse joins them: see method/fuse.h. */
#include <stdlib.h>

#include "eval/method_internal.h"
#include "eval/quantile.h"

#define WEIGHT 0.5

/* The scale from all patches of all normal maps. */
static int scale_of(FuseScale *scale, const MethodSide *side, size_t numbers, Error *e)
{
    Quantile quantile;
    int code = quantile_open(&quantile, FUSE_EDGE, e);

    if (code != LAKE_OK)
        return code;
    quantile_add(&quantile, side->normal_maps, numbers);
    quantile_narrow(&quantile);
    quantile_add(&quantile, side->normal_maps, numbers);
    code = fuse_scale(scale, side->values, quantile.least, quantile_value(&quantile), quantile.largest, side->name, e);
    quantile_close(&quantile);
    return code;
}

static void fuse_all(float *fused, const float *lake, const FuseScale *lake_scale, const float *other,
                     const FuseScale *other_scale, size_t numbers)
{
    for (size_t i = 0; i < numbers; i++)
        fused[i] = (float)fuse_pair(fuse_calibrate(lake_scale, lake[i]), fuse_calibrate(other_scale, other[i]), WEIGHT,
                                    FUSE_MEAN);
}

static int pool_all(double *scores, const float *maps, size_t count, size_t patches, LakePooling pooling, Error *e)
{
    double *scratch = malloc(patches * sizeof *scratch);

    if (scratch == NULL)
        return error_memory(e, "the scores of fused maps");
    for (size_t i = 0; i < count; i++)
        scores[i] = lake_pool(maps + i * patches, patches, pooling, scratch);
    free(scratch);
    return LAKE_OK;
}

int method_fused(MethodOutcome *outcome, const MethodDraw *draw, const MethodSide *lake, const MethodSide *other,
                 Error *e)
{
    const LakePooling pooling = draw->options.decision.pooling;
    size_t patches = draw->height * draw->width;
    FuseScale lake_scale, other_scale;
    int code = method_outcome_open(outcome, draw, FUSE_PROBABILITY, e);

    if (code != LAKE_OK)
        return code;
    code = scale_of(&lake_scale, lake, draw->normal_count * patches, e);
    if (code == LAKE_OK)
        code = scale_of(&other_scale, other, draw->normal_count * patches, e);
    if (code == LAKE_OK) {
        fuse_all(outcome->normal_maps, lake->normal_maps, &lake_scale, other->normal_maps, &other_scale,
                 draw->normal_count * patches);
        fuse_all(outcome->out.maps, lake->maps, &lake_scale, other->maps, &other_scale, draw->count * patches);
        code = pool_all(outcome->normal_scores, outcome->normal_maps, draw->normal_count, patches, pooling, e);
    }
    if (code == LAKE_OK)
        code = pool_all(outcome->out.scores, outcome->out.maps, draw->count, patches, pooling, e);
    if (code == LAKE_OK)
        code = method_outcome_measure(outcome, draw, e);
    if (code != LAKE_OK)
        method_outcome_close(outcome);
    return code;
}
