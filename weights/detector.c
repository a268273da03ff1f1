/* The .lake file: a fitted detector. DETECTOR.md describes every byte.
 *
 * One walk over the detector (walk_detector) describes the file; walk.h says how it measures, writes and reads. */
#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/file.h"
#include "lake.h"
#include "weights/walk.h"

/* Version 2 has one field more, `turning`. Where that says nothing, version 1 is written, which older programs read. */
enum { VERSION = 1, VERSION_TURNING = 2 };

enum { MAGIC_SIZE = 8, AT_VERSION = 8, AT_CRC = 12, AT_SIZE = 16, HEAD_SIZE = 24 };

#define MAX_WIDTH ((uint32_t)1 << 20)
#define MAX_SIDE ((uint32_t)1 << 15)

/* ---- the file, part by part ---- */

/* How the photos were turned before they were observed: upright by their EXIF orientation, or not at all. */
static void walk_turning(Walk *w, LakeOptions *o)
{
    if (o->upright)
        o->upright = walk_choice(w, o->upright, 1, "how photos are turned");
}

static void walk_options(Walk *w, LakeDetector *d)
{
    LakeOptions *o = &d->options;
    char *class_name = o->class_name;
    uint64_t neurons = o->neurons;

    o->normalisation =
        (LakeNormalisation)walk_choice(w, (int)o->normalisation, LAKE_NORMALISE_LN, "the token normalisation");
    o->selection = (LakeSelection)walk_choice(w, (int)o->selection, LAKE_SELECT_PCA, "the selection");
    walk_u64(w, &neurons, 1, SIZE_MAX, "the number of neurons");
    walk_u64(w, &o->seed, 0, UINT64_MAX, "the seed");
    o->distance = (LakeDistance)walk_choice(w, (int)o->distance, LAKE_DISTANCE_COSINE, "the distance");
    walk_f64(w, &o->coreset, "the coreset's share");
    walk_f64(w, &o->trim, "the trimmed share");
    o->patch_attention =
        (LakeAttention)walk_choice(w, (int)o->patch_attention, LAKE_ATTENTION_PLAIN, "the patch attention");
    o->semantic_block = walk_choice(w, o->semantic_block, 1 << 16, "the semantic block");
    walk_size(w, &o->resolution, 0, 1 << 16, "the resolution");
    o->grid_resize = (GridResize)walk_choice(w, (int)o->grid_resize, GRID_BILINEAR, "the resize of position embeddings");
    walk_f64(w, &o->decision.lambda, "lambda");
    o->decision.pooling = (LakePooling)walk_choice(w, (int)o->decision.pooling, LAKE_POOL_TOP1, "the pooling");
    o->decision.threshold =
        (LakeThreshold)walk_choice(w, (int)o->decision.threshold, LAKE_THRESHOLD_FPR, "the threshold's kind");
    walk_f64(w, &o->decision.threshold_value, "the threshold");
    if (w->reading)
        class_name = NULL;
    walk_text(w, &class_name, "the class name");
    walk_turning(w, o);
    if (!w->reading)
        return;
    o->neurons = (size_t)neurons;
    if (class_name != NULL && strlen(class_name) < sizeof o->class_name)
        strcpy(o->class_name, class_name);
    else if (class_name != NULL)
        walk_damaged(w, "the class name");
    free(class_name);
    if (!(o->coreset > 0 && o->coreset <= 1) || !(o->trim >= 0 && o->trim <= 0.5))
        walk_damaged(w, "the coreset's or the trimmed share");
}

static void walk_texts(Walk *w, LakeTexts *texts)
{
    double scale = texts->scale;

    walk_size(w, &texts->embed, 0, MAX_WIDTH, "the width of the texts");
    if (w->code != LAKE_OK || texts->embed == 0)
        return;
    walk_f64(w, &scale, "the texts' scale");
    texts->scale = double_to_float(scale);
    if (w->reading && w->code == LAKE_OK && !(texts->scale > 0 && texts->scale <= FLT_MAX))
        walk_damaged(w, "the texts' scale");
    walk_floats(w, &texts->normal, texts->embed, -2, 2, "the texts");
    walk_floats(w, &texts->anomalous, texts->embed, -2, 2, "the texts");
}

