/* Experiments with settings: further blocks, observations in files, unreadable pictures, maps of one size. Whatever the
 * settings, scores are those of an experiment without them, to the bit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/token_file.h"
#include "kernel/kernel.h"
#include "method/map.h"
#include "test/rug.h"
#include "test/test.h"

enum { TESTS = 5 };

#define CACHE FOLDER "/experiment-tokens"

static const size_t shots[] = {2, 0, 1};

/* ---- sources that fail or change ---- */

static uint64_t revision; /* of all pictures */
static int broken;        /* 1: pictures 2 and 5 and the mask of 7 cannot be read; 2: no train picture can */

static int revision_of(uint64_t *fingerprint, const void *context, const char *path, Error *e)
{
    (void)context;
    (void)path;
    (void)e;
    *fingerprint = revision;
    return LAKE_OK;
}

static int read_picture(Image *image, const void *context, const char *path, Error *e)
{
    int number = number_of(path);

    if ((broken == 1 && (number == 2 || number == 5)) || (broken == 2 && number < 4))
        return error_set(e, LAKE_BAD_INPUT, "%s: is broken", path);
    if (broken == 3 && number == 4)
        return error_set(e, LAKE_RESOURCE, "%s: no memory", path);
    if (broken == 4 && number == 6)
        return img_new(image, 7, 90, e);
    return make_picture(image, context, path, e);
}

static int read_mask(unsigned char *mask, size_t height, size_t width, const void *context, const char *path, Error *e)
{
    if (broken == 1 && number_of(path) == 7)
        return error_set(e, LAKE_BAD_INPUT, "%s: is broken", path);
    return make_mask(mask, height, width, context, path, e);
}

static int upright, plain; /* of the options: other observations */

static void set_options(LakeOptions *options, const int *layers, size_t layer_count)
{
    small_options(options);
    options->upright = upright;
    options->patch_attention = plain ? LAKE_ATTENTION_PLAIN : LAKE_ATTENTION_VV;
    options->layer_count = layer_count;
    for (size_t l = 0; l < layer_count; l++)
        options->layers[l] = layers[l];
}

static const ExperimentSource source = {read_picture, read_mask, NULL, revision_of};

/* ---- scores of an experiment ---- */

typedef struct {
    int code;
    size_t count, normals;
    double scores[TESTS], threshold;
} Scores;

static Scores score(Experiment *x, const int *layers, size_t layer_count, const size_t *chosen, size_t shot_count,
                    Error *e)
{
    Scores s;
    ExperimentPlan plan;
    ExperimentFit fit;
    ExperimentOutcome out;

    memset(&s, 0, sizeof s);
    memset(&plan, 0, sizeof plan);
    set_options(&plan.options, layers, layer_count);
    plan.shots = chosen;
    plan.shot_count = shot_count;
    s.code = experiment_fit(&fit, x, &plan, e);
    if (s.code != LAKE_OK)
        return s;
    s.normals = fit.detector.normal_count;
    s.code = experiment_decide(&out, &fit, &plan.options.decision, e);
    experiment_fit_close(&fit);
    if (s.code != LAKE_OK)
        return s;
    s.count = out.count;
    s.threshold = out.threshold;
    memcpy(s.scores, out.scores, out.count * sizeof *out.scores);
    experiment_outcome_close(&out);
    return s;
}

static int open_with(Experiment *x, const Clip *model, const Dataset *set, const int *layers, size_t layer_count,
                     const ExperimentSettings *settings, Error *e)
{
    LakeOptions options;

    set_options(&options, layers, layer_count);
    return experiment_open(x, model, &options, settings, set, &source, e);
}

/* The scores of an experiment of its own, without settings unless they are given. */
static Scores score_anew(const Clip *model, const Dataset *set, const int *layers, size_t layer_count,
                         const ExperimentSettings *settings, const size_t *chosen, size_t shot_count, Error *e)
{
    Experiment x;
    Scores s;
    int code = open_with(&x, model, set, layers, layer_count, settings, e);

    if (code == LAKE_OK)
        s = score(&x, layers, layer_count, chosen, shot_count, e);
    else
        memset(&s, 0, sizeof s);
    s.code = code != LAKE_OK ? code : s.code;
    experiment_close(&x);
    return s;
}

static int same(const Scores *a, const Scores *b)
{
    return a->code == LAKE_OK && b->code == LAKE_OK && a->count == b->count && a->normals == b->normals &&
           a->threshold == b->threshold && memcmp(a->scores, b->scores, sizeof a->scores) == 0;
}

