/* What a run consists of, where its parts lie, and whether parts belong together; see run.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/record.h"
#include "eval/run.h"

/* ---- units ---- */

/* How many draws of so many shots a category has room for, at most plan->seeds. */
static size_t draws_of(const RunPlan *plan, const Dataset *category, size_t shots)
{
    size_t there = category->train_count, draws = plan->seeds;

    if (shots == 0)
        return 1; /* nothing is drawn */
    if (shots == DATASET_ALL_SHOTS)
        return there > 0;
    if (plan->draw == DATASET_SLICE && draws > there / shots)
        draws = there / shots;
    return there >= shots ? draws : 0;
}

static void note_missing(const RunPlan *plan, const Dataset *category, size_t shots, size_t draws)
{
    size_t wanted = shots == 0 || shots == DATASET_ALL_SHOTS ? 1 : plan->seeds;
    char text[256], name[81];

    if (draws == wanted || plan->note == NULL)
        return;
    run_category_name(name, sizeof name, plan, category);
    snprintf(text, sizeof text, "%s: %llu normal pictures are too few for %llu draw(s) of %s%.0llu: %llu left out",
             name, (unsigned long long)category->train_count, (unsigned long long)wanted,
             shots == DATASET_ALL_SHOTS ? "all" : "", shots == DATASET_ALL_SHOTS ? 0 : (unsigned long long)shots,
             (unsigned long long)(wanted - draws));
    plan->note(plan->context, text);
}

int run_units(RunUnit **units, size_t *count, const RunPlan *plan, Error *e)
{
    size_t most = plan->data->count * plan->shot_count * plan->seeds;

    *count = 0;
    *units = malloc((most + 1) * sizeof **units);
    if (*units == NULL)
        return error_memory(e, "the list of what is to be done");
    for (size_t c = 0; c < plan->data->count; c++)
        for (size_t s = 0; s < plan->shot_count; s++) {
            size_t draws = draws_of(plan, &plan->data->categories[c], plan->shots[s]);
            note_missing(plan, &plan->data->categories[c], plan->shots[s], draws);
            for (size_t seed = 0; seed < draws; seed++)
                (*units)[(*count)++] = (RunUnit){c, plan->shots[s], seed};
        }
    if (*count > 0)
        return LAKE_OK;
    free(*units);
    *units = NULL;
    return error_set(e, LAKE_BAD_INPUT, "%s: no category has enough normal pictures for the draws that were asked for",
                     plan->root);
}

void run_share(size_t *first, size_t *some, size_t count, size_t share, size_t shares)
{
    size_t whole = count / shares, rest = count % shares, before = share - 1;

    *first = before * whole + (before < rest ? before : rest);
    *some = whole + (before < rest);
}

void run_category_name(char *name, size_t room, const RunPlan *plan, const Dataset *category)
{
    const char *end = plan->root + strlen(plan->root), *base, *dot;

    if (category->category[0] != '\0') {
        snprintf(name, room, "%.*s", (int)room - 1, category->category);
        return;
    }
    while (end > plan->root + 1 && (end[-1] == '/' || end[-1] == '.'))
        end--;
    for (base = end; base > plan->root && base[-1] != '/';)
        base--;
    for (dot = end; dot > base + 1 && *dot != '.';)
        dot--;
    snprintf(name, room, "%.*s", (int)((dot > base + 1 ? dot : end) - base), base);
}

void run_class_name(char *name, size_t room, const RunPlan *plan, const Dataset *category)
{
    const char *given = plan->options.class_name, *own = category->category[0] != '\0' ? category->category : "object";

    snprintf(name, room, "%.*s", (int)room - 1, !plan->with_texts ? "" : given[0] != '\0' ? given : own);
    for (char *c = name; given[0] == '\0' && *c != '\0'; c++)
        if (*c == '_')
            *c = ' ';
}

/* ---- where the parts lie ---- */

