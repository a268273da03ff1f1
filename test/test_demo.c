/* The demo's experiments on a tiny model and made pictures: that what DemoResults says follows from its rows and from
 * one another, that verdicts follow their rule, that threads change nothing, and what is refused. That single
 * experiments are right is test_experiment.c's business. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/demo.h"
#include "eval/demo_files.h"
#include "kernel/kernel.h"
#include "test/test.h"
#include "test/tiny_clip.h"

enum { SIDE = 40, PATHS = 46, CATEGORIES = 2, TESTS = 7 };
enum { METHODS = 1 + DEMO_WEIGHTS + DEMO_POOLINGS + DEMO_COUNTS * (2 + DEMO_RANDOM_SEEDS) + 1 }; /* of each draw */
enum { ROWS = DEMO_DRAWS * METHODS + 1 + 2 * 2 * DEMO_DIRT }; /* zero-shot once, dirt with two choices of pictures */

static char names[PATHS][64];
static const char *paths[PATHS];

/* Two categories of 12 train pictures, 3 good and 4 defective test pictures with masks: 23 files each. */
static void make_paths(void)
{
    static const char *const kinds[] = {"blot", "stain"};
    size_t n = 0;

    for (int c = 0; c < CATEGORIES; c++) {
        const char *category = c == 0 ? "old_rug" : "pan";
        for (int i = 0; i < 12; i++)
            snprintf(names[n++], sizeof *names, "%s/train/good/%03d.png", category, i);
        for (int i = 12; i < 15; i++)
            snprintf(names[n++], sizeof *names, "%s/test/good/%03d.png", category, i);
        for (int i = 15; i < 19; i++) {
            snprintf(names[n++], sizeof *names, "%s/test/%s/%03d.png", category, kinds[(i - 15) / 2], i);
            snprintf(names[n++], sizeof *names, "%s/ground_truth/%s/%03d_mask.png", category, kinds[(i - 15) / 2], i);
        }
    }
    for (size_t i = 0; i < PATHS; i++)
        paths[i] = names[i];
}

static int number_of(const char *path)
{
    return atoi(strrchr(path, '/') + 1);
}

static int in_defect(int number, int x, int y)
{
    return number >= 15 && (x - number) * (x - number) + (y - 20) * (y - 20) < 30;
}

static int make_picture(Image *image, const void *context, const char *path, Error *e)
{
    int number = number_of(path), pan = path[0] == 'p', code = img_new(image, SIDE, SIDE, e);
    uint64_t random = (uint64_t)(number + 100 * pan);

    (void)context;
    for (int i = 0; code == LAKE_OK && i < 3 * SIDE * SIDE; i++) {
        int c = i % 3, x = i / 3 % SIDE, y = i / 3 / SIDE, noise = (int)lake_random_below(&random, 40);
        image->rgb[i] =
            (unsigned char)(in_defect(number, x, y) ? 150 + 20 * c + noise
                                                    : 60 + 30 * c + 8 * (x % (5 + pan)) + 9 * (y % 3) + noise);
    }
    return code;
}

static int make_mask(unsigned char *mask, size_t height, size_t width, const void *context, const char *path, Error *e)
{
    (void)context;
    (void)e;
    for (size_t i = 0; i < height * width; i++)
        mask[i] = (unsigned char)in_defect(number_of(path), (int)(i % width), (int)(i / width));
    return LAKE_OK;
}

static const ExperimentSource source = {make_picture, make_mask, NULL, NULL};

/* ---- what follows from the rows ---- */

/* The mean image AUROC of the rows whose method begins with `method`, of one category. */
static double mean_of(const DemoResults *r, size_t category, const char *method)
{
    double sum = 0, count = 0;

    for (size_t i = 0; i < r->row_count; i++)
        if (r->rows[i].category == category && strncmp(r->rows[i].method, method, strlen(method)) == 0) {
            sum += r->rows[i].image.auroc;
            count++;
        }
    return sum / count;
}

static void check_mean(const DemoResults *r, size_t category, const char *method, double found)
{
    double expected = mean_of(r, category, method);

    check(fabs(found - expected) < 1e-12, method, "%.17g, the rows' mean is %.17g", found,
          expected); /* another order */
}

