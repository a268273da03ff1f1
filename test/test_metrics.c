/* Measures against scikit-learn and an evident PRO (test/golden/make_metrics.py), and what those do not reach. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/histogram.h"
#include "eval/metrics.h"
#include "eval/regions.h"
#include "lake.h"
#include "test/test.h"

/* Both sides add some thousand terms in double, and the file has 15 digits. */
#define TOLERANCE 1e-12

enum { SIDE = 64, MAX_SCORES = 2000 };

/* A number of so many bits, 0 where none are wanted. */
static double bits(uint64_t *state, int count)
{
    uint64_t all = lake_random(state);

    return count > 0 ? (double)(all >> (64 - count)) : 0;
}

/* ---- the same numbers as make_metrics.py ---- */

static void make_scores(double *scores, unsigned char *labels, uint64_t seed, size_t n, int levels)
{
    double steps = ldexp(1, levels);

    for (size_t i = 0; i < n; i++) {
        double s = bits(&seed, levels) / steps;
        labels[i] = i % 3 == 0;
        if (labels[i])
            s += (1 - s) * (bits(&seed, levels) / steps) * 0.5;
        scores[i] = floor(s * steps) / steps * 2 - 1;
    }
}

static void make_picture(float *map, unsigned char *mask, uint64_t seed, size_t h, size_t w, int levels, int good)
{
    memset(mask, 0, h * w);
    for (int box = 0; box < (good ? 0 : 5); box++) {
        size_t y = (size_t)bits(&seed, 16) % h, x = (size_t)bits(&seed, 16) % w;
        size_t bottom = y + (size_t)bits(&seed, 16) % 6 + 1, right = x + (size_t)bits(&seed, 16) % 6 + 1;
        for (size_t j = y; j < bottom && j < h; j++)
            for (size_t i = x; i < right && i < w; i++)
                mask[j * w + i] = (unsigned char)(1 + box);
    }
    for (int point = 0; point < (good ? 0 : 12); point++) {
        size_t y = (size_t)bits(&seed, 16) % h, x = (size_t)bits(&seed, 16) % w;
        mask[y * w + x] = 255;
    }
    for (size_t i = 0; i < h * w; i++) {
        double s = bits(&seed, levels) / ldexp(1, levels), more = bits(&seed, 2);
        map[i] = (float)((s + 0.5 * (levels > 0 && mask[i] != 0) * more) / 4 - 0.125);
    }
}

/* ---- goldens ---- */

/* Undefined is as good as undefined. */
static int off(double ours, double theirs)
{
    return isnan(ours) || isnan(theirs) ? isnan(ours) != isnan(theirs) : fabs(ours - theirs) > TOLERANCE;
}

static void golden_scores(FILE *f)
{
    static double scores[MAX_SCORES];
    static unsigned char labels[MAX_SCORES];
    unsigned long seed, n;
    double auroc, ap, f1max;
    int levels, code;
    EvalScores out;
    Error e = {0, ""};

    if (fscanf(f, "%lu %lu %d %lf %lf %lf", &seed, &n, &levels, &auroc, &ap, &f1max) != 6 || n > MAX_SCORES) {
        check(0, "scores", "golden file damaged");
        return;
    }
    make_scores(scores, labels, seed, n, levels);
    code = eval_scores(&out, scores, labels, n, &e);
    check(code == LAKE_OK && !off(out.auroc, auroc) && !off(out.ap, ap) && !off(out.f1max, f1max), "scores",
          "seed %lu: %.15g %.15g %.15g for %.15g %.15g %.15g (%s)", seed, out.auroc, out.ap, out.f1max, auroc, ap,
          f1max, e.text);
}

/* A line of golden pictures: so many of this seed and the following, masks drawn or, by `cover`, everywhere on the first,
 * on all or on none, or on the first swapped with the rest. */
typedef struct {
    unsigned long seed, h, w, images, regions;
    int levels;
    char cover[8];
    double auroc, ap, f1max, pro, pro_200;
} Pictures;