static void walk_normals(Walk *w, LakeDetector *d)
{
    size_t n = d->normal_count;

    walk_size(w, &n, 1, UINT32_MAX - 1, "the number of normal images");
    if (w->code != LAKE_OK)
        return;
    if (w->reading) {
        if (n > w->left / 4) { /* every name takes 4 bytes at least */
            walk_damaged(w, "the number of normal images");
            return;
        }
        d->names = calloc(n, sizeof *d->names);
        if (d->names == NULL) {
            w->code = error_memory(w->e, "the names of the normal images");
            return;
        }
        d->normal_count = n;
    }
    for (size_t i = 0; i < n; i++) {
        walk_text(w, &d->names[i], "the names of the normal images");
        if (w->reading && w->code == LAKE_OK && d->names[i] == NULL)
            walk_damaged(w, "the names of the normal images");
    }
}

static void walk_layer(Walk *w, LakeDetector *d, LakeLayer *layer)
{
    size_t patches = d->height * d->width, total = d->normal_count * patches, cells = 0;
    int pca = d->options.selection == LAKE_SELECT_PCA;

    layer->block = walk_choice(w, layer->block, 1 << 16, "the number of a block");
    walk_size(w, &layer->width, 1, MAX_WIDTH, "the width of a layer");
    walk_size(w, &layer->count, 1, (uint32_t)layer->width, "the number of selected channels");
    walk_indices(w, &layer->channels, layer->count, layer->width, "the selected channels");
    walk_u64(w, &layer->moments.count, 1, total, "the statistics of a layer");
    walk_doubles(w, &layer->moments.mean, layer->width, -FLT_MAX, FLT_MAX, "the statistics of a layer");
    walk_doubles(w, &layer->moments.m2, layer->width, 0, DBL_MAX, "the statistics of a layer");
    if (pca && w->code == LAKE_OK && !size_multiply(layer->count, layer->width, &cells))
        walk_damaged(w, "the principal axes");
    if (pca && w->code == LAKE_OK)
        walk_floats(w, &layer->basis, cells, -2, 2, "the principal axes");
    walk_size(w, &layer->rows, 1, (uint32_t)total, "the number of gallery rows");
    if (w->code == LAKE_OK && !size_multiply(layer->rows, layer->count, &cells))
        walk_damaged(w, "the gallery");
    if (w->code == LAKE_OK)
        walk_floats(w, &layer->gallery, cells, -FLT_MAX, FLT_MAX, "the gallery");
    walk_indices(w, &layer->source, layer->rows, total, "the sources of the gallery");
    walk_f64(w, &layer->delta, "the edge of normal");
    if (w->reading && w->code == LAKE_OK && !(layer->delta > 0))
        walk_damaged(w, "the edge of normal");
}

static void walk_dropped(Walk *w, LakeDetector *d, size_t total)
{
    walk_size(w, &d->dropped_count, 0, (uint32_t)(total - 1), "the number of dropped patches");
    if (w->code != LAKE_OK || d->dropped_count == 0)
        return;
    walk_indices(w, &d->dropped, d->dropped_count, total, "the dropped patches");
    for (size_t i = 1; w->reading && w->code == LAKE_OK && i < d->dropped_count; i++)
        if (d->dropped[i] <= d->dropped[i - 1])
            walk_damaged(w, "the dropped patches");
}

static void walk_kept(Walk *w, LakeDetector *d, size_t patches)
{
    int kept = walk_choice(w, d->kept != NULL, 1, "whether tokens were kept");
    size_t sum = 0, cells = 0;

    for (size_t l = 0; l < d->layer_count; l++)
        sum += d->layers[l].width; /* at most 64 * 2^20 */
    if (w->code != LAKE_OK || !kept)
        return;
    if (!size_multiply(patches, sum, &cells)) {
        walk_damaged(w, "the kept tokens");
        return;
    }
    d->options.keep_tokens = 1;
    if (w->reading && (d->kept = calloc(d->normal_count, sizeof *d->kept)) == NULL)
        w->code = error_memory(w->e, "the kept tokens");
    for (size_t i = 0; w->code == LAKE_OK && i < d->normal_count; i++)
        walk_floats(w, &d->kept[i], cells, -FLT_MAX, FLT_MAX, "the kept tokens");
}

