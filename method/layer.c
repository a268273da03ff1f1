/* Room for what a detector knows about one layer: its statistics and the norms of its gallery. */
#include <stdlib.h>
#include <string.h>

#include "lake.h"

int lake_moments_open(LakeMoments *moments, size_t width, Error *e)
{
    moments->count = 0;
    moments->mean = calloc(width, sizeof *moments->mean);
    moments->m2 = calloc(width, sizeof *moments->m2);
    if (moments->mean != NULL && moments->m2 != NULL)
        return LAKE_OK;
    lake_moments_close(moments);
    return error_memory(e, "the statistics of a layer");
}

void lake_moments_close(LakeMoments *moments)
{
    free(moments->mean);
    free(moments->m2);
    memset(moments, 0, sizeof *moments);
}

int lake_layer_norms(LakeLayer *layer, Error *e)
{
    free(layer->norms);
    layer->norms = malloc(layer->rows * sizeof *layer->norms);
    if (layer->norms == NULL)
        return error_memory(e, "the norms of a gallery");
    for (size_t r = 0; r < layer->rows; r++) {
        double sum = 0;
        for (size_t k = 0; k < layer->count; k++) {
            double number = layer->gallery[r * layer->count + k];
            sum += number * number;
        }
        layer->norms[r] = sum;
    }
    return LAKE_OK;
}