/* Adds the pictures and measures; exact_pixels as eval_pixels_open's. */
static int measure_pictures(EvalPixelScores *out, size_t exact_pixels, const Pictures *p, Error *e)
{
    static float map[SIDE * SIDE];
    static unsigned char mask[SIDE * SIDE];
    const int first = strcmp(p->cover, "first") == 0, all = strcmp(p->cover, "all") == 0;
    const int none = strcmp(p->cover, "none") == 0, swap = strcmp(p->cover, "swap") == 0;
    EvalPixels *pixels;
    int code = eval_pixels_open(&pixels, exact_pixels, e);

    for (size_t i = 0; i < p->images && code == LAKE_OK; i++) {
        const int covered = all || none || (first && i == 0);
        make_picture(map, mask, p->seed + i, p->h, p->w, p->levels, i % 3 == 2);
        if (covered)
            memset(mask, !none, p->h * p->w);
        for (size_t j = 0; j < p->h * p->w && swap && i == 0; j++)
            mask[j] = mask[j] == 0;
        code = eval_pixels_add(pixels, map, i % 3 == 2 && !covered ? NULL : mask, p->h, p->w, e);
        if (code == LAKE_OK && i == 0)
            code = eval_pixels_scores(pixels, out, e); /* measuring in between changes nothing */
    }
    if (code == LAKE_OK)
        code = eval_pixels_scores(pixels, out, e);
    eval_pixels_close(pixels);
    return code;
}

static void golden_pixels(FILE *f)
{
    Pictures p;
    EvalPixelScores out;
    Error e = {0, ""};

    if (fscanf(f, "%lu %lu %lu %d %lu %7s %lu %lf %lf %lf %lf %lf", &p.seed, &p.h, &p.w, &p.levels, &p.images, p.cover,
               &p.regions, &p.auroc, &p.ap, &p.f1max, &p.pro, &p.pro_200) != 12 || p.h * p.w > SIDE * SIDE) {
        check(0, "pixels", "golden file damaged");
        return;
    }
    /* One by one; all grouped; and the change from one to the other on the way. */
    for (int way = 0; way < 3; way++) {
        const size_t exact_pixels[3] = {0, 1, p.h * p.w + 1};
        int code;
        memset(&out, 0, sizeof out);
        code = measure_pictures(&out, exact_pixels[way], &p, &e);
        check(code == LAKE_OK && !off(out.auroc, p.auroc) && !off(out.ap, p.ap) && !off(out.f1max, p.f1max) &&
              !off(out.pro, p.pro) && out.regions == p.regions && out.images == p.images &&
              out.normal + out.defective == (double)(p.h * p.w * p.images) && (way > 0 || out.auroc_margin == 0),
              "pixels",
              "seed %lu, way %d: %.15g %.15g %.15g %.15g for %.15g %.15g %.15g %.15g; %lu regions for %lu (%s)",
              p.seed, way, out.auroc, out.ap, out.f1max, out.pro, p.auroc, p.ap, p.f1max, p.pro,
              (unsigned long)out.regions, p.regions, e.text);
        check(code == LAKE_OK && !off(out.pro_200, p.pro_200), "PRO at 200 thresholds", "seed %lu, way %d: %.15g for %.15g",
              p.seed, way, out.pro_200, p.pro_200);
    }
}

static void test_goldens(void)
{
    FILE *f = fopen("test/golden/metrics.txt", "r");
    char word[512];
    int tables = 0;

    if (!check(f != NULL, "golden file", "cannot read"))
        return;
    while (fscanf(f, "%15s", word) == 1) {
        if (strcmp(word, "scores") == 0)
            tables++, golden_scores(f);
        else if (strcmp(word, "pixels") == 0)
            tables++, golden_pixels(f);
        else if (fgets(word, sizeof word, f) == NULL)
            break;
    }
    check(tables == 16, "golden file to its end", "%d of 16 lines", tables);
    fclose(f);
}

/* ---- what the goldens do not reach ---- */