static void walk_detector(Walk *w, LakeDetector *d)
{
    size_t patches, total = 0, layers = d->layer_count;

    walk_options(w, d);
    walk_text(w, &d->weights, "the path of the weights");
    walk_u64(w, &d->fingerprint, 0, UINT64_MAX, "the weights' fingerprint");
    walk_size(w, &d->height, 1, MAX_SIDE, "the grid");
    walk_size(w, &d->width, 1, MAX_SIDE, "the grid");
    walk_texts(w, &d->texts);
    walk_normals(w, d);
    walk_size(w, &layers, 1, LAKE_MAX_LAYERS, "the number of layers");
    if (w->code != LAKE_OK)
        return;
    patches = d->height * d->width; /* at most 2^30 */
    if (!size_multiply(d->normal_count, patches, &total) || total >= UINT32_MAX) {
        walk_damaged(w, "the number of normal patches");
        return;
    }
    d->layer_count = d->options.layer_count = layers;
    for (size_t l = 0; w->code == LAKE_OK && l < layers; l++) {
        walk_layer(w, d, &d->layers[l]);
        d->options.layers[l] = d->layers[l].block;
    }
    if (w->code == LAKE_OK)
        walk_dropped(w, d, total);
    walk_floats(w, &d->normal_structural, total, 0, 1, "the maps of the normal images");
    if (d->texts.embed > 0)
        walk_floats(w, &d->normal_semantic, total, 0, 1, "the maps of the normal images");
    if (w->code == LAKE_OK)
        walk_kept(w, d, patches);
    if (w->reading && w->code == LAKE_OK && w->left > 0)
        walk_damaged(w, "bytes behind the end");
}

/* ---- writing ---- */

int lake_detector_write(const LakeDetector *detector, const char *path, Error *e)
{
    LakeDetector copy = *detector; /* the walk needs to be able to write to it; when writing it does not */
    unsigned char head[HEAD_SIZE] = LAKE_DETECTOR_MAGIC;
    Walk w = {0, NULL, NULL, LAKE_OK, NULL, 0, NULL, 0, 0};
    FileOut out;
    int code;

    w.path = path;
    w.e = e;
    walk_detector(&w, &copy);
    put_u64le(head + AT_SIZE, HEAD_SIZE + w.size);
    put_u32le(head + AT_VERSION, detector->options.upright ? VERSION_TURNING : VERSION);
    put_u32le(head + AT_CRC, w.crc);
    if (w.code != LAKE_OK)
        return w.code;

    code = file_create(&out, path, e);
    if (code != LAKE_OK)
        return code;
    code = file_write(&out, head, sizeof head, e);
    if (code == LAKE_OK) {
        w.out = &out;
        walk_detector(&w, &copy);
        code = w.code;
    }
    if (code == LAKE_OK)
        return file_commit(&out, e);
    file_discard(&out);
    return code;
}

/* ---- reading ---- */