char *run_unit_folder(const RunPlan *plan, const RunUnit *unit)
{
    char name[160], category[81], shots[32];

    run_category_name(category, sizeof category, plan, &plan->data->categories[unit->category]);
    if (unit->shots == DATASET_ALL_SHOTS)
        snprintf(shots, sizeof shots, "all");
    else
        snprintf(shots, sizeof shots, "%04llu", (unsigned long long)unit->shots);
    snprintf(name, sizeof name, "%03llu-%s-shots%s-seed%02llu", (unsigned long long)unit->category + 1, category, shots,
             (unsigned long long)unit->seed);
    for (char *c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-'))
            *c = '_';
    return path_join(plan->parts, name);
}

int run_is_finished(const RunPlan *plan, const RunUnit *unit)
{
    char *folder = run_unit_folder(plan, unit), *rows = folder != NULL ? path_join(folder, "rows.csv") : NULL;
    int finished = rows != NULL && path_kind(rows) == PATH_FILE;

    free(rows);
    free(folder);
    return finished;
}

/* ---- settings ---- */

enum { SETTINGS_MAX = 40, SETTING_ROOM = 4096 };

typedef struct {
    const char *keys[SETTINGS_MAX];
    const char *values[SETTINGS_MAX];
    char texts[SETTINGS_MAX][SETTING_ROOM]; /* what the values point to */
    size_t count;
} Settings;

static char *add_setting(Settings *s, const char *key)
{
    s->keys[s->count] = key;
    s->values[s->count] = s->texts[s->count];
    return s->texts[s->count++];
}

static void add_text(Settings *s, const char *key, const char *value)
{
    snprintf(add_setting(s, key), SETTING_ROOM, "%.*s", SETTING_ROOM - 1, value);
}

static void add_number(Settings *s, const char *key, double value)
{
    snprintf(add_setting(s, key), SETTING_ROOM, "%.9g", value);
}

/* Adds a word to a list of words. */
static void append(char *list, const char *word)
{
    size_t used = strlen(list);

    snprintf(list + used, SETTING_ROOM - used, "%s%s", used > 0 ? " " : "", word);
}

static void add_model(Settings *s, const RunPlan *plan)
{
    const ClipConfig *config = &plan->model->config;

    add_text(s, "weights", plan->weights);
    snprintf(add_setting(s, "fingerprint"), SETTING_ROOM, "%016llx",
             (unsigned long long)wts_fingerprint(plan->model->file));
    snprintf(add_setting(s, "model"), SETTING_ROOM, "ViT of %d blocks of width %d, patches of %d pixels%s",
             (int)config->vision.layers, (int)config->vision.width, (int)config->patch,
             config->has_text ? ", with texts" : "");
}

/* As --threshold has it: auto, a number, fpr=Q. */
static void add_threshold(Settings *s, const LakeDecision *decision)
{
    char *text = add_setting(s, "threshold");

    if (decision->threshold == LAKE_THRESHOLD_AUTO)
        snprintf(text, SETTING_ROOM, "auto");
    else
        snprintf(text, SETTING_ROOM, "%s%.9g", decision->threshold == LAKE_THRESHOLD_FPR ? "fpr=" : "",
                 decision->threshold_value);
}

static void add_options(Settings *s, const LakeOptions *o)
{
    char *layers;

    add_number(s, "resolution", (double)o->resolution);
    layers = add_setting(s, "layers");
    layers[0] = '\0';
    for (size_t l = 0; l < o->layer_count; l++) {
        char block[16];
        snprintf(block, sizeof block, "%d", o->layers[l]);
        append(layers, block);
    }
    add_number(s, "neurons", (double)o->neurons);
    add_text(s, "select", lake_selection_name(o->selection));
    add_text(s, "normalise", lake_normalisation_name(o->normalisation));
    add_text(s, "distance", lake_distance_name(o->distance));
    add_number(s, "coreset", o->coreset);
    add_number(s, "trim", o->trim);
    add_number(s, "lambda", o->decision.lambda);
    add_text(s, "pooling", lake_pooling_name(o->decision.pooling));
    add_threshold(s, &o->decision);
    add_text(s, "positions", lake_grid_resize_name(o->grid_resize));
    add_text(s, "patch attention", lake_attention_name(o->patch_attention));
    add_number(s, "semantic block", o->semantic_block);
    add_text(s, "prompts", o->prompts != NULL ? o->prompts : "");
    add_number(s, "seed", (double)o->seed);
}

static void add_work(Settings *s, const RunPlan *plan)
{
    char *list = add_setting(s, "methods");

    list[0] = '\0';
    for (size_t m = 0; m < plan->method_count; m++)
        append(list, plan->methods[m]->name);
    list = add_setting(s, "shots");
    list[0] = '\0';
    for (size_t i = 0; i < plan->shot_count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%llu", (unsigned long long)plan->shots[i]);
        append(list, plan->shots[i] == DATASET_ALL_SHOTS ? "all" : number);
    }
    add_number(s, "seeds", (double)plan->seeds);
    add_text(s, "draw", plan->draw == DATASET_SLICE ? "slice" : "random");
    list = add_setting(s, "sweep");
    list[0] = '\0';
    for (size_t v = 0; v < plan->sweep.count; v++) {
        char word[SWEEP_TEXT_MAX + 24];
        snprintf(word, sizeof word, "%s=%s", sweep_axis_name(plan->sweep.values[v].axis), plan->sweep.values[v].text);
        append(list, word);
    }
    if (!plan->pixels)
        add_text(s, "pixels", "none");
    else if (plan->pixel_side == 0)
        add_text(s, "pixels", "original");
    else
        add_number(s, "pixels", (double)plan->pixel_side);
    add_text(s, "pro", plan->pro_200 ? "200" : "exact");
}

/* The number of pictures, so that a data set that grew meanwhile is noticed. */
static void add_data(Settings *s, const RunPlan *plan)
{
    size_t train = 0, test = 0;
    char *list, name[256];

    add_text(s, "dataset", plan->name);
    add_text(s, "layout", plan->layout);
    add_text(s, "root", plan->root);
    list = add_setting(s, "categories");
    list[0] = '\0';
    for (size_t c = 0; c < plan->data->count; c++) {
        run_category_name(name, sizeof name, plan, &plan->data->categories[c]);
        append(list, name);
        train += plan->data->categories[c].train_count;
        test += plan->data->categories[c].test_count;
    }
    add_number(s, "normal pictures", (double)train);
    add_number(s, "test pictures", (double)test);
    add_text(s, "texts",
             !plan->with_texts                     ? "none"
             : plan->options.class_name[0] != '\0' ? plan->options.class_name
                                                   : "category");
}

static void list_settings(Settings *s, const RunPlan *plan)
{
    s->count = 0;
    add_text(s, "program", "lake " LAKE_VERSION);
    add_data(s, plan);
    add_model(s, plan);
    add_options(s, &plan->options);
    add_work(s, plan);
}

/* What may differ between the parts of one run: where the weights lie; their fingerprint tells them apart. */
static int is_free(const char *key)
{
    return strcmp(key, "weights") == 0;
}

static int compare_settings(const Settings *s, const Csv *old, const RunPlan *plan, const char *path, Error *e)
{
    if (old->columns != 2 || old->rows != s->count)
        return error_set(e, LAKE_USAGE,
                         "%s: the settings of another version of this program; give another -o or remove the "
                         "folder",
                         path);
    for (size_t i = 0; i < s->count; i++) {
        const char *key = csv_field(old, i, 0), *value = csv_field(old, i, 1);
        if (strcmp(key, s->keys[i]) != 0)
            return error_set(e, LAKE_USAGE,
                             "%s: the settings of another version of this program; give another -o or remove "
                             "the folder",
                             path);
        if (!is_free(key) && strcmp(value, s->values[i]) != 0)
            return error_set(e, LAKE_USAGE,
                             "%s holds parts of a run with %s '%.80s', and this one has '%.80s': give the same "
                             "options, another -o, or remove the folder",
                             plan->parts, key, value, s->values[i]);
    }
    return LAKE_OK;
}

static int compare_or_write(const Settings *s, const RunPlan *plan, const char *path, Error *e)
{
    Csv old;
    int code;

    if (path_kind(path) == PATH_MISSING)
        return record_write_settings(s->keys, s->values, s->count, path, e);
    code = csv_read(&old, path, e);
    if (code != LAKE_OK)
        return code;
    code = compare_settings(s, &old, plan, path, e);
    csv_free(&old);
    return code;
}

int run_begin(const RunPlan *plan, Error *e)
{
    char *path = path_join(plan->parts, "settings.csv");
    Settings *settings = malloc(sizeof *settings);
    int code = path != NULL && settings != NULL ? folder_create(plan->parts, e) : error_memory(e, "the settings");

    if (code == LAKE_OK) {
        list_settings(settings, plan);
        code = compare_or_write(settings, plan, path, e);
    }
    free(settings);
    free(path);
    return code;
}