/* ---- tests ---- */

/* All blocks observed at once give any choice of them what an experiment on that choice gives. */
static void test_blocks(const Clip *model, const Dataset *set)
{
    static const int choices[][2] = {{1, 2}, {2, 3}, {1, 3}, {2, 0}};
    ExperimentSettings settings = {0};
    Experiment x;
    Error e = {0, ""};

    settings.block_count = 3;
    settings.blocks[0] = 3;
    settings.blocks[1] = 2;
    settings.blocks[2] = 3;
    if (!check(open_with(&x, model, set, choices[2], 1, &settings, &e) == LAKE_OK, "further blocks", "%s", e.text))
        return;
    check(x.eye.options.layer_count == 3 && x.eye.options.layers[0] == 1 && x.eye.options.layers[2] == 3,
          "blocks are joined in order", "%d", (int)x.eye.options.layer_count);
    for (size_t c = 0; c < sizeof choices / sizeof *choices; c++) {
        size_t count = choices[c][1] == 0 ? 1 : 2;
        Scores one = score(&x, choices[c], count, shots, 3, &e);
        Scores other = score_anew(model, set, choices[c], count, NULL, shots, 3, &e);
        check(same(&one, &other), "any of the blocks observed", "%d %d: %g, not %g; %s", choices[c][0], choices[c][1],
              one.scores[0], other.scores[0], e.text);
    }
    experiment_close(&x);
    check(open_with(&x, model, set, choices[0], 1, NULL, &e) == LAKE_OK &&
              score(&x, choices[1], 2, shots, 3, &e).code == LAKE_USAGE,
          "a block that was not observed is refused", "%s", e.text);
    experiment_close(&x);
    settings.blocks[1] = 4;
    check(open_with(&x, model, set, choices[0], 1, &settings, &e) == LAKE_USAGE, "a block that is not there is refused",
          "%s", e.text);
    experiment_close(&x);
}

/* A byte of every file in the folder becomes another, or every file loses its last one. */
static size_t damage_files(int cut)
{
    char **names;
    size_t count = 0;

    if (folder_list(&names, &count, CACHE, NULL) != LAKE_OK)
        return 0;
    for (size_t i = 0; i < count; i++) {
        char *path = path_join(CACHE, names[i]);
        unsigned char *bytes;
        size_t size;
        if (file_read(&bytes, &size, path, 1 << 24, NULL) == LAKE_OK) {
            bytes[size - 9] ^= 4;
            file_save(path, bytes, size - (size_t)cut, NULL);
            free(bytes);
        }
        free(path);
    }
    folder_free(names, count);
    return count;
}

static void empty_folder(void)
{
    char **names;
    size_t count;

    if (folder_list(&names, &count, CACHE, NULL) != LAKE_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        char *path = path_join(CACHE, names[i]);
        remove(path);
        free(path);
    }
    folder_free(names, count);
}

/* A run over files on blocks `first` and 3, and how many pictures it has to look at. */
static void test_run(const Clip *model, const Dataset *set, int first, const Scores *expected, const char *name,
                     int readings)
{
    const int layers[] = {first, 3};
    ExperimentSettings settings = {0};
    Error e = {0, ""};
    Scores s;

    settings.cache = CACHE;
    pictures_read = 0;
    s = score_anew(model, set, layers, 2, &settings, shots, 3, &e);
    check(same(&s, expected), "observations in files change nothing", "%s: %g, not %g; %s", name, s.scores[0],
          expected->scores[0], e.text);
    check(pictures_read == readings, name, "%d pictures read, not %d", pictures_read, readings);
}

static void test_files(const Clip *model, const Dataset *set)
{
    const int layers[] = {1, 3}, others[] = {2, 3};
    Error e = {0, ""};
    Scores expected = score_anew(model, set, layers, 2, NULL, shots, 3, &e);
    Scores other = score_anew(model, set, others, 2, NULL, shots, 3, &e), another;

    empty_folder();
    test_run(model, set, 1, &expected, "the first run observes", 8);
    test_run(model, set, 1, &expected, "the second finds all", 0);
    kernel_set_threads(3);
    test_run(model, set, 1, &expected, "three threads", 0);
    kernel_set_threads(0);
    check(damage_files(0) == 8, "a file for each picture", "not 8");
    test_run(model, set, 1, &expected, "damaged files are made anew", 8);
    damage_files(1);
    test_run(model, set, 1, &expected, "and cut ones", 8);
    revision++;
    test_run(model, set, 1, &expected, "and those of pictures that changed", 8);
    test_run(model, set, 2, &other, "other blocks are other files", 8);
    upright = 1;
    test_run(model, set, 1, &expected, "and so are pictures that are turned", 8);
    upright = 0;
    plain = 1;
    another = score_anew(model, set, layers, 2, NULL, shots, 3, &e);
    test_run(model, set, 1, &another, "and another text branch", 8);
    plain = 0;
    test_run(model, set, 1, &expected, "which leave the first alone", 0);
}