/* The message for a file that does not begin as a detector does. */
static int refuse_kind(const unsigned char *data, size_t size, const char *path, Error *e)
{
    enum { LETTERS = 5 }; /* the part of the magic that transfers leave alone */

    if (size >= LETTERS && memcmp(data, LAKE_DETECTOR_MAGIC, size < MAGIC_SIZE ? size : LETTERS) == 0)
        return error_set(e, LAKE_BAD_INPUT,
                         size < MAGIC_SIZE ? "%s: damaged detector: cut off in its first bytes; copy or fit it again"
                                           : "%s: a detector whose line ends were changed by a transfer in text mode; "
                                             "copy it in binary mode",
                         path);
    if (size >= LETTERS && memcmp(data, "\x89" "CLIP", LETTERS) == 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: not a detector, but weights: make one from photos with lake fit --weights %s", path, path);
    return error_set(e, LAKE_BAD_INPUT, "%s: not a detector (lake fit makes .lake files)", path);
}

static int check_head(const unsigned char *data, size_t size, const char *path, Error *e)
{
    if (size < MAGIC_SIZE || memcmp(data, LAKE_DETECTOR_MAGIC, MAGIC_SIZE) != 0)
        return refuse_kind(data, size, path, e);
    if (size < HEAD_SIZE)
        return error_set(e, LAKE_BAD_INPUT, "%s: damaged detector: cut off: %llu bytes, the head alone has %d; copy or fit "
                         "it again", path, (unsigned long long)size, (int)HEAD_SIZE);
    if (get_u32le(data + AT_VERSION) != VERSION && get_u32le(data + AT_VERSION) != VERSION_TURNING)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: a detector of version %lu; this program reads versions %d and %d: fit it again", path,
                         (unsigned long)get_u32le(data + AT_VERSION), (int)VERSION, (int)VERSION_TURNING);
    if (get_u64le(data + AT_SIZE) != size)
        return error_set(e, LAKE_BAD_INPUT, "%s: damaged detector: %llu bytes, its head says %llu; copy or fit it again",
                         path, (unsigned long long)size, (unsigned long long)get_u64le(data + AT_SIZE));
    if (get_u32le(data + AT_CRC) != crc32_update(0, data + HEAD_SIZE, size - HEAD_SIZE))
        return error_set(e, LAKE_BAD_INPUT, "%s: damaged detector: the checksum does not match; copy or fit it again",
                         path);
    return LAKE_OK;
}

/* What is not in the file: norms, codes, normal scores, outliers, threshold. */
static int derive(LakeDetector *d, const char *path, Error *e)
{
    LakeDecision decision = d->options.decision;
    Error inner;
    int code = tensor_begin(e);

    for (size_t l = 0; code == LAKE_OK && l < d->layer_count; l++) {
        code = lake_layer_norms(&d->layers[l], e);
        if (code == LAKE_OK)
            code = lake_layer_codes(&d->layers[l], e);
    }
    d->normal_scores = malloc(d->normal_count * sizeof *d->normal_scores);
    d->outlier = malloc(d->normal_count);
    if (code == LAKE_OK && (d->normal_scores == NULL || d->outlier == NULL))
        code = error_memory(e, "the scores of the normal images");
    if (code != LAKE_OK)
        return code;
    code = lake_decide(d, &decision, &inner);
    if (code == LAKE_USAGE)
        return error_set(e, LAKE_BAD_INPUT, "%s: damaged detector: %s", path, inner.text);
    return code == LAKE_OK ? code : error_set(e, code, "%s", inner.text);
}

int lake_detector_decode(LakeDetector *detector, const unsigned char *data, size_t size, const char *name, Error *e)
{
    Walk w = {1, NULL, NULL, LAKE_OK, NULL, 0, NULL, 0, 0};
    int code;

    memset(detector, 0, sizeof *detector);
    code = check_head(data, size, name, e);
    if (code != LAKE_OK)
        return code;
    w.path = name;
    w.e = e;
    w.at = data + HEAD_SIZE;
    w.left = size - HEAD_SIZE;
    detector->options.upright = get_u32le(data + AT_VERSION) == VERSION_TURNING; /* whether the field is there */
    walk_detector(&w, detector);
    code = w.code == LAKE_OK ? derive(detector, name, e) : w.code;
    if (code != LAKE_OK)
        lake_detector_close(detector);
    return code;
}

int lake_detector_read(LakeDetector *detector, const char *path, Error *e)
{
    FileView view;
    int code;

    memset(detector, 0, sizeof *detector);
    code = file_map(&view, path, e);
    if (code != LAKE_OK)
        return code;
    code = lake_detector_decode(detector, view.data, view.size, path, e);
    file_unmap(&view);
    return code;
}