static void test_undefined(void)
{
    const double scores[3] = {1, 2, 3}, bad[3] = {1, NAN, 3};
    const unsigned char normal[3] = {0, 0, 0}, anomalous[3] = {1, 1, 1};
    EvalPoint points[4];
    EvalScores out;
    size_t count = 9;
    Error e = {0, ""};

    memset(&out, 0, sizeof out);
    check(eval_scores(&out, scores, normal, 3, &e) == LAKE_OK && isnan(out.auroc) && isnan(out.ap) &&
          isnan(out.f1max) && isnan(out.f1_threshold) && out.normal == 3 && out.anomalous == 0,
          "only normal: undefined", "auroc %g", out.auroc);
    check(eval_scores(&out, scores, anomalous, 3, &e) == LAKE_OK && isnan(out.auroc) && isnan(out.ap) &&
          out.anomalous == 3, "only anomalous: undefined", "auroc %g", out.auroc);
    check(eval_scores(&out, scores, normal, 0, &e) == LAKE_OK && isnan(out.auroc), "no scores: undefined", "%g",
          out.auroc);
    check(eval_roc(points, 4, &count, scores, normal, 3, &e) == LAKE_OK && count == 0, "no curve of one class",
          "%d points", (int)count);
    check(eval_scores(&out, bad, normal, 3, &e) == LAKE_BAD_INPUT && strstr(e.text, "score 2 of 3") != NULL,
          "score not finite", "%s", e.text);
    check(eval_roc(points, 1, &count, scores, normal, 3, &e) == LAKE_USAGE, "curve of one point", "%s", e.text);
}

/* By hand: at >= 0.5 TP 2, FP 1, FN 0: F1 0.8; the curve has a rise, a diagonal (a tie) and a run. */
static void test_by_hand(void)
{
    const double scores[5] = {0.9, 0.5, 0.5, 0.2, 0.1};
    const unsigned char labels[5] = {7, 0, 1, 0, 0};
    const double fpr[5] = {0, 0, 1.0 / 3, 2.0 / 3, 1}, tpr[5] = {0, 0.5, 1, 1, 1};
    EvalPoint points[5];
    EvalScores out;
    size_t count = 0;
    int right;
    Error e = {0, ""};

    memset(&out, 0, sizeof out);
    right = eval_scores(&out, scores, labels, 5, &e) == LAKE_OK;
    check(right && !off(out.f1max, 0.8) && out.f1_threshold == 0.5 && !off(out.auroc, 5.5 / 6), "F1 and its threshold",
          "%g at %g, auroc %g", out.f1max, out.f1_threshold, out.auroc);
    right = eval_roc(points, 5, &count, scores, labels, 5, &e) == LAKE_OK && count == 5;
    for (size_t i = 0; i < 5 && right; i++)
        right = !off(points[i].fpr, fpr[i]) && !off(points[i].tpr, tpr[i]) &&
                points[i].threshold == (i > 0 ? scores[i > 2 ? i : i - 1 + (i == 2)] : HUGE_VAL);
    check(right, "ROC curve, every point", "%d points", (int)count);
}

static void test_thinned(void)
{
    static double scores[MAX_SCORES];
    static unsigned char labels[MAX_SCORES];
    EvalPoint points[50];
    double widest = 0;
    int right = 1;
    Error e = {0, ""};

    make_scores(scores, labels, 6, MAX_SCORES, 16);
    for (size_t most = 2; most <= 50; most += 6) {
        size_t count = 0;
        right &= eval_roc(points, most, &count, scores, labels, MAX_SCORES, &e) == LAKE_OK;
        right &= count >= 2 && count <= most;
        right &= points[0].fpr == 0 && points[0].tpr == 0 && points[count - 1].fpr == 1 && points[count - 1].tpr == 1;
        widest = 0;
        for (size_t i = 1; i < count; i++) {
            double way = points[i].fpr - points[i - 1].fpr + points[i].tpr - points[i - 1].tpr;
            right &= way > 0 && points[i].threshold < points[i - 1].threshold;
            widest = fmax(widest, way);
        }
    }
    check(right && widest < 3.0 / 50, "ROC curve, thinned evenly", "widest gap %g of 2", widest);
}

