/* From a grid of patch scores to a map at the image's size. */
#ifndef LAKE_MAP_H
#define LAKE_MAP_H

#include <stddef.h>

#include "base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* grid [grid_height, grid_width] -> out [height, width], bilinear with half-pixel centres and the edge repeated, as
 * torch.nn.functional.interpolate(mode="bilinear", align_corners=False). */
void map_upsample(float *out, size_t height, size_t width, const float *grid, size_t grid_height, size_t grid_width);

/* Gaussian blur of map [height, width] in place, as scipy.ndimage.gaussian_filter(map, (sigma_y, sigma_x)) with its
 * defaults: kernel cut at 4 sigma, borders mirrored with the edge pixel repeated. A sigma of 0 leaves that axis alone.
 * */
int map_blur(float *map, size_t height, size_t width, double sigma_y, double sigma_x, Error *e);

/* The anomaly map of an image: map_upsample, then map_blur with a sigma of 4 pixels per 518 pixels of height and of
 * width (so that the blur is that of a square 518-pixel picture stretched to the image's shape). A new buffer. */
int map_of_grid(float **map, size_t height, size_t width, const float *grid, size_t grid_height, size_t grid_width,
                Error *e);

#ifdef __cplusplus
}
#endif

#endif
