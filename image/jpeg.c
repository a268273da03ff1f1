/* JPEG files (ITU-T T.81): the walk from marker to marker, and the drive through the stages of jpeg_internal.h.
 *
 * Read are Huffman-coded files of 8 bits, sequential and progressive, with 1, 3 or 4 components, as Pillow 9.4 with
 * libjpeg-turbo 2.1 shows them after convert("RGB"), to the byte. Like Pillow, a file that lacks its end is refused.
 * Unlike Pillow, so is one with invalid codes in it, and EXIF orientation plays no part in either.
 *
 * Where one scan holds all components, rows are finished as they are decoded and memory beyond the picture is a few rows;
 * else all coefficients are kept, two bytes each, until the last scan. */
#include "image/codec.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/large.h"
#include "image/jpeg_internal.h"

/* The code of the next marker at or behind *position, which is moved past it; -1 at the end of the file. Other bytes before
 * it are skipped, as libjpeg does. */
static int next_marker(const unsigned char *data, size_t size, size_t *position)
{
    size_t p;

    for (p = *position; p + 1 < size; p++)
        if (data[p] == 0xff && data[p + 1] != 0 && data[p + 1] != 0xff) {
            *position = p + 2;
            return data[p + 1];
        }
    *position = size;
    return -1;
}

/* The segment at the current position; moves past it. */
static int read_segment(Jpeg *j, Segment *s)
{
    size_t length;

    if (j->size - j->position < 2)
        return jpeg_truncated(j);
    length = get_u16be(j->data + j->position);
    if (length < 2)
        return jpeg_corrupt(j, "a segment length below 2");
    if (length > j->size - j->position)
        return jpeg_truncated(j);
    s->data = j->data + j->position + 2;
    s->size = length - 2;
    j->position += length;
    return LAKE_OK;
}

/* What the components mean, by libjpeg's rules: JFIF's mark, else Adobe's, else the components' names. */
static int color_of(const Jpeg *j)
{
    const Component *c = j->component;

    if (j->component_count == 1)
        return COLOR_GREY;
    if (j->component_count == 4)
        return j->adobe_transform > 0 ? COLOR_YCCK : COLOR_CMYK;
    if (j->has_jfif)
        return COLOR_YCC;
    if (j->adobe_transform >= 0)
        return j->adobe_transform == 0 ? COLOR_RGB : COLOR_YCC;
    return c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B' ? COLOR_RGB : COLOR_YCC;
}

static int allocate_component(Jpeg *j, Component *c)
{
    size_t coefficients, samples;

    c->stored_rows = j->stream ? c->v : j->mcus_high * c->v;
    if (!size_multiply(c->stride, (size_t)c->stored_rows, &coefficients) ||
        !size_multiply(coefficients, JPEG_BLOCK, &coefficients) ||
        !size_multiply(c->stride, (size_t)(16 * c->v) * 8, &samples))
        return error_memory(j->error, "JPEG coefficients");
    c->coefficients = large_calloc(coefficients, sizeof *c->coefficients);
    c->samples = malloc(samples);
    c->line = malloc((size_t)c->width * (size_t)(j->max_h / c->h));
    if (c->coefficients == NULL || c->samples == NULL || c->line == NULL)
        return error_memory(j->error, "JPEG coefficients");
    return LAKE_OK;
}

/* At the first scan: everything about the picture is known, memory is taken. */
static int start_picture(Jpeg *j)
{
    int i, rc;

    j->stream = !j->progressive && j->scan.count == j->component_count;
    j->color = color_of(j);
    rc = img_allocate(&j->image, (size_t)j->width, (size_t)j->height, j->name, j->max_pixels, j->error);
    for (i = 0; rc == LAKE_OK && i < j->component_count; i++)
        rc = allocate_component(j, &j->component[i]);
    return rc;
}

/* The message for a segment that could not be decoded: did the file end, or are its bits wrong? */
static int bad_bits(Jpeg *j)
{
    const BitReader *reader = &j->reader;
    const size_t unread = bits_unread(reader);

    j->position = reader->position - unread; /* less what was stuffed between them: near enough for a message */
    return reader->ended && unread == 0 && reader->position + 1 >= j->size ? jpeg_truncated(j)
                                                                          : jpeg_corrupt(j, "invalid coded data");
}