static void test_rows(const DemoResults *r)
{
    check(r->row_count == CATEGORIES * ROWS, "every measurement is a row", "%d rows", (int)r->row_count);
    for (size_t c = 0; c < CATEGORIES; c++) {
        const DemoCategory *category = &r->categories[c];
        char method[DEMO_NAME_MAX];
        check_mean(r, c, "lake", category->lake.image_auroc);
        check_mean(r, c, "zero", category->zero.image_auroc);
        check_mean(r, c, "lambda-0.3", category->by_weight[3]);
        check_mean(r, c, "lambda-1.0", category->by_weight[10]);
        check_mean(r, c, "pool-mean", category->by_pooling[LAKE_POOL_MEAN]);
        check_mean(r, c, "all", category->all);
        for (size_t i = 0; i < DEMO_COUNTS; i++) {
            snprintf(method, sizeof method, "random-%d-", (int)r->counts[i]);
            check_mean(r, c, method, category->by_count[DEMO_RANDOM][i]);
        }
        snprintf(method, sizeof method, "variance-%d", (int)r->counts[4]); /* no other count begins like that */
        check_mean(r, c, method, category->by_count[DEMO_TOP][4]);
        check(category->by_weight[3] == category->lake.image_auroc &&
                  category->by_pooling[0] == category->lake.image_auroc,
              "the defaults are text weight 0.3 and the maximum", "%g %g, not %g", category->by_weight[3],
              category->by_pooling[0], category->lake.image_auroc);
    }
}

/* Contamination adds normals, and its pictures are never tested. */
static void test_dirt(const DemoResults *r)
{
    size_t seen = 0, wrong = 0;

    for (size_t i = 0; i < r->row_count; i++) {
        const DemoRow *row = &r->rows[i];
        if (strncmp(row->method, "dirt-", 5) != 0)
            continue;
        seen++;
        wrong += row->normals != DEMO_CLEAN_SHOTS + (size_t)(row->method[5] - '0') || row->tests != TESTS - 2;
    }
    check(seen == CATEGORIES * 12 && wrong == 0, "contamination", "%d rows, %d wrong", (int)seen, (int)wrong);
}

static void test_category(const DemoCategory *c)
{
    size_t defects = 0;

    check(c->train == 12 && c->normal == 3 && c->anomalous == 4 && c->test_count == TESTS, "pictures are counted",
          "%d %d %d %d", (int)c->train, (int)c->normal, (int)c->anomalous, (int)c->test_count);
    check(c->lake_normal == 9 && c->lake_anomalous == 12, "decisions are summed over draws", "%d %d",
          (int)c->lake_normal, (int)c->lake_anomalous);
    check(c->labels[2] == 0 && c->labels[3] == 1, "normal pictures come first", "%d %d", c->labels[2], c->labels[3]);
    check(c->roc_count >= 2 && c->roc[0].tpr == 0 && c->roc[c->roc_count - 1].fpr == 1, "a ROC curve", "%d points",
          (int)c->roc_count);
    check(c->example_count == 3 && strcmp(c->examples[0].kind, "good") == 0 &&
              strcmp(c->examples[1].kind, "blot") == 0 && strcmp(c->examples[2].kind, "stain") == 0,
          "an example of each kind", "%d", (int)c->example_count);
    for (size_t i = 0; i < c->example_count; i++) {
        const DemoExample *example = &c->examples[i];
        defects += example->mask != NULL;
        check(example->photo.width == SIDE && example->heatmap.height == SIDE && example->overlay.width > SIDE &&
                  example->share_count == DEMO_SHARES && example->shares[0].share >= example->shares[1].share,
              "an example's pictures and neurons", "%d %d", example->photo.width, (int)example->share_count);
    }
    check(defects == 2, "defective examples have masks", "%d", (int)defects);
}

static void test_neurons(const DemoResults *r)
{
    size_t wrong = 0;

    for (size_t l = 0; l < r->overlap_count; l++) {
        const DemoOverlap *o = &r->overlaps[l];
        size_t common = 0;
        for (size_t i = 0; i < r->sparse; i++)
            for (size_t j = 0; j < r->sparse; j++)
                common += r->categories[0].layers[l].channels[i] == r->categories[1].layers[l].channels[j];
        wrong += o->common[1] != common || o->common[2] != common || o->jaccard[0] != 1 || o->common[3] != r->sparse;
        wrong += fabs(o->jaccard[1] - (double)common / (double)(2 * r->sparse - common)) > 1e-15;
        wrong += o->mean_common != (double)common;
    }
    check(r->sparse == 3 && r->overlap_count > 0 && wrong == 0, "overlaps are those of the neurons", "%d wrong",
          (int)wrong);
    for (size_t l = 0; l < r->categories[0].layer_count; l++) {
        const DemoLayer *layer = &r->categories[0].layers[l];
        check(layer->count == 3 && layer->shares[0] >= layer->shares[2] &&
                  fabs(layer->shares[0] + layer->shares[1] + layer->shares[2] - layer->audit.captured) < 1e-9 &&
                  layer->audit.captured <= layer->audit.optimum,
              "shares of the variance sum to what the audit calls captured", "%g of %g", layer->audit.captured,
              layer->audit.optimum);
    }
}

