/* Lines of equal value in a map. */
#ifndef LAKE_CONTOUR_H
#define LAKE_CONTOUR_H

/* distance is in units of 1 / CONTOUR_UNIT pixel, CONTOUR_FAR where the line is further away than the radius. */
#define CONTOUR_UNIT 12
#define CONTOUR_FAR 255
#define CONTOUR_MAX_RADIUS 20 /* pixels: what distances in a byte can tell */

/* For every pixel, how far it is from the line map == level, up to `radius` pixels: distance[height, width] from
 * map[height, width]. Values that are not finite count as far below or above the level; NaN as below. */
void contour_distance(unsigned char *distance, const float *map, int width, int height, float level, float radius);

#endif
