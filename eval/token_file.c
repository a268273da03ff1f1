/* Observations in files; see token_file.h. */
#include "eval/token_file.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"

enum {
    MAGIC,
    ORDER,
    KEY,
    PICTURE_HEIGHT,
    PICTURE_WIDTH,
    GRID_HEIGHT,
    GRID_WIDTH,
    LAYERS,
    EMBED,
    PARTS,
    CHECKSUM,
    WIDTHS,
    HEADER = WIDTHS + LAKE_MAX_LAYERS
};

#define TOKEN_MAGIC UINT64_C(0x4c414b45544f4b31)
#define TOKEN_ORDER UINT64_C(0x0102030405060708)

/* The header of an observation of this shape; size of picture and checksum are 0. */
static void describe(uint64_t header[HEADER], uint64_t key, const LakeTokens *shape)
{
    memset(header, 0, HEADER * sizeof *header);
    header[MAGIC] = TOKEN_MAGIC;
    header[ORDER] = TOKEN_ORDER;
    header[KEY] = key;
    header[GRID_HEIGHT] = shape->height;
    header[GRID_WIDTH] = shape->width;
    header[LAYERS] = shape->layer_count;
    header[EMBED] = shape->embed;
    header[PARTS] = (uint64_t)(shape->patches != NULL) + 2 * (uint64_t)(shape->embedding != NULL);
    for (size_t l = 0; l < shape->layer_count; l++)
        header[WIDTHS + l] = shape->widths[l];
}

/* The parts of an observation in the order of the file: how many there are, and the floats of each. There is room for
 * all of them in memory, so no size overflows. */
enum { MOST_PARTS = LAKE_MAX_LAYERS + 2 };

static size_t list_parts(size_t floats[MOST_PARTS], const LakeTokens *shape)
{
    size_t patches = shape->height * shape->width, count = shape->layer_count;

    for (size_t l = 0; l < count; l++)
        floats[l] = patches * shape->widths[l];
    if (shape->patches != NULL)
        floats[count++] = patches * shape->embed;
    if (shape->embedding != NULL)
        floats[count++] = shape->embed;
    return count;
}

/* The numbers of part i. */
static float **part_of(LakeTokens *tokens, size_t i)
{
    if (i < tokens->layer_count)
        return &tokens->layers[i];
    return i == tokens->layer_count && tokens->patches != NULL ? &tokens->patches : &tokens->embedding;
}

static size_t file_bytes(const LakeTokens *shape)
{
    size_t floats[MOST_PARTS], count = list_parts(floats, shape), bytes = HEADER * sizeof(uint64_t);

    for (size_t i = 0; i < count; i++)
        bytes += floats[i] * sizeof(float);
    return bytes;
}

int token_file_write(const char *path, uint64_t key, size_t height, size_t width, const LakeTokens *tokens, Error *e)
{
    LakeTokens parts = *tokens;
    uint64_t header[HEADER];
    size_t floats[MOST_PARTS], count = list_parts(floats, tokens);
    uint32_t checksum = 0;
    FileOut out;
    int code = file_create(&out, path, e);

    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; i < count; i++)
        checksum = crc32_update(checksum, *part_of(&parts, i), floats[i] * sizeof(float));
    describe(header, key, tokens);
    header[PICTURE_HEIGHT] = height;
    header[PICTURE_WIDTH] = width;
    header[CHECKSUM] = checksum;
    code = file_write(&out, header, sizeof header, e);
    for (size_t i = 0; i < count && code == LAKE_OK; i++)
        code = file_write(&out, *part_of(&parts, i), floats[i] * sizeof(float), e);
    if (code == LAKE_OK)
        return file_commit(&out, e);
    file_discard(&out);
    return code;
}

/* Whether a file is of this key and shape, with its header; its floats are not looked at. */
static int fits(uint64_t header[HEADER], const FileView *file, uint64_t key, const LakeTokens *shape)
{
    uint64_t expected[HEADER];

    if (file->size != file_bytes(shape))
        return 0;
    memcpy(header, file->data, HEADER * sizeof *header);
    describe(expected, key, shape);
    expected[PICTURE_HEIGHT] = header[PICTURE_HEIGHT];
    expected[PICTURE_WIDTH] = header[PICTURE_WIDTH];
    expected[CHECKSUM] = header[CHECKSUM];
    return memcmp(header, expected, sizeof expected) == 0 && header[PICTURE_HEIGHT] <= IMG_MAX_PIXELS &&
           header[PICTURE_WIDTH] <= IMG_MAX_PIXELS;
}

int token_file_check(size_t *height, size_t *width, const char *path, uint64_t key, const LakeTokens *shape)
{
    const size_t start = HEADER * sizeof(uint64_t);
    uint64_t header[HEADER];
    FileView file;
    int whole;

    if (path_kind(path) != PATH_FILE || file_map(&file, path, NULL) != LAKE_OK)
        return 0;
    whole = fits(header, &file, key, shape) &&
            header[CHECKSUM] == crc32_update(0, file.data + start, file.size - start);
    file_unmap(&file);
    if (whole) {
        *height = (size_t)header[PICTURE_HEIGHT];
        *width = (size_t)header[PICTURE_WIDTH];
    }
    return whole;
}

int token_file_map(LakeTokens *tokens, FileView *file, const char *path, uint64_t key, const LakeTokens *shape,
                   Error *e)
{
    uint64_t header[HEADER];
    size_t floats[MOST_PARTS], count = list_parts(floats, shape), at = sizeof header;
    int code = file_map(file, path, e);

    if (code != LAKE_OK)
        return code;
    if (!fits(header, file, key, shape)) {
        file_unmap(file);
        return error_set(e, LAKE_BAD_INPUT, "%s: is not the observation that this run wrote or found there; run again",
                         path);
    }
    *tokens = *shape;
    for (size_t i = 0; i < count; i++) {
        *part_of(tokens, i) = (float *)(void *)(file->data + at); /* only read; a float's size divides the header's */
        at += floats[i] * sizeof(float);
    }
    tokens->normalised = 0;
    return LAKE_OK;
}
