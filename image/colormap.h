/* The colour map of draw.h as a table; test/golden/make_colormap.py makes colormap.c and says how. */
#ifndef LAKE_COLORMAP_H
#define LAKE_COLORMAP_H

extern const unsigned char colormap[256][3]; /* sRGB, from dark (0) to light (255) */

#endif
