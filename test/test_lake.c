/* The method against an independent NumPy implementation (test/golden/lake_reference.py; make_lake.py says how the
 * tokens are made), and against plain loops written here: nearest rows to the bit, moments, merging, degenerate
 * inputs. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lake.h"
#include "test/test.h"

#define GOLDEN "test/golden/lake.txt"

/* Both sides work in double on the same floats; what is compared was rounded to float (6e-8) once on our side, and
 * printed with nine digits. Distances of rows that were themselves rounded after a division (cosine, l2, ln) differ by
 * a few more such roundings. */
#define TOLERANCE 2e-6

enum { EMBED = 8, ANOMALOUS_IMAGE = 99, LAYERS = 2 };
static const size_t widths[LAYERS] = {40, 28};

/* ---- the made-up tokens of make_lake.py ---- */

static double bits16(uint64_t *state)
{
    return (double)(lake_random(state) >> 48);
}

static void fill_tokens(float *out, unsigned image, unsigned layer, size_t patches)
{
    uint64_t state = image * 16 + layer;

    for (size_t p = 0; p < patches; p++)
        for (size_t d = 0; d < widths[layer]; d++) {
            uint64_t seed = 1000 * layer + d, channel = lake_random(&seed);
            double amplitude = d == 5 ? 0 : ldexp(1, -(int)(channel % 5));
            double number = ((double)((channel >> 8) % 9) - 4) / 2 + amplitude * (bits16(&state) - 32768) / 32768;
            if (image >= ANOMALOUS_IMAGE && p % 13 == 4 && d % 3 == 0)
                number += 2.5;
            out[p * widths[layer] + d] = (float)(p == 7 ? 8 * number : number);
        }
}

static void fill_directions(float *out, unsigned seed, size_t count)
{
    uint64_t state = seed;

    for (size_t i = 0; i < count; i++) {
        double raw[EMBED], sum = 0;
        for (int k = 0; k < EMBED; k++) {
            raw[k] = (bits16(&state) - 32768) / 32768;
            sum += raw[k] * raw[k];
        }
        for (int k = 0; k < EMBED; k++)
            out[i * EMBED + (size_t)k] = (float)(raw[k] / sqrt(sum));
    }
}

static void fill_image(LakeTokens *tokens, unsigned image)
{
    size_t patches = tokens->height * tokens->width;

    for (unsigned l = 0; l < LAYERS; l++)
        fill_tokens(tokens->layers[l], image, l, patches);
    fill_directions(tokens->patches, 5000 + image, patches);
    tokens->normalised = 0;
}

/* ---- a case: options, detector, result ---- */

typedef struct {
    char name[64];
    unsigned n;
    size_t height, width;
    int text;
    LakeOptions options;
    LakeTexts texts;
    LakeTokens tokens;
    LakeDetector detector;
    LakeResult result;
} Case;

static void default_case(Case *c, unsigned n, size_t height, size_t width)
{
    memset(c, 0, sizeof *c);
    c->n = n;
    c->height = height;
    c->width = width;
    lake_defaults(&c->options);
    c->options.layer_count = LAYERS;
    c->options.layers[0] = 3;
    c->options.layers[1] = 7;
    c->options.neurons = 10;
    c->options.seed = 11;
}

static int open_case(Case *c, Error *e)
{
    static float normal[EMBED], anomalous[EMBED];

    fill_directions(normal, 1, 1);
    fill_directions(anomalous, 2, 1);
    c->texts.embed = EMBED;
    c->texts.scale = 10;
    c->texts.normal = normal;
    c->texts.anomalous = anomalous;
    return lake_tokens_open(&c->tokens, c->height, c->width, LAYERS, widths, EMBED, 1, e);
}

