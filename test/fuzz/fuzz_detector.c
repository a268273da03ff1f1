/* The detector's file: weights/detector.c and walk.c. Files are given once as they are and once with size and checksum
 * put right. One that is accepted is written and read again, and judges an image. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "lake.h"
#include "test/fuzz/fuzz.h"

enum { AT_CRC = 12, AT_SIZE = 16, HEAD_SIZE = 24 }; /* as in weights/detector.c */
enum { WORK_LIMIT = 1 << 20, SHARES = 4 };

static void repair(unsigned char *p, size_t size)
{
    if (size < HEAD_SIZE)
        return;
    put_u64le(p + AT_SIZE, size);
    put_u32le(p + AT_CRC, crc32_update(0, p + HEAD_SIZE, size - HEAD_SIZE));
}

/* detector -> file -> detector -> the same file. */
static void write_again(const LakeDetector *detector)
{
    LakeDetector again;
    const unsigned char *file, *second;
    size_t size, second_size;
    Error e = FUZZ_ERROR;

    PROMISE(lake_detector_write(detector, "first.lake", &e) == LAKE_OK);
    file = fuzz_file_bytes("first.lake", &size);
    PROMISE(lake_detector_decode(&again, file, size, "first.lake", &e) == LAKE_OK);
    PROMISE(lake_detector_write(&again, "second.lake", &e) == LAKE_OK);
    second = fuzz_file_bytes("second.lake", &second_size);
    PROMISE(size == second_size && memcmp(file, second, size) == 0);
    lake_detector_close(&again);
    fuzz_files_clear();
}

static void fill(float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)(i * 7 % 11) / 8 - 0.5f;
}

static void explain(const LakeDetector *detector, const LakeResult *result)
{
    LakeShare shares[SHARES];
    float *map = malloc(detector->height * detector->width * sizeof *map);
    size_t l;

    if (map == NULL)
        abort();
    lake_attribute(detector, result, detector->height * detector->width - 1, shares, SHARES);
    for (l = 0; l < detector->layer_count; l++)
        lake_neuron_map(detector, result, l, detector->layers[l].count - 1, map);
    free(map);
}

/* Scores an image of the detector's shape. */
static void score(const LakeDetector *d)
{
    const size_t patches = d->height * d->width;
    size_t widths[LAKE_MAX_LAYERS], work = 0, l;
    LakeTokens tokens;
    LakeResult result;
    Error e = FUZZ_ERROR;
    int code;

    for (l = 0; l < d->layer_count; l++) {
        widths[l] = d->layers[l].width;
        work += patches * (widths[l] + d->layers[l].rows * d->layers[l].count);
    }
    if (work > WORK_LIMIT)
        return;
    PROMISE(lake_tokens_open(&tokens, d->height, d->width, d->layer_count, widths, d->texts.embed, 0, &e) == LAKE_OK);
    for (l = 0; l < d->layer_count; l++)
        fill(tokens.layers[l], patches * widths[l]);
    if (d->texts.embed > 0)
        fill(tokens.patches, patches * d->texts.embed);
    PROMISE(lake_result_open(&result, d, &e) == LAKE_OK);
    code = lake_score(d, &tokens, &result, &e);
    fuzz_check(code, &e);
    if (code == LAKE_OK)
        explain(d, &result);
    lake_result_close(&result);
    lake_tokens_close(&tokens);
}

static int decode(const unsigned char *data, size_t size)
{
    LakeDetector detector;
    Error e = FUZZ_ERROR;
    int code = lake_detector_decode(&detector, data, size, "fuzz", &e);

    fuzz_check(code, &e);
    if (code != LAKE_OK)
        return 0;
    PROMISE(detector.normal_count >= 1 && detector.layer_count >= 1 && detector.height >= 1 && detector.width >= 1);
    write_again(&detector);
    score(&detector);
    lake_detector_close(&detector);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy;

    if (decode(data, size))
        return 0;
    copy = fuzz_copy(data, size);
    repair(copy, size);
    decode(copy, size);
    free(copy);
    return 0;
}
