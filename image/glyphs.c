/* A bitmap font of 5 x 7 dots for numbers; see glyphs.h. */
#include "image/glyphs.h"

#include <string.h>

typedef struct {
    char character;
    const char *dots; /* GLYPH_HEIGHT rows of GLYPH_WIDTH, '#' is ink */
} Glyph;

static const Glyph font[] = {
    {'0', " ### " "#   #" "#   #" "#   #" "#   #" "#   #" " ### "},
    {'1', "  #  " " ##  " "# #  " "  #  " "  #  " "  #  " "#####"},
    {'2', " ### " "#   #" "    #" "  ## " " #   " "#    " "#####"},
    {'3', " ### " "#   #" "    #" "  ## " "    #" "#   #" " ### "},
    {'4', "#  # " "#  # " "#  # " "#####" "   # " "   # " "   # "},
    {'5', "#####" "#    " "#### " "    #" "    #" "#   #" " ### "},
    {'6', " ### " "#    " "#    " "#### " "#   #" "#   #" " ### "},
    {'7', "#####" "    #" "   # " "   # " "  #  " "  #  " "  #  "},
    {'8', " ### " "#   #" "#   #" " ### " "#   #" "#   #" " ### "},
    {'9', " ### " "#   #" "#   #" " ####" "    #" "    #" " ### "},
    {'.', "     " "     " "     " "     " "     " " ##  " " ##  "},
    {'-', "     " "     " "     " " ### " "     " "     " "     "},
    {'+', "     " "     " "  #  " " ### " "  #  " "     " "     "},
    {'e', "     " "     " " ### " "#   #" "#####" "#    " " ####"},
    {'i', "  #  " "     " " ##  " "  #  " "  #  " "  #  " " ### "},
    {'n', "     " "     " "#### " "#   #" "#   #" "#   #" "#   #"},
    {'f', "  ## " " #   " "#### " " #   " " #   " " #   " " #   "},
    {'a', "     " "     " " ### " "    #" " ####" "#   #" " ####"},
};

static const char *find_dots(char character)
{
    size_t i;

    for (i = 0; i < sizeof font / sizeof font[0]; i++)
        if (font[i].character == character)
            return font[i].dots;
    return NULL;
}

int glyphs_width(const char *text, int scale)
{
    const int length = (int)strlen(text);

    return length == 0 ? 0 : (length * GLYPH_ADVANCE - (GLYPH_ADVANCE - GLYPH_WIDTH)) * scale;
}

static int dot(const char *dots, int x, int y)
{
    return x >= 0 && x < GLYPH_WIDTH && y >= 0 && y < GLYPH_HEIGHT && dots[y * GLYPH_WIDTH + x] == '#';
}

/* Share of ink at pixel (x, y) of a glyph, 0 to 1. The dots are read as samples of a smooth function, bilinear between
 * their centres, and ink is where it exceeds one half: at scale 1 these are the dots, at larger scales their corners
 * are round. */
static float ink(const char *dots, int x, int y, int scale)
{
    const float u = ((float)x + 0.5f) / (float)scale + 0.5f, v = ((float)y + 0.5f) / (float)scale + 0.5f;
    const int left = (int)u - 1, top = (int)v - 1;
    const float right_share = u - (float)(int)u, lower_share = v - (float)(int)v;
    const float upper = (float)dot(dots, left, top) * (1 - right_share) + (float)dot(dots, left + 1, top) * right_share;
    const float lower = (float)dot(dots, left, top + 1) * (1 - right_share) + (float)dot(dots, left + 1, top + 1) * right_share;
    const float field = upper * (1 - lower_share) + lower * lower_share;
    const float share = (field - 0.5f) * (float)scale + 0.5f;

    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static void draw_glyph(Image *image, const char *dots, int left, int top, int scale, const unsigned char rgb[3])
{
    int x, y, i;

    for (y = 0; y < GLYPH_HEIGHT * scale; y++)
        for (x = 0; x < GLYPH_WIDTH * scale; x++) {
            const float share = ink(dots, x, y, scale);
            unsigned char *pixel;
            if (left + x < 0 || left + x >= image->width || top + y < 0 || top + y >= image->height)
                continue;
            pixel = image->rgb + ((size_t)(top + y) * (size_t)image->width + (size_t)(left + x)) * 3;
            for (i = 0; i < 3; i++)
                pixel[i] = (unsigned char)((float)pixel[i] + share * (float)(rgb[i] - pixel[i]) + 0.5f);
        }
}

void glyphs_draw(Image *image, const char *text, int x, int y, int scale, const unsigned char rgb[3])
{
    for (; *text != '\0'; text++, x += GLYPH_ADVANCE * scale) {
        const char *dots = find_dots(*text);
        if (dots != NULL)
            draw_glyph(image, dots, x, y, scale, rgb);
    }
}
