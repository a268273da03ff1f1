/* Checkpoint -> flat binary: deduce the configuration, list the tensors that follow from it, find each one's source and
 * check its shape, and only then write. Data are read and written in small pieces. */
#include "convert/convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "convert/checkpoint.h"
#include "convert/config.h"
#include "convert/known.h"
#include "convert/names.h"
#include "convert/recode.h"
#include "tokenizer.h"

enum {
    NUMBERS_AT_ONCE = 16384,
    RELEASE_BYTES = 1 << 25 /* after so many bytes of output the pages of the checkpoint are given back */
};

/* Where one tensor of the output comes from. */
typedef struct {
    const CkptTensor *from[3]; /* [count], their rows following each other */
    int count;               /* 0: zeros */
    int transposed;            /* from[0] is [columns, rows] */
    const CkptTensor *scale;   /* LayerScale: a number per row that the row is multiplied by; NULL: none */
} Part;

typedef struct {
    const ConvertOptions *options;
    ConvertProgress *progress;
    ConvertNote *note;
    void *context;
    Error *e;
    Checkpoint checkpoint;
    NameScheme scheme;
    ClipConfig config;
    long end_id;               /* of the end token, as a configuration file says, or -1 */
    unsigned char *tokenizer;  /* [tokenizer_size], the section of the output; NULL without a text tower */
    size_t tokenizer_size;
    WtsTensor *tensors;        /* [count] of the output */
    size_t count;
    Part *parts;               /* [count] */
    unsigned char *used;       /* [checkpoint.count] 1: the tensor of the checkpoint has a place */
    size_t total_bytes, done_bytes;
    size_t released_at;        /* done_bytes at the last ckpt_release */
    float values[NUMBERS_AT_ONCE];
    float *scale;              /* [rows] of the tensor that is written; room for any, NULL where no tensor has one */
} Conversion;

void convert_defaults(ConvertOptions *options)
{
    memset(options, 0, sizeof *options);
    options->type = WTS_F32;
    options->activation = -1;
    options->mean[0] = NAN;
}

static int check_options(const ConvertOptions *o, Error *e)
{
    int i;

    if (o->checkpoint == NULL || o->output == NULL)
        return error_set(e, LAKE_USAGE, "convert needs a checkpoint and the name of the output");
    if (strcmp(o->checkpoint, o->output) == 0)
        return error_set(e, LAKE_USAGE, "%s: the output would replace the checkpoint: give another name", o->output);
    if (o->type != WTS_F32 && o->type != WTS_F16 && o->type != WTS_BF16 && o->type != WTS_Q8)
        return error_set(e, LAKE_USAGE, "unknown type %d of the output, expected f32, f16, bf16 or q8", (int)o->type);
    if (o->activation != -1 && o->activation != ACT_QUICK_GELU && o->activation != ACT_GELU)
        return error_set(e, LAKE_USAGE, "unknown activation %d, expected quick_gelu or gelu", o->activation);
    if (!(o->eps >= 0 && o->eps < 1))
        return error_set(e, LAKE_USAGE, "eps is %g, expected between 0 and 1", (double)o->eps);
    if (o->heads < 0 || o->text_heads < 0)
        return error_set(e, LAKE_USAGE, "the number of heads is negative");
    for (i = 0; i < 3 && o->std[0] != 0; i++)
        if (!(o->std[i] > 0))
            return error_set(e, LAKE_USAGE, "std of colour channel %d is %g, expected above 0", i, (double)o->std[i]);
    return LAKE_OK;
}

/* ---- the vocabulary ---- */

/* The first vocabulary beside the checkpoint into *found, a new buffer. */
static int find_vocabulary(char **found, const char *checkpoint, Error *e)
{
    static const char *const names[] = {"bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt", "tokenizer.json",
                                        "vocab.json"};
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++) {
        *found = path_beside(checkpoint, names[i]);
        if (*found == NULL)
            return error_memory(e, "a path");
        if (path_kind(*found) == PATH_FILE)
            return LAKE_OK;
        free(*found);
    }
    *found = NULL;
    return error_set(e, LAKE_BAD_INPUT,
                     "%s: has a text tower, and no vocabulary is beside it: give one with --vocab "
                     "(bpe_simple_vocab_16e6.txt.gz of github.com/openai/CLIP, folder clip, fits nearly every CLIP; or "
                     "the model's tokenizer.json or vocab.json)",
                     checkpoint);
}

/* Every id of the vocabulary must have a row of the token embedding, and the end token must be the one that the
 * configuration names. */