/* At the end of a restart interval the next marker must be the restart marker whose turn it is; bits and predictions
 * start anew behind it. */
static int restart(Jpeg *j)
{
    Scan *scan = &j->scan;
    int i, marker;

    j->position = j->reader.position;
    marker = next_marker(j->data, j->size, &j->position);
    if (marker < 0)
        return jpeg_truncated(j);
    if (marker != RST0 + scan->restarts % 8)
        return jpeg_corrupt(j, "a restart marker that is missing or out of turn");
    scan->restarts++;
    scan->mcus_to_restart = j->restart_interval - 1;
    scan->end_of_band_run = 0;
    for (i = 0; i < scan->count; i++)
        scan->component[i]->dc_prediction = 0;
    bits_start(&j->reader, j->data, j->size, j->position);
    return LAKE_OK;
}

/* Called before each MCU. */
static int prepare_mcu(Jpeg *j)
{
    int rc = LAKE_OK;

    if (j->restart_interval > 0 && j->scan.mcus_to_restart-- == 0)
        rc = restart(j);
    if (rc == LAKE_OK)
        bits_prepare(&j->reader);
    return rc;
}

static int16_t *block_at(const Component *c, int block_row, int block)
{
    return c->coefficients + ((size_t)(block_row % c->stored_rows) * c->stride + (size_t)block) * JPEG_BLOCK;
}

/* One row of MCUs of a scan with several components: each MCU holds h x v blocks of each (A.2.3). */
static int decode_mcu_row(Jpeg *j, int row)
{
    Scan *scan = &j->scan;
    int mcu, i, x, y, rc;

    for (mcu = 0; mcu < j->mcus_wide; mcu++) {
        rc = prepare_mcu(j);
        if (rc != LAKE_OK)
            return rc;
        for (i = 0; i < scan->count; i++) {
            Component *c = scan->component[i];
            for (y = 0; y < c->v; y++) {
                int16_t *block = block_at(c, row * c->v + y, mcu * c->h);
                for (x = 0; x < c->h; x++, block += JPEG_BLOCK)
                    if (!huffman_block(j, c, block))
                        return bad_bits(j);
            }
        }
        if (bits_overrun(&j->reader))
            return bad_bits(j);
    }
    return LAKE_OK;
}

/* The same rows of a scan with one component: blocks in reading order, without those that only fill up MCUs (A.2.2). */
static int decode_block_rows(Jpeg *j, int row)
{
    Component *c = j->scan.component[0];
    int x, y, rc;

    for (y = row * c->v; y < (row + 1) * c->v && y < c->blocks_high; y++) {
        int16_t *block = block_at(c, y, 0);
        for (x = 0; x < c->blocks_wide; x++, block += JPEG_BLOCK) {
            rc = prepare_mcu(j);
            if (rc != LAKE_OK)
                return rc;
            if (!huffman_block(j, c, block) || bits_overrun(&j->reader))
                return bad_bits(j);
        }
    }
    return LAKE_OK;
}

/* Samples of one row of MCUs, then the picture rows that are complete with them: all but the last row group, whose lower
 * neighbours are still to come. */
static void finish_row(Jpeg *j, int row)
{
    const int group = j->max_v, first = row * 8 * group - group, end = first + 8 * group;
    int i, y;

    for (i = 0; i < j->component_count; i++) {
        Component *c = &j->component[i];
        const size_t row_bytes = 8 * c->stride, blocks = ((size_t)c->blocks_wide + 1) / 2 * 2;
        for (y = row * c->v; y < (row + 1) * c->v && y < c->blocks_high; y++) {
            unsigned char *out = c->samples + (size_t)(y % (2 * c->v)) * 8 * row_bytes;
            j->pixels->idct(out, row_bytes, block_at(c, y, 0), c->quant, blocks);
        }
    }
    color_rows(j, first < 0 ? 0 : first, row == j->mcus_high - 1 ? j->height : end);
}