/* A detector of the images first .. first + count - 1. */
static int fit_images(Case *c, LakeDetector *detector, unsigned first, unsigned count, Error *e)
{
    LakeFit *fit;
    int code = lake_fit_begin(&fit, &c->options, NULL, c->text ? &c->texts : NULL, &c->tokens, e);

    memset(detector, 0, sizeof *detector);
    if (code != LAKE_OK)
        return code;
    for (unsigned i = first; i < first + count; i++) {
        char name[32];
        sprintf(name, "image %u", i);
        fill_image(&c->tokens, strncmp(c->name, "dirty", 5) == 0 && i == c->n - 1 ? ANOMALOUS_IMAGE + 1 : i);
        code = lake_fit_add(fit, &c->tokens, name, e);
        if (code != LAKE_OK) {
            lake_fit_abandon(fit);
            return code;
        }
    }
    return lake_fit_finish(fit, detector, e);
}

static int run_case(Case *c, Error *e)
{
    int code = open_case(c, e);

    if (code == LAKE_OK)
        code = fit_images(c, &c->detector, 0, c->n, e);
    if (code == LAKE_OK)
        code = lake_result_open(&c->result, &c->detector, e);
    if (code != LAKE_OK)
        return code;
    fill_image(&c->tokens, ANOMALOUS_IMAGE);
    return lake_score(&c->detector, &c->tokens, &c->result, e);
}

static void close_case(Case *c)
{
    lake_tokens_close(&c->tokens);
    lake_detector_close(&c->detector);
    lake_result_close(&c->result);
}

/* ---- reading the golden file ---- */

static int read_case(FILE *f, Case *c)
{
    char normalisation[16], selection[16], distance[16], pooling[16], kind[16];
    unsigned long n, height, width, neurons, seed;
    LakeOptions *o = &c->options;

    default_case(c, 0, 0, 0);
    if (fscanf(f, "%63s %lu %lu %lu %d %15s %15s %lu %lu %15s %lf %lf %lf %15s %15s %lf", c->name, &n, &height, &width,
               &c->text, normalisation, selection, &neurons, &seed, distance, &o->coreset, &o->trim,
               &o->decision.lambda, pooling, kind, &o->decision.threshold_value) != 16)
        return 0;
    c->n = (unsigned)n;
    c->height = height;
    c->width = width;
    o->neurons = neurons;
    o->seed = seed;
    o->decision.threshold = strcmp(kind, "auto") == 0     ? LAKE_THRESHOLD_AUTO
                            : strcmp(kind, "number") == 0 ? LAKE_THRESHOLD_NUMBER
                                                          : LAKE_THRESHOLD_FPR;
    return lake_parse_normalisation(&o->normalisation, normalisation) &&
           lake_parse_selection(&o->selection, selection) && lake_parse_distance(&o->distance, distance) &&
           lake_parse_pooling(&o->decision.pooling, pooling);
}

static size_t read_numbers(FILE *f, double *numbers, size_t room)
{
    unsigned long count = 0;

    if (fscanf(f, "%lu", &count) != 1 || count > room)
        return 0;
    for (unsigned long i = 0; i < count; i++)
        if (fscanf(f, "%lf", &numbers[i]) != 1)
            return 0;
    return count;
}