static int check_vocabulary(Conversion *c, const char *path)
{
    Tokenizer *tokenizer;
    Error inner;
    int code = tok_open(&tokenizer, c->tokenizer, c->tokenizer_size, c->config.vocabulary, path, &inner);

    if (code != LAKE_OK)
        return error_set(c->e, code, "%s (the token embedding of %s has %lu rows)", inner.text, c->checkpoint.path,
                         (unsigned long)c->config.vocabulary);
    if (c->end_id >= 0 && (uint32_t)c->end_id != tok_end_id(tokenizer))
        code = error_set(c->e, LAKE_BAD_INPUT,
                         "%s: its end token is %lu, config.json says %ld: the vocabulary belongs to another model",
                         path, (unsigned long)tok_end_id(tokenizer), c->end_id);
    tok_close(tokenizer);
    return code;
}

static int read_vocabulary(Conversion *c)
{
    const char *path = c->options->vocabulary;
    char *found = NULL;
    int code;

    if (!c->config.has_text) {
        if (path != NULL)
            config_note(c->note, c->context, "the checkpoint has no text tower: %s is not needed", path);
        return LAKE_OK;
    }
    if (path == NULL && c->checkpoint.has_vocabulary) {
        path = c->checkpoint.path;
        config_note(c->note, c->context, "vocabulary: the checkpoint's own (--vocab sets it)");
    }
    if (path == NULL) {
        code = find_vocabulary(&found, c->checkpoint.path, c->e);
        if (code != LAKE_OK)
            return code;
        path = found;
        config_note(c->note, c->context, "vocabulary: %s (beside the checkpoint; --vocab sets it)", path);
    }
    code = convert_vocabulary(&c->tokenizer, &c->tokenizer_size, path, c->e);
    if (code == LAKE_OK)
        code = check_vocabulary(c, path);
    free(found);
    return code;
}

/* ---- the source of every tensor ---- */

/* Compares a tensor of the checkpoint with the shape it must have; leading sides of 1 are no difference. */
static int check_source(const Conversion *c, const CkptTensor *t, const size_t *expected, size_t rank)
{
    char found_text[120], expected_text[120];
    size_t skip = 0, i;

    if (t->type == NUMBER_OTHER)
        return error_set(c->e, LAKE_BAD_INPUT, "%s: tensor %s has type %s, expected F32, F16, BF16 or F64",
                         ckpt_tensor_path(&c->checkpoint, t), t->name, t->type_name);
    while (t->rank - skip > rank && t->shape[skip] == 1)
        skip++;
    for (i = 0; i < rank && t->rank - skip == rank; i++)
        if (t->shape[skip + i] != expected[i])
            break;
    if (i == rank && t->rank - skip == rank)
        return LAKE_OK;
    return error_set(c->e, LAKE_BAD_INPUT, "%s: tensor %s has shape %s, expected %s",
                     ckpt_tensor_path(&c->checkpoint, t), t->name,
                     ckpt_shape_text(found_text, sizeof found_text, t->shape, t->rank),
                     ckpt_shape_text(expected_text, sizeof expected_text, expected, rank));
}

/* LayerScale, where the checkpoint has it. */
static int find_scale(Conversion *c, Part *part, const char *name, size_t rows)
{
    part->scale = *name != '\0' ? ckpt_find(&c->checkpoint, name) : NULL;
    if (part->scale == NULL)
        return LAKE_OK;
    if (check_source(c, part->scale, &rows, 1) != LAKE_OK)
        return LAKE_BAD_INPUT;
    c->used[part->scale - c->checkpoint.tensors] = 1;
    if (c->scale == NULL)
        c->scale = malloc(c->config.vision.width > c->config.text.width ? c->config.vision.width * sizeof *c->scale
                                                                         : c->config.text.width * sizeof *c->scale);
    return c->scale != NULL ? LAKE_OK : error_memory(c->e, "the scale of a layer");
}

/* Finds what the output's tensor number `index` is made of. */
static int find_part(Conversion *c, size_t index)
{
    const WtsTensor *t = &c->tensors[index];
    Part *part = &c->parts[index];
    NameSource source;
    size_t shape[4], i;
    int k;

    if (!names_source(&source, &c->scheme, t->name))
        return error_set(c->e, LAKE_BAD_INPUT, "%s: %s naming has no tensor for %s", c->checkpoint.path,
                         names_family(&c->scheme), t->name);
    for (i = 0; i < t->rank; i++)
        shape[i] = t->shape[source.transposed ? t->rank - 1 - i : i];
    shape[0] /= (size_t)source.count;
    part->transposed = source.transposed;
    for (k = 0; k < source.count; k++) {
        part->from[k] = ckpt_find(&c->checkpoint, source.name[k]);
        if (part->from[k] == NULL && source.optional)
            return LAKE_OK;
        if (part->from[k] == NULL)
            return error_set(c->e, LAKE_BAD_INPUT, "%s: tensor %s is missing (for %s)", c->checkpoint.path,
                             source.name[k], t->name);
        if (check_source(c, part->from[k], shape, t->rank) != LAKE_OK)
            return LAKE_BAD_INPUT;
        c->used[part->from[k] - c->checkpoint.tensors] = 1;
        part->count++;
    }
    return find_scale(c, part, source.scale, shape[0]);
}

