/* Checkpoint -> flat binary: convert/convert.c, names.c, config.c and weights/writer.c on hostile names and shapes; and
 * flat binary -> flat binary: convert/recode.c. What is written opens as a model. The input is a safetensors file, or a
 * .clip file whose checksums are put right. */
#include <stdlib.h>
#include <string.h>

#include "clip.h"
#include "convert/convert.h"
#include "test/fuzz/repair_clip.h"

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

/* The output is whole, and a model that opens. */
static void check_output(void)
{
    WtsFile *file = NULL;
    Clip model;
    size_t size;
    Error e = FUZZ_ERROR;
    const unsigned char *bytes = fuzz_file_bytes("out.clip", &size);

    PROMISE(bytes != NULL && wts_open_memory(&file, bytes, size, "out.clip", &e) == LAKE_OK);
    PROMISE(wts_verify(file, &e) == LAKE_OK);
    wts_close(file);
    PROMISE(clip_open_memory(&model, bytes, size, "model", &e) == LAKE_OK);
    clip_close(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ConvertOptions options;
    Error e = FUZZ_ERROR;
    unsigned char *copy = fuzz_copy(data, size);
    int code;

    convert_defaults(&options);
    options.checkpoint = "fuzz";
    options.output = "out.clip";
    options.type = (WtsType)(crc32_update(0, data, size) % 4); /* any of them, whatever the input is changed to */
    if (size >= 5 && memcmp(data, WTS_MAGIC, 5) == 0) {
        fuzz_repair_clip(copy, size);
    } else { /* of a .clip file only the type may be changed */
        make_vocabulary();
        options.vocabulary = "bpe.txt";
        options.heads = 2;
        options.text_heads = 1;
    }
    fuzz_file("fuzz", copy, size);
    free(copy);
    code = convert_checkpoint(&options, check_progress, check_note, NULL, &e);
    fuzz_check(code, &e);
    if (code == LAKE_OK)
        check_output();
    fuzz_files_clear();
    return 0;
}