/* What we have under the golden file's name; layer: of this block of lines. Returns the count. */
static size_t ours(const Case *c, const char *what, size_t layer, double *numbers)
{
    const LakeDetector *d = &c->detector;
    const LakeLayer *y = &d->layers[layer];
    const LakeResult *r = &c->result;
    size_t count = 0, patches = d->height * d->width;
    LakeShare shares[5];
    LakeAudit audit;

#define TAKE(many, expression) \
    do \
        for (size_t i = 0; i < (size_t)(many); i++) \
            numbers[count++] = (double)(expression); \
    while (0)
    if (strcmp(what, "channels") == 0)
        TAKE(y->count, y->channels[i]);
    else if (strcmp(what, "delta") == 0)
        TAKE(1, y->delta + 0.0 * (double)i);
    else if (strcmp(what, "rows") == 0)
        TAKE(1, y->rows + i);
    else if (strcmp(what, "distances") == 0)
        TAKE(patches, r->distances[layer][i]);
    else if (strcmp(what, "winners") == 0)
        TAKE(patches, r->winners[layer][i]);
    else if (strcmp(what, "variance") == 0)
        TAKE(y->width, y->moments.m2[i] / (double)y->moments.count);
    else if (strcmp(what, "mean") == 0)
        TAKE(y->width, y->moments.mean[i]);
    else if (strcmp(what, "dropped") == 0)
        TAKE(d->dropped_count, d->dropped[i]);
    else if (strcmp(what, "normal_scores") == 0)
        TAKE(d->normal_count, d->normal_scores[i]);
    else if (strcmp(what, "outlier") == 0)
        TAKE(d->normal_count, d->outlier[i]);
    else if (strcmp(what, "threshold") == 0)
        TAKE(1, d->threshold + 0.0 * (double)i);
    else if (strcmp(what, "map") == 0)
        TAKE(patches, r->map[i]);
    else if (strcmp(what, "scores") == 0)
        TAKE(3, i == 0 ? r->score : i == 1 ? r->structural : r->semantic);
    else if (strcmp(what, "patch") == 0)
        TAKE(2, i == 0 ? r->row : r->column);
    else if (strcmp(what, "shares") == 0) {
        size_t found = lake_attribute(d, r, r->row * d->width + r->column, shares, 5);
        TAKE(3 * found, i % 3 == 0 ? shares[i / 3].block : i % 3 == 1 ? shares[i / 3].channel : shares[i / 3].share);
    } else if (strcmp(what, "audit") == 0 && lake_audit(&audit, d, 0, NULL) == LAKE_OK)
        TAKE(3, i == 0 ? audit.captured : i == 1 ? audit.optimum : audit.cosine);
#undef TAKE
    return count;
}

/* Largest difference, relative to the magnitude where that is above 1; HUGE_VAL where the counts differ. */
static double difference(const double *a, size_t m, const double *b, size_t n)
{
    double worst = m == n ? 0 : HUGE_VAL;

    for (size_t i = 0; m == n && i < n; i++) {
        double off = fabs(a[i] - b[i]) / fmax(1, fabs(b[i]));
        worst = off <= worst ? worst : off; /* a NaN stays */
    }
    return worst;
}

static void compare_case(FILE *f, Case *c)
{
    static double theirs[4096], mine[4096];
    char what[32];
    int layer = -1;

    while (fscanf(f, "%31s", what) == 1 && strcmp(what, "end") != 0) {
        size_t n = read_numbers(f, theirs, 4096), m;
        double off;
        if (strcmp(what, "channels") == 0 || (strcmp(what, "delta") == 0 && c->options.selection == LAKE_SELECT_PCA))
            layer++;
        m = ours(c, what, layer < LAYERS && layer >= 0 ? (size_t)layer : 0, mine);
        if (strcmp(what, "variance") == 0 || strcmp(what, "mean") == 0 || strcmp(what, "audit") == 0)
            m = ours(c, what, 0, mine);
        off = difference(mine, m, theirs, n);
        check(off <= TOLERANCE, "golden", "%s: %s differs by %g (%lu numbers, expected %lu; first %g, expected %g)",
              c->name, what, off, (unsigned long)m, (unsigned long)n, m > 0 ? mine[0] : 0, n > 0 ? theirs[0] : 0);
    }
}

