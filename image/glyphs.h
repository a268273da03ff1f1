/* Digits for labels on pictures: a bitmap font of 5 x 7 dots that holds what printf writes for a number. */
#ifndef LAKE_GLYPHS_H
#define LAKE_GLYPHS_H

#include "image/image.h"

#define GLYPH_WIDTH 5
#define GLYPH_HEIGHT 7
#define GLYPH_ADVANCE 6 /* dots from one character to the next */

/* Width in pixels of a text drawn with dots of `scale` pixels. */
int glyphs_width(const char *text, int scale);

/* Draws text with its upper left corner at (x, y), dots of `scale` pixels; what falls outside the picture is cut off.
 * Characters other than digits, '.', '-', '+' and the letters of "inf", "nan" and "e" leave a blank. */
void glyphs_draw(Image *image, const char *text, int x, int y, int scale, const unsigned char rgb[3]);

#endif
