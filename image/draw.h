/* Pictures of results: heatmaps, overlays on the photo with a colour bar, side-by-side strips. */
#ifndef LAKE_DRAW_H
#define LAKE_DRAW_H

#include "image/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The perceptually uniform colour map, value 0 (dark) to 1 (light); values outside are clipped. Lightness
 * rises linearly and equal steps of the value are equal steps of perceived colour (OKLab). NaN counts as 0. */
void draw_color(unsigned char rgb[3], float value);

/* map [height, width] as colours, lo at the map's dark end, hi at its light end; NaN is grey. out is new. LAKE_USAGE where
 * lo and hi are not finite numbers in order, here and below; lo == hi shows what exceeds them. */
int draw_heatmap(Image *out, const float *map, int width, int height, float lo, float hi, Error *e);

/* The photo with the map over it: where the map is low the photo stays (dimmed to grey a little), where it
 * is high the colour takes over; the contour of `threshold` is drawn, and a colour bar with lo, threshold
 * and hi in digits stands at the right. map is [photo->height, photo->width]. A NaN threshold draws none. */
int draw_overlay(Image *out, const Image *photo, const float *map, float lo, float hi, float threshold, Error *e);

/* Draws the outline of a mask [height, width], non-zero inside, over the upper left of a picture at least as large: where the
 * truth is, on a photo or an overlay of it. */
int draw_outline(Image *picture, const unsigned char *mask, int width, int height, const unsigned char rgb[3], Error *e);

/* Photo, heatmap and overlay side by side at equal height. */
int draw_strip(Image *out, const Image *photo, const float *map, float lo, float hi, float threshold, Error *e);

#ifdef __cplusplus
}
#endif

#endif