/* A file that is taken away while it is needed ends the experiment with a message. */
static void test_lost_file(const Clip *model, const Dataset *set)
{
    const int layers[] = {1, 3};
    ExperimentSettings settings = {0};
    Experiment x;
    ExperimentView view;
    Error e = {0, ""};
    Scores s;

    settings.cache = CACHE;
    if (!check(open_with(&x, model, set, layers, 2, &settings, &e) == LAKE_OK, "with files", "%s", e.text))
        return;
    check(experiment_view(&view, &x, &x.test[0], layers, 2, &e) == LAKE_USAGE, "what was not observed cannot be seen",
          "%s", e.text);
    s = score(&x, layers, 2, shots, 3, &e);
    check(s.code == LAKE_OK, "with files, once more", "%s", e.text);
    empty_folder();
    s = score(&x, layers, 2, shots, 3, &e);
    check(s.code == LAKE_BAD_INPUT && strstr(e.text, ".tokens") != NULL, "a lost file is named", "%d %s", s.code,
          e.text);
    experiment_close(&x);
}

static void test_unreadable(const Clip *model, const Dataset *set)
{
    const int layers[] = {1, 3};
    const size_t readable[] = {0, 1};
    ExperimentSettings settings = {0};
    ExperimentOutcome out;
    EvalPixelScores pixels;
    Experiment x;
    Error e = {0, ""};
    Scores without = score_anew(model, set, layers, 2, NULL, readable, 2, &e), s;

    broken = 1;
    s = score_anew(model, set, layers, 2, NULL, shots, 3, &e);
    check(s.code == LAKE_BAD_INPUT, "an unreadable picture ends an experiment", "%d", s.code);
    settings.skip_unreadable = 1;
    if (check(open_with(&x, model, set, layers, 2, &settings, &e) == LAKE_OK, "passing over", "%s", e.text)) {
        s = score(&x, layers, 2, shots, 3, &e);
        check(s.code == LAKE_OK && s.normals == 2 && s.count == 4 && s.threshold == without.threshold &&
                  s.scores[0] == without.scores[0] && s.scores[3] == without.scores[4],
              "unreadable pictures are left out", "%d: %d normals, %d measured; %s", s.code, (int)s.normals,
              (int)s.count, e.text);
        check(experiment_failure_count(&x) == 2, "they are counted", "%d", (int)experiment_failure_count(&x));
        check(experiment_zero(&out, &x, 0.5, &e) == LAKE_OK && out.count == 4 &&
                  experiment_pixels(&pixels, &x, &out, &e) == LAKE_OK && pixels.images == 2,
              "a picture with an unreadable mask has no say on pixels", "%d; %s", (int)pixels.images, e.text);
        experiment_outcome_close(&out);
        check(experiment_failure_count(&x) == 3 && strcmp(experiment_failure(&x, 0).path, rug_paths[2]) == 0 &&
                  strcmp(experiment_failure(&x, 1).path, rug_paths[10]) == 0 &&
                  strcmp(experiment_failure(&x, 2).path, rug_paths[5]) == 0 &&
                  strstr(experiment_failure(&x, 2).message, "5.png: is broken") != NULL,
              "failures are named in order", "%s, %s, %s", experiment_failure(&x, 0).path,
              experiment_failure(&x, 1).path, experiment_failure(&x, 2).path);
    }
    experiment_close(&x);
    broken = 2;
    s = score_anew(model, set, layers, 2, &settings, shots, 3, &e);
    check(s.code == LAKE_BAD_INPUT && strstr(e.text, "none of the 3") != NULL, "no normal picture is left", "%s",
          e.text);
    broken = 3;
    s = score_anew(model, set, layers, 2, &settings, shots, 3, &e);
    check(s.code == LAKE_RESOURCE, "lack of memory is not passed over", "%d", s.code);
    broken = 4;
    s = score_anew(model, set, layers, 2, &settings, shots, 3, &e);
    check(s.code == LAKE_OK && s.count == 4, "a picture smaller than a patch is", "%d %d; %s", s.code,
          (int)s.count, e.text);
    broken = 0;
}