static void test_golden(void)
{
    FILE *f = fopen(GOLDEN, "r");
    char word[64], versions[256];
    int cases = 0;

    if (!check(f != NULL, "golden file", "cannot open %s", GOLDEN))
        return;
    if (fgets(versions, sizeof versions, f) == NULL)
        versions[0] = '\0';
    while (fscanf(f, "%63s", word) == 1 && strcmp(word, "case") == 0) {
        Case c;
        Error e = {0, ""};
        if (!check(read_case(f, &c), "golden case", "unreadable after %s", c.name))
            break;
        c.options.keep_tokens = 1;
        if (!check(run_case(&c, &e) == LAKE_OK, "golden case", "%s: %s", c.name, e.text))
            break;
        compare_case(f, &c);
        close_case(&c);
        cases++;
    }
    check(cases >= 25, "golden cases", "only %d", cases);
    if (strcmp(word, "pool") == 0) {
        double theirs[3], mine[3], scratch[320];
        float map[320];
        fill_directions(map, 77, 40);
        read_numbers(f, theirs, 3);
        for (int p = 0; p < 3; p++)
            mine[p] = lake_pool(map, 320, (LakePooling)p, scratch);
        check(difference(mine, 3, theirs, 3) <= TOLERANCE, "pooling", "differs by %g", difference(mine, 3, theirs, 3));
    }
    if (fscanf(f, "%63s", word) == 1 && strcmp(word, "overlap") == 0) {
        double theirs[4], mine[4];
        LakeDetector a, b;
        LakeOverlap overlap;
        Error e = {0, ""};
        Case c;
        default_case(&c, 0, 6, 6);
        c.options.neurons = 15;
        read_numbers(f, theirs, 4);
        if (check(open_case(&c, &e) == LAKE_OK && fit_images(&c, &a, 0, 2, &e) == LAKE_OK &&
                      fit_images(&c, &b, 20, 1, &e) == LAKE_OK &&
                      lake_overlap(&overlap, &a.layers[0], &b.layers[0], &e) == LAKE_OK,
                  "overlap", "%s", e.text)) {
            mine[0] = (double)overlap.common;
            mine[1] = overlap.jaccard;
            mine[2] = overlap.expected;
            mine[3] = overlap.probability;
            check(difference(mine, 4, theirs, 4) <= 1e-9, "overlap", "%g %g %g %g", mine[0], mine[1], mine[2], mine[3]);
        }
        check(lake_overlap(&overlap, &a.layers[0], &b.layers[1], &e) == LAKE_BAD_INPUT, "overlap of other widths",
              "accepted");
        lake_detector_close(&a);
        lake_detector_close(&b);
        close_case(&c);
    }
    fclose(f);
}

/* ---- nearest rows against the naive double loop ---- */

static double direct(const float *a, const float *b, size_t count)
{
    double sum = 0;

    for (size_t k = 0; k < count; k++)
        sum += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
    return sum;
}

/* Rows around an offset and queries around another that make ||q||^2 + ||g||^2 - 2 q.g useless in float, with repeated
 * rows as ties and queries that are rows. spread: of the numbers around the offsets. */
static void try_nearest(const char *name, size_t queries, size_t rows, size_t count, float offset, float query_offset,
                        float spread, LakeDistance distance)
{
    float *q = malloc(queries * count * sizeof *q), *g = malloc(rows * count * sizeof *g),
          *d = malloc(queries * sizeof *d);
    float *workspace = malloc(lake_nearest_workspace(queries, count) * sizeof *workspace);
    uint32_t *winners = malloc(queries * sizeof *winners), *source = malloc(rows * sizeof *source);
    uint64_t state = 5;
    LakeLayer layer;
    size_t wrong = 0;
    Error e;

    memset(&layer, 0, sizeof layer);
    layer.count = count;
    layer.rows = rows;
    layer.gallery = g;
    layer.source = source;
    for (size_t i = 0; i < rows * count; i++)
        g[i] = i / count % 7 == 3 ? g[i - 2 * count] : offset + spread * (float)(bits16(&state) / 65536);
    for (size_t i = 0; i < queries * count; i++)
        q[i] = i / count % 5 == 1 ? g[i % (rows * count)] : query_offset + spread * (float)(bits16(&state) / 65536);
    for (size_t r = 0; r < rows; r++)
        source[r] = (uint32_t)r;
    lake_layer_norms(&layer, &e);
    lake_layer_codes(&layer, &e);
    lake_nearest(d, winners, q, queries, &layer, distance, NULL, workspace);
    for (size_t i = 0; i < queries; i++) {
        double best = HUGE_VAL;
        size_t winner = 0;
        for (size_t r = 0; r < rows; r++)
            if (direct(q + i * count, g + r * count, count) < best) {
                best = direct(q + i * count, g + r * count, count);
                winner = r;
            }
        wrong +=
            winners[i] != winner || d[i] != (distance == LAKE_DISTANCE_COSINE ? (float)(best / 2) : (float)sqrt(best));
    }
    check(wrong == 0, name, "%lu of %lu queries differ from the double loop", (unsigned long)wrong,
          (unsigned long)queries);
    free(q);
    free(g);
    free(d);
    free(workspace);
    free(winners);
    free(source);
    free(layer.norms);
    lake_codes_close(layer.codes);
}

