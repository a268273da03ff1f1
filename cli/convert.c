/* lake convert: a checkpoint of another program becomes one flat binary. */
#include "convert/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "weights/format.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_convert = {
    "convert", "CHECKPOINT [-o OUT.clip] [--vocab FILE]", "make a flat binary of weights from a checkpoint",
    "Example: lake convert open_clip_model.safetensors --vocab bpe_simple_vocab_16e6.txt.gz -o vit_b16.clip", run};

static void on_progress(void *context, double share)
{
    progress_update(context, share);
}

static void on_note(void *context, const char *line)
{
    progress_clear(context);
    fprintf(stderr, "lake convert: note: %s\n", line);
}

/* CHECKPOINT with its extension, also .safetensors.index.json, replaced by .clip; in a folder, its model.clip. */
static char *default_output(const char *checkpoint)
{
    static const char index[] = ".index.json";
    size_t length = strlen(checkpoint), base = (size_t)(path_base(checkpoint) - checkpoint), dot;
    char *output;

    if (path_kind(checkpoint) == PATH_FOLDER)
        return path_join(checkpoint, "model.clip");
    output = malloc(length + 6);
    if (output == NULL)
        return NULL;
    if (length > sizeof index && strcmp(checkpoint + length - (sizeof index - 1), index) == 0)
        length -= sizeof index - 1;
    for (dot = length; dot > base && checkpoint[dot - 1] != '.';)
        dot--;
    if (dot > base)
        length = dot - 1;
    memcpy(output, checkpoint, length);
    strcpy(output + length, ".clip");
    return output;
}

/* A checkpoint took long to download: nothing that is read here, nor anything but an older .clip file, is replaced. */
static int check_output(const ConvertOptions *options, Error *e)
{
    if (path_kind(options->output) == PATH_FILE && path_same(options->checkpoint, options->output))
        return error_set(e, LAKE_USAGE, "%s: the output would replace the checkpoint: give another name with -o",
                         options->output);
    return output_check(options->output, WTS_MAGIC, ".clip", e);
}

static int convert(ConvertOptions *options, Error *e)
{
    Progress progress;
    char *output = NULL;
    int code;

    if (options->output == NULL) {
        options->output = output = default_output(options->checkpoint);
        if (output == NULL)
            return error_memory(e, "a path");
    }
    code = check_output(options, e);
    if (code == LAKE_OK) {
        progress_begin(&progress, "converting");
        code = convert_checkpoint(options, on_progress, on_note, &progress, e);
        progress_clear(&progress);
    }
    if (code == LAKE_OK)
        printf("%s\n", options->output);
    free(output);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    ConvertOptions settings;
    int type = WTS_F32, activation = -1;
    size_t heads = 0, text_heads = 0;
    double eps = 0;
    Arguments arguments;
    const Option options[] = {
        {"-o", OPTION_TEXT, &settings.output, "OUT.clip", 0, 0,
         "the file to write (default: CHECKPOINT's name with .clip)"},
        {"--vocab", OPTION_TEXT, &settings.vocabulary, "FILE", 0, 0,
         "bpe_simple_vocab_16e6.txt[.gz], vocab.json or tokenizer.json (default: beside it)"},
        {"--dtype", OPTION_CHOICE, &type, "f32|f16|bf16|q8", 0, 0, "type of the matrices (default f32)"},
        {"--activation", OPTION_CHOICE, &activation, "quick_gelu|gelu", 0, 0, "of the MLPs (default: deduced)"},
        {"--eps", OPTION_NUMBER, &eps, "X", 1e-12, 0.1, "of every LayerNorm (default: deduced)"},
        {"--heads", OPTION_COUNT, &heads, "N", 0, 0, "attention heads of the image tower (default: deduced)"},
        {"--text-heads", OPTION_COUNT, &text_heads, "N", 0, 0, "attention heads of the text tower (default: deduced)"},
        {"--mean", OPTION_TRIPLE, settings.mean, "R,G,B", 0, 0, "subtracted from the colours, 0..1 (default: deduced)"},
        {"--std", OPTION_TRIPLE, settings.std, "R,G,B", 0, 0, "what the colours are divided by (default: deduced)"},
    };
    int code;

    convert_defaults(&settings);
    code = arguments_read(&arguments, &verb_convert, options, COUNT_OF(options), argc, argv, e);
    settings.type = (WtsType)type;
    settings.activation = activation;
    settings.eps = (float)eps;
    settings.heads = heads < 65536 ? (int)heads : 65536;
    settings.text_heads = text_heads < 65536 ? (int)text_heads : 65536;
    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count != 1) {
            code = error_set(e, LAKE_USAGE, "expected one checkpoint, found %d arguments", (int)arguments.count);
        } else {
            settings.checkpoint = arguments.items[0];
            code = convert(&settings, e);
        }
    }
    arguments_free(&arguments);
    return code;
}