static void test_pixel_side(const Clip *model, const Dataset *set)
{
    const int layers[] = {1, 3};
    ExperimentSettings settings = {0};
    ExperimentOutcome out;
    Experiment x;
    unsigned char *mask = NULL;
    float *map = NULL, *expected = NULL;
    size_t height = 0, width = 0, on = 0;
    Error e = {0, ""};

    settings.pixel_side = 24;
    if (!check(open_with(&x, model, set, layers, 2, &settings, &e) == LAKE_OK &&
                   experiment_zero(&out, &x, 0.5, &e) == LAKE_OK,
               "maps of one size", "%s", e.text))
        return;
    experiment_pixel_size(&height, &width, &x, out.images[0]);
    check(height == 24 && width == 24 && experiment_map(&map, &x, &out, 0, &e) == LAKE_OK &&
              map_of_grid(&expected, 24, 24, out.maps, 4, 4, &e) == LAKE_OK &&
              memcmp(map, expected, 24 * 24 * sizeof *map) == 0,
          "a map of the size asked for", "%d x %d; %s", (int)height, (int)width, e.text);
    check(experiment_mask(&mask, &x, out.images[0], &e) == LAKE_OK && mask != NULL, "its mask", "%s", e.text);
    for (size_t i = 0; mask != NULL && i < 24 * 24; i++)
        on += mask[i] == in_blot(6, (int)(i % 24), (int)(i / 24));
    check(on == 24 * 24, "is asked for in that size", "%d of %d", (int)on, 24 * 24);
    free(map);
    free(expected);
    free(mask);
    experiment_outcome_close(&out);
    experiment_close(&x);
}

/* Files of observations on their own: every part comes back, and what does not fit is not taken. */
static void test_token_file(void)
{
    const size_t widths[] = {3, 5};
    size_t height = 0, width = 0, wrong = 0;
    LakeTokens tokens, other, back;
    FileView file;
    Error e = {0, ""};
    const char *path = FOLDER "/one.tokens";

    if (!check(lake_tokens_open(&tokens, 2, 3, 2, widths, 4, 1, &e) == LAKE_OK &&
                   lake_tokens_open(&other, 2, 3, 2, widths, 4, 0, &e) == LAKE_OK,
               "tokens", "%s", e.text))
        return;
    for (size_t i = 0; i < 30; i++) {
        tokens.layers[0][i % 18] = (float)i + 0.5f;
        tokens.layers[1][i] = (float)i - 7;
        tokens.patches[i % 24] = 1 / (float)(i + 1);
        tokens.embedding[i % 4] = -(float)i;
    }
    check(token_file_write(path, 77, 40, 48, &tokens, &e) == LAKE_OK, "a file of tokens", "%s", e.text);
    check(token_file_check(&height, &width, path, 77, &tokens) && height == 40 && width == 48, "is found", "%d x %d",
          (int)height, (int)width);
    check(!token_file_check(&height, &width, path, 78, &tokens), "not for another key", "found");
    check(!token_file_check(&height, &width, path, 77, &other), "not for another shape", "found");
    check(!token_file_check(&height, &width, FOLDER "/none.tokens", 77, &tokens), "not where none is", "found");
    if (check(token_file_map(&back, &file, path, 77, &tokens, &e) == LAKE_OK, "is mapped", "%s", e.text)) {
        wrong += memcmp(back.layers[0], tokens.layers[0], 18 * sizeof(float)) != 0;
        wrong += memcmp(back.layers[1], tokens.layers[1], 30 * sizeof(float)) != 0;
        wrong += memcmp(back.patches, tokens.patches, 24 * sizeof(float)) != 0;
        wrong += memcmp(back.embedding, tokens.embedding, 4 * sizeof(float)) != 0;
        check(wrong == 0, "with every part", "%d differ", (int)wrong);
        file_unmap(&file);
    }
    check(token_file_map(&back, &file, path, 78, &tokens, &e) == LAKE_BAD_INPUT, "another file is refused", "%s",
          e.text);
    lake_tokens_close(&tokens);
    lake_tokens_close(&other);
}

int main(void)
{
    Clip model;
    Dataset set;
    Error e = {0, ""};

    if (!check(open_rug(&model, &set, "settings.clip", &e) == LAKE_OK, "model and pictures", "%s", e.text))
        return 0;
    test_token_file();
    test_blocks(&model, &set);
    test_files(&model, &set);
    test_lost_file(&model, &set);
    test_unreadable(&model, &set);
    test_pixel_side(&model, &set);
    dataset_free(&set);
    clip_close(&model);
    return 0;
}
