/* The line map == level by marching squares (W. Lorensen and H. Cline, "Marching cubes", SIGGRAPH 1987, in the plane):
 * each square between four neighbouring pixel centres is crossed by none, one or two straight pieces, whose ends lie
 * on the square's sides where linear interpolation meets the level. */
#include "image/contour.h"

#include <math.h>
#include <string.h>

typedef struct {
    float x, y;
} Point;

typedef struct {
    unsigned char *distance;
    const float *map;
    int width, height;
    float level, radius;
} Contour;

static float value_at(const Contour *c, int x, int y)
{
    return c->map[(size_t)y * (size_t)c->width + (size_t)x];
}

static float distance_to_piece(float x, float y, Point a, Point b)
{
    const float dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    float t = length2 > 0 ? ((x - a.x) * dx + (y - a.y) * dy) / length2 : 0;

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypotf(x - (a.x + t * dx), y - (a.y + t * dy));
}

/* Lowers the distances around one piece of the line. */
static void add_piece(Contour *c, Point a, Point b)
{
    const int left = (int)floorf(fminf(a.x, b.x) - c->radius), right = (int)ceilf(fmaxf(a.x, b.x) + c->radius);
    const int top = (int)floorf(fminf(a.y, b.y) - c->radius), bottom = (int)ceilf(fmaxf(a.y, b.y) + c->radius);
    int x, y;

    for (y = top < 0 ? 0 : top; y <= bottom && y < c->height; y++)
        for (x = left < 0 ? 0 : left; x <= right && x < c->width; x++) {
            const float d = distance_to_piece((float)x, (float)y, a, b);
            unsigned char *at = &c->distance[(size_t)y * (size_t)c->width + (size_t)x];
            if (d <= c->radius && d * CONTOUR_UNIT < (float)*at)
                *at = (unsigned char)(d * CONTOUR_UNIT);
        }
}

/* Where the level is met between two neighbours, of which one reaches it and one does not. */
static Point crossing(const Contour *c, int x0, int y0, int x1, int y1)
{
    const float below = c->level - value_at(c, x0, y0), step = value_at(c, x1, y1) - value_at(c, x0, y0);
    float t = below / step;
    Point p;

    if (!(t >= 0 && t <= 1)) /* a neighbour that is not finite */
        t = 0.5f;
    p.x = (float)x0 + t * (float)(x1 - x0);
    p.y = (float)y0 + t * (float)(y1 - y0);
    return p;
}

/* The square with its upper left corner at (x, y). Sides are walked clockwise from the top; a side is crossed where
 * its ends differ. With four crossings (a saddle) they are joined in pairs that cut off the corners one and three. */
static void add_square(Contour *c, int x, int y)
{
    static const int corner[5][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}};
    Point crossings[4];
    int i, count = 0;

    for (i = 0; i < 4; i++) {
        const int x0 = x + corner[i][0], y0 = y + corner[i][1], x1 = x + corner[i + 1][0], y1 = y + corner[i + 1][1];
        if ((value_at(c, x0, y0) >= c->level) != (value_at(c, x1, y1) >= c->level))
            crossings[count++] = crossing(c, x0, y0, x1, y1);
    }
    for (i = 0; i + 1 < count; i += 2)
        add_piece(c, crossings[i], crossings[i + 1]);
}

void contour_distance(unsigned char *distance, const float *map, int width, int height, float level, float radius)
{
    Contour c = {distance, map, width, height, level, radius};
    int x, y;

    if (c.radius > CONTOUR_MAX_RADIUS)
        c.radius = CONTOUR_MAX_RADIUS;
    memset(distance, CONTOUR_FAR, (size_t)width * (size_t)height);
    for (y = 0; y + 1 < height; y++)
        for (x = 0; x + 1 < width; x++)
            add_square(&c, x, y);
}