static void test_nearest(void)
{
    try_nearest("nearest: small", 3, 10, 4, 0, 0, 1, LAKE_DISTANCE_L2);
    try_nearest("nearest: several blocks", 2100, 1100, 5, 1, 1, 1, LAKE_DISTANCE_L2);
    try_nearest("nearest: cancellation", 40, 1100, 100, 3000, 3000, 1, LAKE_DISTANCE_L2);
    try_nearest("nearest: cosine's half square", 40, 300, 33, 0, 0, 1, LAKE_DISTANCE_COSINE);
    try_nearest("nearest: overflow of the product", 20, 200, 7, 1e19f, 1e19f, 1e18f, LAKE_DISTANCE_L2);
    try_nearest("nearest: overflow to the other side", 20, 200, 7, 1e19f, -1e19f, 1e18f, LAKE_DISTANCE_L2);
    try_nearest("nearest: underflow of the product", 20, 200, 7, 0, 0, 1e-30f, LAKE_DISTANCE_L2);
    try_nearest("nearest: one channel", 20, 200, 1, 0, 0, 1, LAKE_DISTANCE_L2);
}

/* ---- moments ---- */

static void test_moments(void)
{
    enum { N = 60, D = 40 };
    static float tokens[N * D];
    double scratch[2 * D], worst = 0;
    unsigned char skip[N] = {0};
    LakeMoments whole, parts, other;
    Error e;

    fill_tokens(tokens, 3, 0, N);
    lake_moments_open(&whole, D, &e);
    lake_moments_open(&parts, D, &e);
    lake_moments_open(&other, D, &e);
    lake_moments_add(&whole, tokens, N, D, NULL, scratch);
    lake_moments_add(&parts, tokens, 13, D, NULL, scratch);
    lake_moments_add(&other, tokens + 13 * D, N - 13, D, NULL, scratch);
    lake_moments_merge(&parts, &other, D);
    for (size_t d = 0; d < D; d++)
        worst = fmax(worst, fmax(fabs(whole.mean[d] - parts.mean[d]), fabs(whole.m2[d] - parts.m2[d])));
    check(parts.count == N && worst < 1e-10, "moments of parts merge", "count %lu, off by %g",
          (unsigned long)parts.count, worst);
    check(whole.m2[5] < 1e-20 + 64 * 4 * N && whole.count == N, "moments count", "%lu", (unsigned long)whole.count);
    memset(skip, 1, sizeof skip);
    lake_moments_add(&whole, tokens, N, D, skip, scratch);
    check(whole.count == N, "moments of nothing", "count %lu", (unsigned long)whole.count);
    lake_moments_close(&whole);
    lake_moments_close(&parts);
    lake_moments_close(&other);
}

/* ---- merging ---- */