/* ---- verdicts ---- */

/* A verdict's figures from the two values in each category, and its answer from the rule as stated. */
static void check_verdict(const DemoResults *r, size_t which, const double a[2], const double b[2], double margin)
{
    const DemoVerdict *v = &r->verdicts[which];
    double first = a[0] - b[0], second = a[1] - b[1], mean = (first + second) / 2, error = fabs(first - second) / 2;
    DemoAnswer answer = mean + margin > 2 * error ? DEMO_YES : mean + margin < -2 * error ? DEMO_NO : DEMO_UNDECIDED;

    /* sample deviation of two: |first - second| / sqrt(2); its mean's error is that over sqrt(2) */
    check(fabs(v->difference.mean - mean) < 1e-12 && fabs(v->difference.error - error) < 1e-12 && v->answer == answer,
          v->claim, "%g +- %g %s, expected %g +- %g %s", v->difference.mean, v->difference.error,
          demo_answer_name(v->answer), mean, error, demo_answer_name(answer));
}

static void test_verdicts(const DemoResults *r)
{
    const DemoCategory *c = r->categories, *d = r->categories + 1;
    const double top[] = {c->by_count[DEMO_TOP][1], d->by_count[DEMO_TOP][1]};
    const double random[] = {c->by_count[DEMO_RANDOM][1], d->by_count[DEMO_RANDOM][1]}, all[] = {c->all, d->all};
    const double maximum[] = {c->by_pooling[0], d->by_pooling[0]}, mean[] = {c->by_pooling[1], d->by_pooling[1]};
    const double three[] = {c->by_weight[3], d->by_weight[3]}, five[] = {c->by_weight[5], d->by_weight[5]};
    const double zero[] = {c->zero.image_auroc, d->zero.image_auroc}, half[] = {0.5, 0.5};
    const double dirty[] = {c->by_dirt[0][2], d->by_dirt[0][2]}, clean[] = {c->by_dirt[0][0], d->by_dirt[0][0]};

    if (!check(r->verdict_count == DEMO_VERDICTS, "a verdict on every claim", "%d", (int)r->verdict_count))
        return;
    check_verdict(r, DEMO_ON_TOP_AGAINST_RANDOM, top, random, 0);
    check_verdict(r, DEMO_ON_TOP_AGAINST_ALL, top, all, 0.02);
    check_verdict(r, DEMO_ON_MAXIMUM, maximum, mean, 0);
    check_verdict(r, DEMO_ON_HALF_TEXT, three, five, 0);
    check_verdict(r, DEMO_ON_ZERO_SHOT, zero, half, 0);
    check_verdict(r, DEMO_ON_CONTAMINATION, dirty, clean, 0.02);
}

/* ---- the table ---- */

static void test_table(const DemoResults *r, const char *path)
{
    unsigned char *text;
    size_t size, lines = 0, commas = 0, wrong = 0, means = 0;
    Error e = {0, ""};

    if (!check(demo_write_table(r, path, &e) == LAKE_OK && file_read(&text, &size, path, 1 << 20, &e) == LAKE_OK,
               "a table is written", "%s", e.text))
        return;
    for (size_t i = 0; i < size; i++) {
        commas += text[i] == ',';
        if (text[i] != '\n')
            continue;
        lines++;
        wrong += commas != 14;
        commas = 0;
        means += i + 11 < size && memcmp(text + i + 1, "demo,mean,", 10) == 0;
    }
    check(wrong == 0 && lines == 1 + r->row_count + means && means == METHODS + 1 + 2 * DEMO_DIRT,
          "the table has a line per row and per method", "%d lines, %d of means, %d of wrong width", (int)lines,
          (int)means, (int)wrong);
    free(text);
}

static int same_files(const char *a, const char *b)
{
    unsigned char *first, *second;
    size_t m, n;
    int same;

    if (file_read(&first, &m, a, 1 << 20, NULL) != LAKE_OK)
        return 0;
    if (file_read(&second, &n, b, 1 << 20, NULL) != LAKE_OK) {
        free(first);
        return 0;
    }
    same = m == n && memcmp(first, second, n) == 0;
    free(first);
    free(second);
    return same;
}

