/* Where in a photo single neurons deviate; see neurons.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/model.h"
#include "cli/neurons.h"
#include "cli/results.h"
#include "cli/terminal.h"
#include "image/draw.h"
#include "method/map.h"

/* What a map is drawn of. */
typedef struct {
    size_t layer, index; /* into the detector's layers, and into that layer's channels */
    double share;        /* of the worst patch's deviation */
} Chosen;

typedef struct {
    const LakeDetector *detector;
    const char *path; /* of the detector */
    const NeuronMaps *maps;
    Image photo;
    LakeResult result;
    Chosen *chosen; /* [count] */
    size_t count;
    float *grid;   /* [P] a neuron's map */
    float largest; /* part of a chosen neuron in a patch */
} Work;

/* ---- the photo ---- */

static int score(Work *w, const Clip *model, Error *e)
{
    const int see = LAKE_SEE_STRUCTURE | (lake_lambda(w->detector) > 0 ? LAKE_SEE_MEANING : 0);
    LakeObserver eye;
    LakeTokens tokens;
    int code = lake_observer_open(&eye, model, &w->detector->options, see, e);

    if (code != LAKE_OK)
        return code;
    code = lake_observer_tokens(&eye, &tokens, e);
    if (code == LAKE_OK) {
        code = lake_observe(&eye, &w->photo, &tokens, e);
        if (code == LAKE_OK)
            code = lake_score(w->detector, &tokens, &w->result, e);
        lake_tokens_close(&tokens);
    }
    lake_observer_close(&eye);
    return code;
}

/* Reads the photo and scores it; both are the caller's to free where it went well. */
static int see(Work *w, Error *e)
{
    PhotoOptions photos = w->maps->photos;
    Clip model;
    int code = model_open(&model, "neurons", w->maps->weights, w->detector, e);

    if (code != LAKE_OK)
        return code;
    photos.exif |= w->detector->options.upright;
    code = lake_check_model(w->detector, w->path, &model, e);
    if (code == LAKE_OK)
        code = read_photo(&w->photo, w->maps->image, &photos, model.config.patch, e);
    if (code == LAKE_OK) {
        code = lake_result_open(&w->result, w->detector, e);
        if (code == LAKE_OK) {
            code = score(w, &model, e);
            if (code != LAKE_OK)
                lake_result_close(&w->result);
        }
        if (code != LAKE_OK)
            img_free(&w->photo);
    }
    clip_close(&model);
    return code;
}

/* ---- which neurons ---- */

/* 0 where the detector has not chosen this one. */
static int find_neuron(Chosen *c, const LakeDetector *d, unsigned long block, unsigned long channel)
{
    for (c->layer = 0; c->layer < d->layer_count; c->layer++)
        for (c->index = 0; c->index < d->layers[c->layer].count; c->index++)
            if ((unsigned long)d->layers[c->layer].block == block && d->layers[c->layer].channels[c->index] == channel)
                return 1;
    return 0;
}