/* Tensors that nothing was made of: harmless ones are named in a note; one inside a block changes what the block
 * computes (LayerScale, norms of q and k, ...), so that leaving it out would give wrong features. */
static int check_unused(const Conversion *c)
{
    const char *first = NULL;
    size_t i, count = 0;

    for (i = 0; i < c->checkpoint.count; i++) {
        const char *name = c->checkpoint.tensors[i].name;

        if (c->used[i] || names_is_ignorable(&c->scheme, name))
            continue;
        if (names_is_in_block(&c->scheme, name))
            return error_set(
                c->e, LAKE_BAD_INPUT,
                "%s: tensor %s is part of a block of another kind than CLIP's: the model cannot be converted",
                c->checkpoint.path, name);
        first = count++ == 0 ? name : first;
    }
    if (count > 0)
        config_note(c->note, c->context, "%llu tensors have no place in the model and are left out: %s%s",
                    (unsigned long long)count, first, count > 1 ? ", ..." : "");
    return LAKE_OK;
}

/* LayerScale is in all blocks of a tower or in none; else part of the checkpoint is missing. */
static int check_scales(const Conversion *c)
{
    static const char *const towers[] = {"vision.blocks.", "text.blocks."};
    size_t i, k;

    for (k = 0; k < 2; k++) {
        const size_t expected = 4 * (size_t)(k == 0 ? c->config.vision.layers : c->config.text.layers);
        size_t found = 0;

        for (i = 0; i < c->count; i++)
            found += c->parts[i].scale != NULL && strncmp(c->tensors[i].name, towers[k], strlen(towers[k])) == 0;
        if (found != 0 && found != expected)
            return error_set(c->e, LAKE_BAD_INPUT,
                             "%s: LayerScale is part of some blocks of the %s tower and not of others: tensors are "
                             "missing",
                             c->checkpoint.path, k == 0 ? "vision" : "text");
    }
    return LAKE_OK;
}

static int find_parts(Conversion *c)
{
    size_t i, zeros = 0;
    int code = wts_layout(&c->config, c->options->type, &c->tensors, &c->count, c->e);

    if (code != LAKE_OK)
        return code;
    c->parts = calloc(c->count, sizeof *c->parts);
    c->used = calloc(c->checkpoint.count + 1, 1);
    if (c->parts == NULL || c->used == NULL)
        return error_memory(c->e, "the list of sources");
    for (i = 0; i < c->count; i++) {
        code = find_part(c, i);
        if (code != LAKE_OK)
            return code;
        zeros += c->parts[i].count == 0;
        c->total_bytes += c->tensors[i].bytes; /* a sum of sizes that the file's mapping bounds, up to a factor 2 */
    }
    if (c->scale != NULL)
        config_note(c->note, c->context, "LayerScale is multiplied into the matrices before it");
    if (zeros > 0)
        config_note(c->note, c->context, "%llu blocks have no bias for q, k and v: zeros", (unsigned long long)zeros);
    return check_scales(c) == LAKE_OK ? check_unused(c) : LAKE_BAD_INPUT;
}

/* ---- writing ---- */

/* So many bytes more are written: tells the caller, and bounds the memory that the map of the checkpoint takes. */
static int advance(Conversion *c, size_t bytes)
{
    c->done_bytes += bytes;
    if (c->progress != NULL)
        c->progress(c->context, (double)c->done_bytes / (double)c->total_bytes);
    if (c->done_bytes - c->released_at <= RELEASE_BYTES)
        return LAKE_OK;
    c->released_at = c->done_bytes;
    return ckpt_release(&c->checkpoint, c->e);
}

/* values[i], which is element first + i of a matrix with `columns`, times its row's scale. */
static void scale_rows(float *values, size_t count, size_t first, size_t columns, const float *scale)
{
    size_t i;

    for (i = 0; i < count; i++)
        values[i] *= scale[(first + i) / columns];
}