/* Bridges that join two regions late, a row's end beside the next row's start, a diagonal, a spiral. */
static void test_regions(void)
{
    static const struct {
        const char *name, *mask; /* rows of eight */
        size_t count, area;      /* area: of the last pixel inside */
    } cases[] = {
        {"nothing", "................", 0, 0},
        {"row ends are apart", ".......##.......", 2, 1},
        {"diagonals join", "#.....#..#...#....#.#......#....", 1, 7},
        {"a bridge below", "#.#.#.#.#.#.#.#.#######.", 1, 15},
        {"a spiral", "#######.......#.#####.#.#...#.#.#.###.#.#.....#.#######.", 1, 31},
        {"three", "##....#.##......#.....##", 3, 2},
    };

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        unsigned char mask[64];
        size_t size = strlen(cases[c].mask), count = 99, area = 0;
        uint32_t *areas = NULL;
        Error e = {0, ""};
        for (size_t i = 0; i < size; i++)
            mask[i] = cases[c].mask[i] == '#' ? 200 : 0;
        if (check(regions_areas(&areas, &count, mask, size / 8, 8, &e) == LAKE_OK, "regions", "%s", e.text))
            for (size_t i = 0; i < size; i++)
                if (mask[i] != 0)
                    area = areas[i];
        check(count == cases[c].count && area == cases[c].area, cases[c].name, "%d regions, the last of %d", (int)count,
              (int)area);
        free(areas);
    }
}

static void test_keys(void)
{
    const float scores[] = {-FLT_MAX, -1e30f, -1, -0.5f, -FLT_MIN, -1e-44f, 0, 1e-44f, FLT_MIN, 0.5f, 1, FLT_MAX};
    const size_t n = sizeof scores / sizeof *scores;
    int right = score_key(-0.0f) == score_key(0.0f);

    for (size_t i = 0; i < n; i++)
        right &= key_score(score_key(scores[i])) == scores[i] &&
                 (i == 0 || score_key(scores[i - 1]) < score_key(scores[i]));
    check(right, "keys are in the scores' order", "no");
}

/* Scores over 2^-60 to 2^60 after some near 1, so that the histogram has to merge what it holds; against the exact
 * measures. */
static void test_merging(void)
{
    enum { W = 512, H = 256 };
    float *map = malloc(W * H * sizeof *map);
    unsigned char *mask = calloc(W * H, 1);
    EvalPixelScores out[2];
    uint64_t seed = 5;
    int code = map != NULL && mask != NULL ? LAKE_OK : LAKE_RESOURCE;
    Error e = {0, ""};

    memset(out, 0, sizeof out);
    for (size_t i = 0; i < W * H && code == LAKE_OK; i++) {
        mask[i] = i % W / 32 % 4 == 0 && i / W / 32 % 2 == 0;
        map[i] = (float)exp2(bits(&seed, 24) / 16777216 * 110 - 60 + 10 * mask[i]);
        if (i < W * H / 2)
            map[i] = (float)exp2(bits(&seed, 24) / 16777216 + mask[i]);
        if (lake_random(&seed) % 8 == 0)
            map[i] = -map[i];
    }
    for (int way = 0; way < 2 && code == LAKE_OK; way++) {
        EvalPixels *pixels = NULL;
        code = eval_pixels_open(&pixels, (size_t)way, &e);
        if (code == LAKE_OK)
            code = eval_pixels_add(pixels, map, mask, H / 2, W, &e);
        if (code == LAKE_OK)
            code = eval_pixels_add(pixels, map + W * H / 2, mask + W * H / 2, H / 2, W, &e);
        if (code == LAKE_OK)
            code = eval_pixels_scores(pixels, &out[way], &e);
        eval_pixels_close(pixels);
    }
    check(code == LAKE_OK && fabs(out[0].auroc - out[1].auroc) <= out[1].auroc_margin + TOLERANCE &&
          fabs(out[0].pro - out[1].pro) <= out[1].pro_margin + TOLERANCE, "grouped within its margins",
          "%.15g +- %g for %.15g, %.15g +- %g for %.15g (%s)", out[1].auroc, out[1].auroc_margin, out[0].auroc,
          out[1].pro, out[1].pro_margin, out[0].pro, e.text);
    /* Bins are 2^-14 of a score or finer: fewer than one in 10^4 of the pixels to a bin, so of the pairs, 10^-5. */
    check(out[1].auroc_margin > 0 && out[1].auroc_margin < 1e-5 && out[1].pro_margin < 1e-5 &&
          fabs(out[0].ap - out[1].ap) < 1e-5 && fabs(out[0].f1max - out[1].f1max) < 1e-5, "grouped finely",
          "margins %g %g, ap %g for %g, f1 %g for %g", out[1].auroc_margin, out[1].pro_margin, out[1].ap, out[0].ap,
          out[1].f1max, out[0].f1max);
    free(map);
    free(mask);
}