static int same_floats(const float *a, const float *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

/* 1 where everything of two detectors but the names is equal to the bit. */
static int same_detectors(const LakeDetector *a, const LakeDetector *b)
{
    size_t total = a->normal_count * a->height * a->width;
    int same = a->normal_count == b->normal_count && a->layer_count == b->layer_count && a->threshold == b->threshold &&
               a->dropped_count == b->dropped_count;

    for (size_t l = 0; same && l < a->layer_count; l++) {
        const LakeLayer *x = &a->layers[l], *y = &b->layers[l];
        same = x->count == y->count && x->rows == y->rows && x->delta == y->delta &&
               memcmp(x->channels, y->channels, x->count * sizeof *x->channels) == 0 &&
               same_floats(x->gallery, y->gallery, x->rows * x->count) &&
               memcmp(x->source, y->source, x->rows * sizeof *x->source) == 0 &&
               memcmp(x->moments.mean, y->moments.mean, x->width * sizeof(double)) == 0 &&
               memcmp(x->moments.m2, y->moments.m2, x->width * sizeof(double)) == 0;
    }
    return same && same_floats(a->normal_structural, b->normal_structural, total) &&
           (a->normal_semantic == NULL) == (b->normal_semantic == NULL) &&
           (a->normal_semantic == NULL || same_floats(a->normal_semantic, b->normal_semantic, total));
}

static void try_merge(const char *name, double coreset, double trim, int text)
{
    LakeDetector whole, first, second, merged;
    const LakeDetector *parts[2];
    const char *names[2] = {"first.lake", "second.lake"};
    Error e = {0, ""};
    Case c;

    default_case(&c, 0, 6, 6);
    c.options.coreset = coreset;
    c.options.trim = trim;
    c.options.keep_tokens = 1;
    c.text = text;
    parts[0] = &first;
    parts[1] = &second;
    if (!check(open_case(&c, &e) == LAKE_OK && fit_images(&c, &whole, 0, 5, &e) == LAKE_OK &&
                   fit_images(&c, &first, 0, 2, &e) == LAKE_OK && fit_images(&c, &second, 2, 3, &e) == LAKE_OK &&
                   lake_merge(&merged, parts, names, 2, 0, &e) == LAKE_OK,
               name, "%s", e.text))
        return;
    check(same_detectors(&whole, &merged), name, "not what a single fit gives");
    check(merged.kept == NULL && strcmp(merged.names[4], "image 4") == 0, name, "tokens kept, or names lost");
    lake_detector_close(&second);
    c.options.neurons = 11;
    fit_images(&c, &second, 2, 3, &e);
    lake_detector_close(&merged);
    check(lake_merge(&merged, parts, names, 2, 0, &e) == LAKE_BAD_INPUT && strstr(e.text, "second.lake") != NULL,
          "merge of unlike", "%s", e.text);
    lake_detector_close(&second);
    c.options.neurons = 10;
    c.options.keep_tokens = 0;
    fit_images(&c, &second, 2, 3, &e);
    check(lake_merge(&merged, parts, names, 2, 0, &e) == LAKE_BAD_INPUT && strstr(e.text, "--keep-tokens") != NULL,
          "merge without tokens", "%s", e.text);
    lake_detector_close(&second);
    c.options.keep_tokens = 1;
    fit_images(&c, &second, 1, 3, &e);
    check(lake_merge(&merged, parts, names, 2, 0, &e) == LAKE_BAD_INPUT &&
              strstr(e.text, "second.lake: holds image 1, which has the same tokens as image 1 in first.lake") != NULL,
          "merge of a photo in both parts", "%s", e.text);
    lake_detector_close(&whole);
    lake_detector_close(&first);
    lake_detector_close(&second);
    close_case(&c);
}

/* ---- tokens in temporary files ---- */

/* A fit that may hold `held` of five images in memory gives the detector of one that holds all. */
static void try_files(const char *name, size_t held, LakeSelection selection, double coreset, double trim)
{
    LakeDetector whole, filed;
    Error e = {0, ""};
    Case c;

    default_case(&c, 0, 6, 6);
    c.options.selection = selection;
    c.options.coreset = coreset;
    c.options.trim = trim;
    if (!check(open_case(&c, &e) == LAKE_OK && fit_images(&c, &whole, 0, 5, &e) == LAKE_OK, name, "%s", e.text))
        return;
    c.options.token_memory = held * 36 * (widths[0] + widths[1]) * sizeof(float);
    if (check(fit_images(&c, &filed, 0, 5, &e) == LAKE_OK, name, "%s", e.text)) {
        check(same_detectors(&whole, &filed), name, "not what a fit in memory gives");
        lake_detector_close(&filed);
    }
    lake_detector_close(&whole);
    close_case(&c);
}

/* ---- deciding anew ---- */

static void test_decide(void)
{
    LakeDecision decision;
    LakeDetector fresh;
    Error e = {0, ""};
    Case c;

    default_case(&c, 5, 6, 6);
    c.text = 1;
    if (!check(run_case(&c, &e) == LAKE_OK, "decide", "%s", e.text))
        return;
    decision = c.options.decision;
    decision.lambda = 0.6;
    decision.pooling = LAKE_POOL_MEAN;
    decision.threshold = LAKE_THRESHOLD_FPR;
    decision.threshold_value = 0.2;
    c.options.decision = decision;
    fit_images(&c, &fresh, 0, 5, &e);
    check(lake_decide(&c.detector, &decision, &e) == LAKE_OK && c.detector.threshold == fresh.threshold &&
              memcmp(c.detector.normal_scores, fresh.normal_scores, 5 * sizeof(double)) == 0,
          "decide anew as if fitted so", "threshold %g, expected %g", c.detector.threshold, fresh.threshold);
    check(!fresh.provisional, "five normals are enough", "provisional");
    decision.lambda = 1.5;
    check(lake_decide(&c.detector, &decision, &e) == LAKE_USAGE, "lambda out of range", "accepted");
    decision.lambda = 0;
    decision.threshold_value = -1;
    check(lake_decide(&c.detector, &decision, &e) == LAKE_USAGE, "share out of range", "accepted");
    lake_detector_close(&fresh);
    close_case(&c);
}

/* ---- degenerate inputs ---- */

static void test_degenerate(void)
{
    LakeFit *fit;
    LakeDetector d, other;
    LakeResult r;
    Error e = {0, ""};
    LakeShare shares[3];
    Case c;

    default_case(&c, 2, 6, 6);
    open_case(&c, &e);
    lake_fit_begin(&fit, &c.options, NULL, NULL, &c.tokens, &e);
    fill_image(&c.tokens, 1);
    lake_fit_add(fit, &c.tokens, "a", &e);
    lake_fit_add(fit, &c.tokens, "b", &e);
    if (!check(lake_fit_finish(fit, &d, &e) == LAKE_OK, "identical images", "%s", e.text))
        return;
    check(d.layers[0].delta > 0 && d.normal_scores[0] == 0 && d.threshold == 0, "identical images",
          "delta %g, score %g", d.layers[0].delta, d.normal_scores[0]);
    lake_result_open(&r, &d, &e);
    check(lake_score(&d, &c.tokens, &r, &e) == LAKE_OK && r.score == 0 && !r.anomalous, "an image of the gallery",
          "score %g", r.score);
    check(lake_attribute(&d, &r, 0, shares, 3) == 3 && shares[0].share == 0, "shares of no deviation", "%g",
          shares[0].share);
    c.options.neurons = 11;
    fill_image(&c.tokens, 1);
    fit_images(&c, &other, 0, 1, &e);
    check(lake_score(&other, &c.tokens, &r, &e) == LAKE_USAGE && strstr(e.text, "another detector") != NULL,
          "a result of another detector", "%s", e.text);
    lake_detector_close(&other);
    c.options.neurons = 10;
    c.tokens.layers[1][17] = NAN;
    check(lake_score(&d, &c.tokens, &r, &e) == LAKE_BAD_INPUT, "not a number", "scored");
    c.tokens.height = 5;
    check(lake_score(&d, &c.tokens, &r, &e) == LAKE_BAD_INPUT, "another grid", "scored");
    c.tokens.height = 6;
    lake_result_close(&r);
    lake_detector_close(&d);

    lake_fit_begin(&fit, &c.options, NULL, NULL, &c.tokens, &e);
    check(lake_fit_add(fit, &c.tokens, "a", &e) == LAKE_BAD_INPUT && strstr(e.text, "a: ") == e.text,
          "fit on not a number", "%s", e.text);
    check(lake_fit_finish(fit, &d, &e) == LAKE_USAGE, "fit on nothing", "worked");

    lake_fit_begin(&fit, &c.options, NULL, NULL, &c.tokens, &e);
    for (size_t l = 0; l < LAYERS; l++)
        memset(c.tokens.layers[l], 0, 36 * widths[l] * sizeof(float));
    lake_fit_add(fit, &c.tokens, "zeros", &e);
    check(lake_fit_finish(fit, &d, &e) == LAKE_OK && d.layers[0].delta > 0, "tokens all zero", "%s", e.text);
    lake_result_open(&r, &d, &e);
    fill_image(&c.tokens, 2);
    check(lake_score(&d, &c.tokens, &r, &e) == LAKE_OK && r.score > 0.99 && r.score <= 1 && r.anomalous,
          "anything is far from zeros", "score %g", r.score);
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t i = 0; i < 36 * widths[l]; i++)
            c.tokens.layers[l][i] = 3e38f; /* distances beyond all floats */
    c.tokens.normalised = 0;
    check(lake_score(&d, &c.tokens, &r, &e) == LAKE_OK && r.score > 0.99 && r.score <= 1 && r.anomalous,
          "as far as floats reach", "score %g", r.score);
    lake_result_close(&r);
    lake_detector_close(&d);

    c.options.trim = 0.7;
    check(lake_options_resolve(&c.options, NULL, &e) == LAKE_USAGE, "trim out of range", "accepted");
    c.options.trim = 0;
    c.options.layers[1] = 3;
    check(lake_options_resolve(&c.options, NULL, &e) == LAKE_USAGE, "layers not ascending", "accepted");
    c.options.layers[0] = c.options.layers[1] = 0;
    check(lake_options_resolve(&c.options, NULL, &e) == LAKE_OK && c.options.layers[0] == 1 && c.options.layers[1] == 2,
          "numbered layers", "%s", e.text);
    close_case(&c);
}