/* ---- runs ---- */

static double last_share;
static size_t reports, backwards;

static void listen(void *context, const char *category, double share)
{
    (void)context;
    (void)category;
    reports++;
    backwards += share < last_share || share > 1;
    last_share = share;
}

static void test_run(const Clip *model)
{
    const DemoProgress progress = {listen, NULL};
    DemoResults r;
    Error e = {0, ""};

    kernel_set_threads(1);
    if (!check(demo_run(&r, model, "tiny", paths, PATHS, &source, &progress, &e) == LAKE_OK, "the demo", "%s", e.text))
        return;
    check(r.category_count == CATEGORIES && strcmp(r.categories[0].class_name, "old rug") == 0,
          "categories and their names", "%d, %s", (int)r.category_count, r.categories[0].class_name);
    check(reports > 100 && backwards == 0 && last_share > 0.9, "progress", "%d reports, %d backwards, ends at %g",
          (int)reports, (int)backwards, last_share);
    test_rows(&r);
    test_dirt(&r);
    test_category(&r.categories[0]);
    test_neurons(&r);
    test_verdicts(&r);
    test_table(&r, FOLDER "/demo_1.csv");
    demo_free(&r);
    kernel_set_threads(3);
    if (check(demo_run(&r, model, "tiny", paths, PATHS, &source, NULL, &e) == LAKE_OK, "the demo by threads", "%s",
              e.text)) {
        demo_write_table(&r, FOLDER "/demo_3.csv", &e);
        demo_free(&r);
    }
    kernel_set_threads(0);
    check(same_files(FOLDER "/demo_1.csv", FOLDER "/demo_3.csv"), "threads change nothing", "the tables differ");
}

/* A model without a text tower: what needs texts is not a number, and its verdicts are undecided. */
static void test_without_texts(const Clip *model)
{
    DemoResults r;
    Error e = {0, ""};

    if (!check(demo_run(&r, model, "blind to words", paths, PATHS, &source, NULL, &e) == LAKE_OK, "no text tower", "%s",
               e.text))
        return;
    check(!r.has_text && isnan(r.zero.image_auroc) && isnan(r.by_weight[3].mean) && r.lake.image_auroc > 0,
          "without texts their figures are missing", "%g %g %g", r.zero.image_auroc, r.by_weight[3].mean,
          r.lake.image_auroc);
    check(r.verdicts[DEMO_ON_ZERO_SHOT].answer == DEMO_UNDECIDED &&
              r.verdicts[DEMO_ON_HALF_TEXT].answer == DEMO_UNDECIDED,
          "without texts claims on them are undecided", "%s", demo_answer_name(r.verdicts[DEMO_ON_ZERO_SHOT].answer));
    demo_free(&r);
}

static void test_refusals(const Clip *model)
{
    DemoResults r;
    Error e = {0, ""};

    check(demo_run(&r, model, "tiny", paths + 6, 17, &source, NULL, &e) == LAKE_BAD_INPUT,
          "too few normals are refused", "%s", e.text);
    check(demo_run(&r, model, "tiny", paths, 15, &source, NULL, &e) == LAKE_BAD_INPUT, "no defect is refused", "%s",
          e.text);
    check(demo_run(&r, model, "tiny", paths, 0, &source, NULL, &e) == LAKE_BAD_INPUT, "no picture is refused", "%s",
          e.text);
}

int main(void)
{
    Golden g;
    Clip a, b;
    Error e = {0, ""};
    int code;

    if (!golden_open(&g, &e))
        return check(0, "the golden file", "%s", e.text), 0;
    make_paths();
    code = folder_create(FOLDER, &e) || write_model(&g, 'a', WTS_F32, FOLDER "/demo_a.clip", 0, &e) ||
           write_model(&g, 'b', WTS_F32, FOLDER "/demo_b.clip", 0, &e) || clip_open(&a, FOLDER "/demo_a.clip", &e) ||
           clip_open(&b, FOLDER "/demo_b.clip", &e);
    golden_close(&g);
    if (!check(code == LAKE_OK, "models", "%s", e.text))
        return 0;
    test_run(&a);
    test_without_texts(&b);
    test_refusals(&a);
    clip_close(&a);
    clip_close(&b);
    return 0;
}
