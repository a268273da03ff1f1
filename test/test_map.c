/* Maps against PyTorch's interpolate and SciPy's gaussian_filter (test/golden/make_lake.py). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lake.h"
#include "method/map.h"
#include "test/test.h"

/* Ours is rounded to float after each pass (values up to 1: 6e-8), and the blur adds up to 73 products in float: a few
 * roundings more. PyTorch takes the positions in double here, as we do. */
#define TOLERANCE 1e-6

static void fill_grid(float *grid, size_t h, size_t w)
{
    uint64_t state = h * 100 + w;

    for (size_t i = 0; i < h * w; i++)
        grid[i] = (float)((double)(lake_random(&state) >> 48) / 65536);
}

/* Every `step`th number of the map against the file's. */
static double compare(FILE *f, const float *map, size_t count, size_t step)
{
    double worst = 0, theirs;

    for (size_t i = 0; i < count; i += step) {
        if (fscanf(f, "%lf", &theirs) != 1)
            return HUGE_VAL;
        worst = fmax(worst, fabs(theirs - map[i]));
    }
    return worst;
}

static void test_golden(void)
{
    FILE *f = fopen("test/golden/map.txt", "r");
    static float grid[64], big[2000], blurred[2000];
    unsigned long h, w, height, width;
    char what[16], line[256];
    double sy, sx, off;
    Error e = {0, ""};
    int maps = 0;

    if (!check(f != NULL && fgets(line, sizeof line, f) != NULL, "golden file", "cannot read"))
        return;
    while (fscanf(f, "%15s %lu %lu %lu %lu", what, &h, &w, &height, &width) == 5 && h * w <= 64 &&
           height * width <= 2000) {
        fill_grid(grid, h, w);
        map_upsample(big, height, width, grid, h, w);
        if (strcmp(what, "upsample") == 0) {
            off = compare(f, big, height * width, 1);
        } else {
            memcpy(blurred, big, sizeof big);
            if (fscanf(f, "%lf %lf", &sy, &sx) != 2 || map_blur(blurred, height, width, sy, sx, &e) != LAKE_OK)
                break;
            off = compare(f, blurred, height * width, 5);
        }
        check(off <= TOLERANCE, what, "%lux%lu to %lux%lu: off by %g", h, w, height, width, off);
        maps++;
    }
    check(maps == 20, "golden maps", "%d", maps);
    fclose(f);
}

/* map_of_grid is the two steps with sigma 4 per 518 pixels; a constant stays what it is. */
static void test_whole(void)
{
    float grid[6] = {0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f}, *map, *steps;
    double off = 0;
    Error e = {0, ""};

    if (!check(map_of_grid(&map, 259, 130, grid, 2, 3, &e) == LAKE_OK, "map", "%s", e.text))
        return;
    for (size_t i = 0; i < 259 * 130; i++)
        off = fabs(map[i] - 0.25) > off ? fabs(map[i] - 0.25) : off; /* fmax here crashes GCC 12 for aarch64 */
    check(off <= TOLERANCE, "a constant map", "off by %g", off);
    free(map);
    fill_grid(grid, 2, 3);
    steps = malloc(259 * 130 * sizeof *steps);
    map_upsample(steps, 259, 130, grid, 2, 3);
    map_blur(steps, 259, 130, 2, 4.0 * 130 / 518, &e);
    map_of_grid(&map, 259, 130, grid, 2, 3, &e);
    check(memcmp(map, steps, 259 * 130 * sizeof *map) == 0, "sigma scales with the size", "differs");
    free(map);
    free(steps);
    check(map_of_grid(&map, (size_t)-1, 3, grid, 2, 3, &e) == LAKE_RESOURCE && map == NULL, "a map beyond memory",
          "made");
}

int main(void)
{
    test_golden();
    test_whole();
    return 0;
}