static int decode_scan(Jpeg *j)
{
    Scan *scan = &j->scan;
    int row, i, rc = LAKE_OK;

    for (i = 0; i < scan->count; i++)
        scan->component[i]->dc_prediction = 0;
    scan->mcus_to_restart = j->restart_interval;
    bits_start(&j->reader, j->data, j->size, j->position);
    for (row = 0; row < j->mcus_high; row++) {
        rc = scan->count == 1 ? decode_block_rows(j, row) : decode_mcu_row(j, row);
        if (rc != LAKE_OK)
            return rc;
        if (j->stream)
            finish_row(j, row);
    }
    j->position = j->reader.position;
    return LAKE_OK;
}

static int do_scan(Jpeg *j, Segment s)
{
    int rc;

    if (j->image.rgb != NULL && j->stream)
        return jpeg_corrupt(j, "a scan behind the one that held everything");
    rc = jpeg_read_scan(j, s);
    if (rc == LAKE_OK && j->image.rgb == NULL)
        rc = start_picture(j);
    return rc == LAKE_OK ? decode_scan(j) : rc;
}

/* At the end of the file: where coefficients were kept, makes the picture of them. A progressive file without all its
 * scans would be smoothed by libjpeg, that is, partly guessed; it is refused. */
static int finish_picture(Jpeg *j)
{
    int i, k, row;

    if (j->image.rgb == NULL)
        return jpeg_corrupt(j, "no scan");
    for (i = 0; i < j->component_count; i++) {
        if (!j->component[i].scanned)
            return jpeg_corrupt(j, "a component without a scan");
        for (k = 0; j->progressive && k < JPEG_BLOCK; k++)
            if (j->component[i].known_bits[k] != 0)
                return jpeg_corrupt(j, "a progressive file without all its scans");
    }
    for (row = 0; !j->stream && row < j->mcus_high; row++)
        finish_row(j, row);
    return LAKE_OK;
}

/* Everything but markers that stand alone. */
static int read_marker_segment(Jpeg *j, int marker)
{
    Segment s = {NULL, 0};
    int rc;

    rc = read_segment(j, &s);
    if (rc != LAKE_OK)
        return rc;
    if (marker == DHT)
        return jpeg_read_huffman(j, s);
    if (marker == DQT)
        return jpeg_read_quantisation(j, s);
    if (marker == SOS)
        return do_scan(j, s);
    if (marker == DRI) {
        if (s.size != 2)
            return jpeg_corrupt(j, "a bad restart interval");
        j->restart_interval = get_u16be(s.data);
        return LAKE_OK;
    }
    if (marker >= APP0 && marker <= APP15) {
        jpeg_read_application(j, marker, s);
        return LAKE_OK;
    }
    if (marker == COM || marker == DNL || marker == DAC)
        return LAKE_OK;
    if (marker >= SOF0 && marker <= SOF15 && marker != JPG)
        return jpeg_read_frame(j, marker, s);
    return jpeg_corrupt(j, "an unknown marker");
}

static int read_markers(Jpeg *j)
{
    int rc = LAKE_OK;

    if (j->size < 2 || j->data[0] != 0xff || j->data[1] != SOI)
        return error_set(j->error, LAKE_BAD_INPUT, "%s: not a JPEG file", j->name);
    j->position = 2;
    while (rc == LAKE_OK) {
        const int marker = next_marker(j->data, j->size, &j->position);
        if (marker < 0)
            return jpeg_truncated(j);
        if (marker == EOI)
            return finish_picture(j);
        if (marker == SOI)
            return jpeg_corrupt(j, "a second start of image");
        if ((marker < RST0 || marker > RST7) && marker != TEM)
            rc = read_marker_segment(j, marker);
    }
    return rc;
}

int jpeg_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e)
{
    Jpeg *j = calloc(1, sizeof *j);
    int i, rc;

    if (j == NULL)
        return error_memory(e, "the JPEG decoder");
    j->data = data;
    j->size = size;
    j->name = name;
    j->max_pixels = max_pixels;
    j->error = e;
    j->adobe_transform = -1;
    j->pixels = pixels_choose();
    rc = read_markers(j);
    for (i = 0; i < j->component_count && i < JPEG_MAX_COMPONENTS; i++) {
        free(j->component[i].coefficients);
        free(j->component[i].samples);
        free(j->component[i].line);
    }
    if (rc == LAKE_OK)
        *image = j->image;
    else
        img_free(&j->image);
    free(j);
    return rc;
}