static void test_attribution(void)
{
    LakeShare all[64];
    float map[36];
    double sum = 0, deviation = 0, part;
    size_t count, patch;
    Error e = {0, ""};
    Case c;

    default_case(&c, 3, 6, 6);
    if (!check(run_case(&c, &e) == LAKE_OK, "attribution", "%s", e.text))
        return;
    patch = c.result.row * 6 + c.result.column;
    count = lake_attribute(&c.detector, &c.result, patch, all, 64);
    for (size_t i = 0; i < count; i++)
        sum += all[i].share;
    check(count == 20 && fabs(sum - 1) < 1e-12, "shares sum to 1", "%lu neurons, sum %g", (unsigned long)count, sum);
    for (size_t l = 0; l < LAYERS; l++)
        deviation += pow(c.result.distances[l][patch] / c.detector.layers[l].delta, 2);
    lake_neuron_map(&c.detector, &c.result, all[0].block == 3 ? 0 : 1, 0, map);
    for (size_t k = 0, l = all[0].block == 3 ? 0 : 1; k < 10; k++)
        if (c.detector.layers[l].channels[k] == all[0].channel)
            lake_neuron_map(&c.detector, &c.result, l, k, map);
    part = map[patch] / deviation; /* distances were rounded to float: 1e-7 of the square */
    check(fabs(part - all[0].share) < 1e-6, "a neuron's map is its share", "%g, expected %g", part, all[0].share);
    close_case(&c);
}