/* Within a factor of 2 grouping keeps every float apart. */
static void test_grouped_exactly(void)
{
    const float map[3] = {1, 1 + FLT_EPSILON, 1 - FLT_EPSILON};
    const unsigned char mask[3] = {0, 1, 0};
    EvalPixelScores out;
    EvalPixels *pixels = NULL;
    int code;
    Error e = {0, ""};

    memset(&out, 0, sizeof out);
    code = eval_pixels_open(&pixels, 1, &e);
    if (code == LAKE_OK)
        code = eval_pixels_add(pixels, map, mask, 1, 3, &e);
    if (code == LAKE_OK)
        code = eval_pixels_scores(pixels, &out, &e);
    check(code == LAKE_OK && out.auroc == 1 && out.auroc_margin == 0 && out.pro == 1 &&
          out.f1_threshold == (double)map[1], "grouped, neighbouring floats", "auroc %g, threshold %.9g (%s)",
          out.auroc,
          out.f1_threshold, e.text);
    eval_pixels_close(pixels);
}

/* A map with an infinity is refused whole, and a curve of pixels is that of the same scores in an array. */
static void test_pixels_apart(void)
{
    const float map[6] = {0, 0.25f, 1, -1, 0.5f, 0.25f}, bad[6] = {9, 9, 9, 9, 9, INFINITY};
    const unsigned char mask[6] = {0, 1, 0, 0, 0, 1};
    const double scores[6] = {0, 0.25, 1, -1, 0.5, 0.25};
    EvalPoint ours[8], theirs[8];
    EvalPixelScores out;
    EvalPixels *pixels = NULL;
    size_t count[2] = {0, 1};
    Error e = {0, ""};

    if (!check(eval_pixels_open(&pixels, 0, &e) == LAKE_OK, "open", "%s", e.text))
        return;
    check(eval_pixels_scores(pixels, &out, &e) == LAKE_OK && isnan(out.auroc) && isnan(out.pro) && out.images == 0,
          "no pixels: undefined", "%g", out.auroc);
    check(eval_pixels_add(pixels, map, mask, 2, 3, &e) == LAKE_OK, "add", "%s", e.text);
    check(eval_pixels_add(pixels, bad, mask, 2, 3, &e) == LAKE_BAD_INPUT && strstr(e.text, "row 1, column 2") != NULL &&
          eval_pixels_scores(pixels, &out, &e) == LAKE_OK && out.images == 1 && out.normal == 4 && out.defective == 2,
          "a bad map is refused whole", "%s", e.text);
    /* One region of two tied pixels: the run to (0.5, 0), then the rise; nothing below 0.3. */
    check(!off(out.auroc, 0.5) && out.pro == 0 && out.regions == 1, "PRO by hand", "auroc %g, pro %g", out.auroc,
          out.pro);
    check(eval_pixels_roc(pixels, ours, 8, &count[0], &e) == LAKE_OK &&
          eval_roc(theirs, 8, &count[1], scores, mask, 6, &e) == LAKE_OK && count[0] == count[1] &&
          memcmp(ours, theirs, count[0] * sizeof *ours) == 0, "the pixels' ROC curve", "%d points for %d",
          (int)count[0], (int)count[1]);
    eval_pixels_close(pixels);
}

int main(void)
{
    test_goldens();
    test_undefined();
    test_by_hand();
    test_thinned();
    test_regions();
    test_keys();
    test_merging();
    test_grouped_exactly();
    test_pixels_apart();
    return 0;
}