/* The next number of *text, which moves behind it; 0 where there is none. */
static int next_number(unsigned long *number, const char **text)
{
    char *end;

    if (**text < '0' || **text > '9')
        return 0;
    errno = 0;
    *number = strtoul(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* Adds the neurons of "3:41,6:80"; there is room for one for each two characters. */
static int add_named(Work *w, const char *text, Error *e)
{
    const char *rest = text;

    for (;;) {
        unsigned long block, channel;
        int found = next_number(&block, &rest) && *rest++ == ':' && next_number(&channel, &rest);
        if (!found || (*rest != ',' && *rest != '\0'))
            return error_set(e, LAKE_USAGE, "--neuron: expected BLOCK:CHANNEL,... as 3:41,6:80, found \"%s\"", text);
        if (!find_neuron(&w->chosen[w->count++], w->detector, block, channel))
            return error_set(e, LAKE_USAGE,
                             "--neuron: %s has no neuron %lu in block %lu; lake neurons %s --csv lists them", w->path,
                             channel, block, w->path);
        if (*rest++ == '\0')
            return LAKE_OK;
    }
}

/* The shares of all neurons in the patch with the largest score; the largest are chosen where none are named. */
static int choose(Work *w, Error *e)
{
    const LakeDetector *d = w->detector;
    const size_t patch = w->result.row * w->result.width + w->result.column;
    size_t all = 0, room;
    LakeShare *shares;
    int code = LAKE_OK;

    for (size_t l = 0; l < d->layer_count; l++)
        all += d->layers[l].count;
    room = w->maps->named != NULL ? strlen(w->maps->named) + 1 : w->maps->top < all ? w->maps->top : all;
    shares = calloc(all + 1, sizeof *shares);
    w->chosen = calloc(room + 1, sizeof *w->chosen);
    if (shares == NULL || w->chosen == NULL) {
        free(shares);
        return error_memory(e, "the shares of the neurons");
    }
    lake_attribute(d, &w->result, patch, shares, all);
    if (w->maps->named != NULL)
        code = add_named(w, w->maps->named, e);
    else
        for (; w->count < room; w->count++)
            find_neuron(&w->chosen[w->count], d, (unsigned long)shares[w->count].block, shares[w->count].channel);
    for (size_t i = 0; i < w->count && code == LAKE_OK; i++)
        for (size_t s = 0; s < all; s++)
            if (shares[s].block == d->layers[w->chosen[i].layer].block &&
                shares[s].channel == d->layers[w->chosen[i].layer].channels[w->chosen[i].index])
                w->chosen[i].share = shares[s].share;
    free(shares);
    return code;
}

/* ---- maps ---- */

static float largest_of(const float *map, size_t count)
{
    float largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = map[i] > largest ? map[i] : largest;
    return largest;
}

static float grid_of(Work *w, const Chosen *c)
{
    lake_neuron_map(w->detector, &w->result, c->layer, c->index, w->grid);
    return largest_of(w->grid, w->result.height * w->result.width);
}

static void print_line(const Work *w, const Chosen *c, float largest, const char *label)
{
    const LakeLayer *layer = &w->detector->layers[c->layer];
    const unsigned long channel = layer->channels[c->index];

    if (w->maps->csv) {
        print_csv_field(stdout, w->maps->image);
        printf(",%d,%lu,%.6g,%.6g,", layer->block, channel, c->share, largest);
        print_csv_field(stdout, label);
        printf("\n");
    } else if (w->maps->jsonl) {
        printf("{\"image\": ");
        print_json_string(stdout, w->maps->image);
        printf(", \"layer\": %d, \"channel\": %lu, \"share\": %.6g, \"largest\": %.6g, \"map\": ", layer->block,
               channel, c->share, largest);
        print_json_string(stdout, label);
        printf("}\n");
    } else {
        printf("block %d %s %lu: %.1f %% of the worst patch, largest part %.3g  %s\n", layer->block,
               layer->basis != NULL ? "component" : "channel", channel, 100 * c->share, largest, label);
    }
}

/* The neuron's map in w->grid, at the photo's size, into two files. */
static int write_grid(const Work *w, const char *label, Error *e)
{
    const size_t height = (size_t)w->photo.height, width = (size_t)w->photo.width;
    char *path = results_path(w->maps->folder, label, ".png");
    float *map = NULL;
    Image picture;
    int code = path != NULL ? map_of_grid(&map, height, width, w->grid, w->result.height, w->result.width, e)
                            : error_memory(e, "a path");

    if (code == LAKE_OK)
        code = results_write_map(w->maps->folder, label, map, height, width, e);
    if (code == LAKE_OK)
        code = draw_heatmap(&picture, map, w->photo.width, w->photo.height, 0, w->largest, e);
    if (code == LAKE_OK) {
        code = img_write(path, &picture, e);
        img_free(&picture);
    }
    free(map);
    free(path);
    return code;
}

/* "cut_block3_channel41" for a photo new/cut.png, in a new buffer; NULL where memory is out. */
static char *label_of(const Work *w, const Chosen *c, const char *photo)
{
    const LakeLayer *layer = &w->detector->layers[c->layer];
    const size_t room = strlen(photo) + 48;
    char *label = malloc(room);

    if (label != NULL)
        snprintf(label, room, "%s_block%d_%s%lu", photo, layer->block, layer->basis != NULL ? "component" : "channel",
                 (unsigned long)layer->channels[c->index]);
    return label;
}

static int write_all(Work *w, Error *e)
{
    Labels labels = {0, 0, NULL};
    const char *photo = labels_add(&labels, path_base(w->maps->image));
    int code = photo != NULL ? LAKE_OK : error_memory(e, "a file name");

    if (code == LAKE_OK && w->maps->csv)
        printf("image,layer,channel,share,largest,map\n");
    for (size_t i = 0; i < w->count; i++) {
        float largest = grid_of(w, &w->chosen[i]);
        w->largest = largest > w->largest ? largest : w->largest;
    }
    for (size_t i = 0; i < w->count && code == LAKE_OK; i++) {
        const float largest = grid_of(w, &w->chosen[i]);
        char *label = label_of(w, &w->chosen[i], photo);
        code = label != NULL ? write_grid(w, label, e) : error_memory(e, "a file name");
        if (code == LAKE_OK)
            print_line(w, &w->chosen[i], largest, label);
        free(label);
    }
    labels_free(&labels);
    return code;
}

int neurons_maps(const LakeDetector *detector, const char *path, const NeuronMaps *maps, Error *e)
{
    Work w;
    int code;

    if (detector->weights == NULL)
        return error_set(e, LAKE_USAGE, "%s was fitted on features: it has no photos to draw maps of", path);
    memset(&w, 0, sizeof w);
    w.detector = detector;
    w.path = path;
    w.maps = maps;
    code = see(&w, e);
    if (code != LAKE_OK)
        return code;
    w.grid = malloc(w.result.height * w.result.width * sizeof *w.grid);
    code = w.grid != NULL ? choose(&w, e) : error_memory(e, "a neuron's map");
    if (code == LAKE_OK)
        code = folder_create(maps->folder, e);
    if (code == LAKE_OK)
        code = write_all(&w, e);
    free(w.grid);
    free(w.chosen);
    lake_result_close(&w.result);
    img_free(&w.photo);
    return code;
}
