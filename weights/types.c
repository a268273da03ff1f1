/* Sizes, number types and checks of one tensor: what layout, reader and writer have in common. */
#include "weights/format.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/half.h"

size_t wts_type_size(WtsType type)
{
    return type == WTS_F32 ? 4 : type == WTS_Q8 ? 1 : 2;
}

const char *wts_type_name(WtsType type)
{
    switch (type) {
    case WTS_F32: return "f32";
    case WTS_F16: return "f16";
    case WTS_BF16: return "bf16";
    case WTS_Q8: return "q8";
    }
    return "unknown";
}

void wts_widen(float *out, const void *data, WtsType type, size_t count)
{
    const unsigned char *p = data;
    uint16_t h;
    size_t i;

    switch (type) {
    case WTS_F32:
        memcpy(out, data, count * sizeof *out);
        break;
    case WTS_F16:
        for (i = 0; i < count; i++) {
            memcpy(&h, p + 2 * i, sizeof h);
            out[i] = f16_to_float(h);
        }
        break;
    case WTS_BF16:
        for (i = 0; i < count; i++) {
            memcpy(&h, p + 2 * i, sizeof h);
            out[i] = bf16_to_float(h);
        }
        break;
    case WTS_Q8:
        for (i = 0; i < count; i++)
            out[i] = ((const int8_t *)data)[i];
        break;
    }
}

size_t wts_panel_step(WtsType type)
{
    return type == WTS_Q8 ? 4 : type == WTS_BF16 ? 2 : 1;
}

size_t wts_panel_index(WtsType type, size_t columns, size_t row, size_t column)
{
    size_t step = wts_panel_step(type), steps = columns / step + (columns % step != 0);

    return ((row / WTS_PANEL_ROWS * steps + column / step) * WTS_PANEL_ROWS + row % WTS_PANEL_ROWS) * step +
           column % step;
}

int wts_fits_panels(WtsType type, size_t rows, size_t columns)
{
    return rows % WTS_PANEL_ROWS == 0 && columns % wts_panel_step(type) == 0;
}

void wts_read(float *out, const WtsTensor *t, size_t first, size_t count)
{
    const unsigned char *data = t->data;
    size_t size = wts_type_size(t->type), columns = t->bytes / size / t->shape[0];

    if (t->layout == LAYOUT_ROWS) {
        wts_widen(out, data + first * size, t->type, count);
        return;
    }
    for (size_t i = first; i < first + count; i++)
        wts_widen(out++, data + wts_panel_index(t->type, columns, i / columns, i % columns) * size, t->type, 1);
}

int wts_align(size_t size, size_t *aligned)
{
    if (!size_add(size, WTS_ALIGNMENT - 1, &size))
        return 0;
    *aligned = size - size % WTS_ALIGNMENT;
    return 1;
}

/* A name is 1 to 63 printable ASCII characters without spaces, and zeros behind them to the end of its field. */
static int name_is_valid(const char *name, size_t room)
{
    size_t i, length = 0;

    while (length < room && name[length] > 0x20 && name[length] < 0x7f)
        length++;
    if (length == 0 || length == room)
        return 0;
    for (i = length; i < room; i++)
        if (name[i] != 0)
            return 0;
    return 1;
}

int wts_check_tensor(const WtsTensor *t, const char *path, Error *e)
{
    size_t columns;
    uint32_t i;

    if (!name_is_valid(t->name, sizeof t->name))
        return error_set(e, LAKE_BAD_INPUT, "%s: a tensor's name is not 1 to 63 printable characters", path);
    if (t->type != WTS_F32 && t->type != WTS_F16 && t->type != WTS_BF16 && t->type != WTS_Q8)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s has the unknown type %d", path, t->name, (int)t->type);
    if (t->rank < 1 || t->rank > 4)
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s has rank %lu, expected 1 to 4", path, t->name,
                         (unsigned long)t->rank);
    if (t->layout != LAYOUT_ROWS && (t->layout != LAYOUT_PANELS || t->rank < 2))
        return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s of rank %lu has the unknown layout %d", path, t->name,
                         (unsigned long)t->rank, (int)t->layout);
    for (i = 0; i < 4; i++)
        if (t->shape[i] < 1 || (i >= t->rank && t->shape[i] != 1))
            return error_set(e, LAKE_BAD_INPUT, "%s: tensor %s of rank %lu has %lu as number %lu of its shape", path,
                             t->name, (unsigned long)t->rank, (unsigned long)t->shape[i], (unsigned long)i + 1);
    columns = (size_t)t->shape[1] * t->shape[2] * t->shape[3]; /* may wrap: then wts_tensor_bytes refuses */
    if (t->layout == LAYOUT_PANELS && !wts_fits_panels(t->type, t->shape[0], columns))
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: tensor %s is in panels, expected a multiple of %d rows and of %lu columns, found %lu and %lu",
                         path, t->name, WTS_PANEL_ROWS, (unsigned long)wts_panel_step(t->type),
                         (unsigned long)t->shape[0], (unsigned long)columns);
    return LAKE_OK;
}

int wts_tensor_bytes(const WtsTensor *tensor, size_t *bytes)
{
    size_t size = wts_type_size(tensor->type);
    uint32_t i;

    for (i = 0; i < tensor->rank; i++)
        if (!size_multiply(size, tensor->shape[i], &size))
            return 0;
    *bytes = size;
    return 1;
}

int wts_companion_name(char out[64], const char *name, const char *suffix)
{
    if (strlen(name) + strlen(suffix) > 63)
        return 0;
    strcpy(out, name);
    strcat(out, suffix);
    return 1;
}

void wts_errors_add(WtsErrors *errors, const char *name, double error)
{
    errors->count++;
    errors->sum += error;
    if (errors->count == 1 || error > errors->largest) {
        errors->largest = error;
        snprintf(errors->name, sizeof errors->name, "%s", name);
    }
}

uint32_t wts_head_crc(const unsigned char *head, size_t size)
{
    static const unsigned char zeros[4];
    uint32_t crc = crc32_update(0, head, AT_HEAD_CRC);

    crc = crc32_update(crc, zeros, sizeof zeros);
    return crc32_update(crc, head + AT_HEAD_CRC + 4, size - AT_HEAD_CRC - 4);
}
