/* The fields of a .lake file, each measured, written or read; see walk.h. */
#include "weights/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"

/* ---- bytes ---- */

void walk_damaged(Walk *w, const char *what)
{
    if (w->code == LAKE_OK)
        w->code = error_set(w->e, LAKE_BAD_INPUT, "%s: damaged detector: %s; fit it again", w->path, what);
}

static void put(Walk *w, const void *bytes, size_t size)
{
    if (w->code != LAKE_OK)
        return;
    w->crc = crc32_update(w->crc, bytes, size);
    w->size += size;
    if (w->out != NULL)
        w->code = file_write(w->out, bytes, size, w->e);
}

/* The next `size` bytes, or NULL with the failure noted. */
static const unsigned char *get(Walk *w, size_t size, const char *what)
{
    const unsigned char *bytes = w->at;

    if (w->code != LAKE_OK)
        return NULL;
    if (size > w->left) {
        w->code = error_set(w->e, LAKE_BAD_INPUT, "%s: damaged detector: ends inside %s; fit it again", w->path, what);
        return NULL;
    }
    w->at += size;
    w->left -= size;
    return bytes;
}

/* ---- numbers: written, or read and checked ---- */

void walk_u64(Walk *w, uint64_t *value, uint64_t least, uint64_t most, const char *what)
{
    unsigned char bytes[8];
    const unsigned char *in;

    if (!w->reading) {
        put_u64le(bytes, *value);
        put(w, bytes, sizeof bytes);
    } else if ((in = get(w, sizeof bytes, what)) != NULL) {
        *value = get_u64le(in);
        if (*value < least || *value > most)
            walk_damaged(w, what);
    }
}

static void walk_u32(Walk *w, uint32_t *value, uint32_t least, uint32_t most, const char *what)
{
    unsigned char bytes[4];
    const unsigned char *in;

    if (!w->reading) {
        put_u32le(bytes, *value);
        put(w, bytes, sizeof bytes);
    } else if ((in = get(w, sizeof bytes, what)) != NULL) {
        *value = get_u32le(in);
        if (*value < least || *value > most)
            walk_damaged(w, what);
    }
}

void walk_size(Walk *w, size_t *value, uint32_t least, uint32_t most, const char *what)
{
    uint32_t number = (uint32_t)*value;

    walk_u32(w, &number, least, most, what);
    if (w->reading && w->code == LAKE_OK)
        *value = number;
}

int walk_choice(Walk *w, int value, uint32_t most, const char *what)
{
    uint32_t number = (uint32_t)value;

    walk_u32(w, &number, 0, most, what);
    return w->code == LAKE_OK ? (int)number : 0;
}

void walk_f64(Walk *w, double *value, const char *what)
{
    uint64_t bits;

    memcpy(&bits, value, sizeof bits);
    walk_u64(w, &bits, 0, UINT64_MAX, what);
    if (!w->reading || w->code != LAKE_OK)
        return;
    *value = bits_to_double(bits);
    if (!isfinite(*value))
        walk_damaged(w, what);
}

/* ---- arrays: when reading, new memory, taken after the bytes were seen ---- */

/* Bytes of count items in the file, with memory for them; NULL where that failed or when there is nothing to do. */
static const unsigned char *get_array(Walk *w, void **array, size_t count, size_t item, const char *what)
{
    const unsigned char *in;
    size_t bytes = 0;

    if (w->code == LAKE_OK && !size_multiply(count, item, &bytes))
        walk_damaged(w, what);
    if (w->code != LAKE_OK || (in = get(w, bytes, what)) == NULL)
        return NULL;
    *array = malloc(bytes > 0 ? bytes : 1);
    if (*array == NULL) {
        w->code = error_memory(w->e, what);
        return NULL;
    }
    return in;
}

void walk_floats(Walk *w, float **array, size_t count, float least, float most, const char *what)
{
    const unsigned char *in;
    unsigned char block[4096];
    void *memory = NULL;
    int fine = 1;

    if (!w->reading) {
        for (size_t i = 0, size; w->code == LAKE_OK && i < count; put(w, block, size))
            for (size = 0; size < sizeof block && i < count; size += 4)
                put_f32le(block + size, (*array)[i++]);
        return;
    }
    in = get_array(w, &memory, count, 4, what);
    *array = memory;
    for (size_t i = 0; in != NULL && i < count; i++) {
        float number = get_f32le(in + 4 * i);
        fine &= number >= least && number <= most;
        (*array)[i] = number;
    }
    if (!fine)
        walk_damaged(w, what);
}

void walk_indices(Walk *w, uint32_t **array, size_t count, size_t bound, const char *what)
{
    const unsigned char *in;
    unsigned char bytes[4];
    void *memory = NULL;

    for (size_t i = 0; !w->reading && i < count; i++) {
        put_u32le(bytes, (*array)[i]);
        put(w, bytes, sizeof bytes);
    }
    if (!w->reading)
        return;
    in = get_array(w, &memory, count, 4, what);
    *array = memory;
    for (size_t i = 0; in != NULL && i < count; i++) {
        (*array)[i] = get_u32le(in + 4 * i);
        if ((*array)[i] >= bound)
            walk_damaged(w, what);
    }
}

void walk_doubles(Walk *w, double **array, size_t count, double least, double most, const char *what)
{
    const unsigned char *in;
    void *memory = NULL;

    for (size_t i = 0; !w->reading && i < count; i++)
        walk_f64(w, &(*array)[i], what);
    if (!w->reading)
        return;
    in = get_array(w, &memory, count, 8, what);
    *array = memory;
    for (size_t i = 0; in != NULL && i < count; i++) {
        (*array)[i] = get_f64le(in + 8 * i);
        if (!((*array)[i] >= least && (*array)[i] <= most))
            walk_damaged(w, what);
    }
}

void walk_text(Walk *w, char **text, const char *what)
{
    size_t length = *text != NULL ? strlen(*text) : 0;
    const unsigned char *in;
    void *memory = NULL;

    if (!w->reading && length > WALK_MAX_TEXT)
        w->code = error_set(w->e, LAKE_USAGE, "%s: %s of more than %lu bytes", w->path, what, (unsigned long)WALK_MAX_TEXT);
    walk_size(w, &length, 0, WALK_MAX_TEXT, what);
    if (!w->reading) {
        put(w, *text, length);
        return;
    }
    if (w->code != LAKE_OK || length == 0)
        return;
    in = get(w, length, what);
    if (in == NULL)
        return;
    memory = malloc(length + 1);
    if (memory == NULL) {
        w->code = error_memory(w->e, what);
        return;
    }
    memcpy(memory, in, length);
    ((char *)memory)[length] = '\0';
    *text = memory;
    if (memchr(in, 0, length) != NULL)
        walk_damaged(w, what);
}