static void test_zero_shot(void)
{
    LakeResult r;
    Error e = {0, ""};
    double largest = 0;
    Case c;

    default_case(&c, 0, 4, 3);
    open_case(&c, &e);
    fill_image(&c.tokens, 1);
    fill_directions(c.tokens.embedding, 9, 1);
    lake_result_open_zero(&r, 4, 3, &e);
    check(lake_zero(&c.texts, &c.tokens, 0.5, &r, &e) == LAKE_OK, "zero-shot", "%s", e.text);
    for (size_t p = 0; p < 12; p++)
        largest = r.map[p] > largest ? r.map[p] : largest; /* fmax here crashes GCC 12 for aarch64 */
    check(r.semantic == largest && r.score == fmax(largest, r.whole) && r.map[r.row * 3 + r.column] == (float)largest,
          "zero-shot score", "%g of %g and %g", r.score, largest, r.whole);
    lake_result_close(&r);
    close_case(&c);
}

int main(void)
{
    test_golden();
    test_nearest();
    test_moments();
    try_merge("merge", 1, 0, 0);
    try_merge("merge with text", 1, 0, 1);
    try_merge("merge with coreset and trim", 0.4, 0.1, 1);
    try_files("all tokens in files", 0, LAKE_SELECT_VARIANCE, 1, 0);
    try_files("tokens in memory and in files", 2, LAKE_SELECT_VARIANCE, 0.3, 0.1);
    try_files("tokens in files, PCA", 1, LAKE_SELECT_PCA, 1, 0.1);
    test_decide();
    test_degenerate();
    test_attribution();
    test_zero_shot();
    return 0;
}