/* Hands over `count` elements of `from` (NULL: zeros) that begin at `first` and lie `step` apart. */
static int put_elements(Conversion *c, WtsWriter *writer, const WtsTensor *t, const CkptTensor *from, size_t first,
                        size_t step, size_t count, const float *scale)
{
    size_t n;

    for (; count > 0; count -= n, first += n * step) {
        Error inner;
        int code;

        n = count < NUMBERS_AT_ONCE ? count : NUMBERS_AT_ONCE;
        if (from != NULL)
            ckpt_read(c->values, &c->checkpoint, from, first, step, n);
        else
            memset(c->values, 0, n * sizeof *c->values);
        if (scale != NULL)
            scale_rows(c->values, n, first, t->rank > 1 ? t->shape[1] : 1, scale);
        code = wts_put(writer, c->values, n, &inner);
        if (code != LAKE_OK)
            return error_set(c->e, code, "%s (made of tensor %s of %s)", inner.text, from != NULL ? from->name : "none",
                             c->checkpoint.path);
        code = advance(c, n * wts_type_size(t->type));
        if (code != LAKE_OK)
            return code;
    }
    return LAKE_OK;
}

static int put_part(Conversion *c, WtsWriter *writer, const WtsTensor *t, const Part *part)
{
    const size_t rows = t->shape[0], columns = t->shape[1];
    int code = LAKE_OK, k;
    size_t row;

    if (part->count == 0)
        return put_elements(c, writer, t, NULL, 0, 1, t->bytes / wts_type_size(t->type), NULL);
    if (part->transposed) {
        for (row = 0; code == LAKE_OK && row < rows; row++)
            code = put_elements(c, writer, t, part->from[0], row, rows, columns, NULL);
        return code;
    }
    if (part->scale != NULL)
        ckpt_read(c->scale, &c->checkpoint, part->scale, 0, 1, rows);
    for (k = 0; code == LAKE_OK && k < part->count; k++)
        code = put_elements(c, writer, t, part->from[k], 0, 1, part->from[k]->count,
                            part->scale != NULL ? c->scale : NULL);
    return code;
}

void convert_note_errors(const WtsErrors *errors, ConvertNote *note, void *context)
{
    if (errors->count > 0)
        config_note(note, context,
                    "q8: the error ||W - Wq|| / ||W|| of %lu matrices is %.2f %% in the mean and %.2f %% at most (%s); "
                    "lake info shows all",
                    (unsigned long)errors->count, 100 * errors->sum / (double)errors->count, 100 * errors->largest,
                    errors->name);
}

static int write_output(Conversion *c)
{
    WtsWriter *writer;
    size_t i;
    int code = wts_create(&writer, c->options->output, &c->config, c->tensors, c->count, c->tokenizer,
                          c->tokenizer_size, c->e);

    if (code != LAKE_OK)
        return code;
    for (i = 0; code == LAKE_OK && i < c->count; i++)
        code = put_part(c, writer, &c->tensors[i], &c->parts[i]);
    if (code != LAKE_OK) {
        wts_abandon(writer);
        return code;
    }
    convert_note_errors(wts_writer_errors(writer), c->note, c->context);
    return wts_finish(writer, c->e);
}

/* ---- all together ---- */

static void note_model(const Conversion *c)
{
    const ClipConfig *m = &c->config;
    char text[120] = "no text tower";

    if (m->has_text)
        snprintf(text, sizeof text, "text tower of %lu blocks of width %lu, vocabulary %lu",
                 (unsigned long)m->text.layers, (unsigned long)m->text.width, (unsigned long)m->vocabulary);
    config_note(c->note, c->context,
                "model: %s naming; image tower of %lu blocks of width %lu, patches of %lu at %lu pixels; %s",
                names_family(&c->scheme), (unsigned long)m->vision.layers, (unsigned long)m->vision.width,
                (unsigned long)m->patch, (unsigned long)m->resolution, text);
}

static int run(Conversion *c)
{
    int code;

    if ((code = ckpt_open(&c->checkpoint, c->options->checkpoint, c->e)) != LAKE_OK ||
        (code = names_detect(&c->scheme, &c->checkpoint, c->e)) != LAKE_OK ||
        (code = known_verify(&c->checkpoint, c->note, c->context, c->e)) != LAKE_OK ||
        (code = config_deduce(&c->config, &c->end_id, &c->checkpoint, &c->scheme, c->options, c->note, c->context,
                              c->e)) != LAKE_OK ||
        (code = find_parts(c)) != LAKE_OK || (code = read_vocabulary(c)) != LAKE_OK)
        return code;
    note_model(c);
    return write_output(c);
}

int convert_checkpoint(const ConvertOptions *options, ConvertProgress *progress, ConvertNote *note, void *context,
                       Error *e)
{
    Conversion *c;
    int code = check_options(options, e);

    if (code != LAKE_OK)
        return code;
    if (recode_recognises(options->checkpoint))
        return recode(options, progress, note, context, e);
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_memory(e, "a conversion");
    c->options = options;
    c->progress = progress;
    c->note = note;
    c->context = context;
    c->e = e;
    code = run(c);
    ckpt_close(&c->checkpoint);
    free(c->tokenizer);
    free(c->tensors);
    free(c->parts);
    free(c->used);
    free(c->scale);
    free(c);
    return code;
}
