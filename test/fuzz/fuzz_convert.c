/* Checkpoint -> flat binary: convert/convert.c, names.c, config.c and weights/writer.c on hostile names and shapes. What
 * is written opens as a model. The input is a safetensors file. */
#include <stdlib.h>
#include <string.h>

#include "clip.h"
#include "convert/convert.h"
#include "test/fuzz/fuzz.h"

static void check_note(void *context, const char *line)
{
    (void)context;
    PROMISE(line[0] != '\0' && strchr(line, '\n') == NULL);
}

static void check_progress(void *context, double share)
{
    (void)context;
    PROMISE(share >= 0 && share <= 1);
}

/* A vocabulary in OpenAI's form, of one merge: 515 symbols. */
static void make_vocabulary(void)
{
    static const char text[] = "#version: 0.2\na b\n";

    fuzz_file("bpe.txt", text, sizeof text - 1);
}

static void open_result(void)
{
    Clip model;
    WtsFile *file = NULL;
    size_t size;
    Error e = FUZZ_ERROR;
    const unsigned char *bytes = fuzz_file_bytes("out.clip", &size);

    PROMISE(bytes != NULL && wts_open_memory(&file, bytes, size, "out.clip", &e) == LAKE_OK);
    PROMISE(wts_verify(file, &e) == LAKE_OK);
    wts_close(file);
    PROMISE(clip_open_memory(&model, bytes, size, "out.clip", &e) == LAKE_OK);
    clip_close(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ConvertOptions options;
    Error e = FUZZ_ERROR;
    int code;

    make_vocabulary();
    fuzz_file("fuzz.safetensors", data, size);
    convert_defaults(&options);
    options.checkpoint = "fuzz.safetensors";
    options.output = "out.clip";
    options.vocabulary = "bpe.txt";
    options.heads = 2;
    options.text_heads = 1;
    code = convert_checkpoint(&options, check_progress, check_note, NULL, &e);
    fuzz_check(code, &e);
    if (code == LAKE_OK)
        open_result();
    fuzz_files_clear();
    return 0;
}
