/* JPEG files (ITU-T T.81): markers, frame and scan headers, and the drive through the stages of jpeg_internal.h.
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
#include "image/jpeg_internal.h"

enum {
    SOF0 = 0xc0, SOF2 = 0xc2, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc, SOF15 = 0xcf, RST0 = 0xd0, RST7 = 0xd7,
    SOI = 0xd8, EOI = 0xd9, SOS = 0xda, DQT = 0xdb, DNL = 0xdc, DRI = 0xdd, APP0 = 0xe0, APP14 = 0xee,
    APP15 = 0xef, COM = 0xfe, TEM = 0x01
};

/* The contents of one marker segment, behind its length. */
typedef struct {
    const unsigned char *data;
    size_t size;
} Segment;

static int corrupt(Jpeg *j, const char *what)
{
    return error_set(j->error, LAKE_BAD_INPUT, "%s: damaged JPEG: %s near byte %lu of %lu", j->name, what,
                     (unsigned long)j->position, (unsigned long)j->size);
}

static int truncated(Jpeg *j)
{
    return error_set(j->error, LAKE_BAD_INPUT, "%s: truncated JPEG: the file ends after %lu bytes, before the picture does",
                     j->name, (unsigned long)j->size);
}

static int unsupported(Jpeg *j, const char *what)
{
    return error_set(j->error, LAKE_BAD_INPUT, "%s: %s JPEG is not supported; convert the picture to PNG or baseline JPEG",
                     j->name, what);
}

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
        return truncated(j);
    length = get_u16be(j->data + j->position);
    if (length < 2)
        return corrupt(j, "a segment length below 2");
    if (length > j->size - j->position)
        return truncated(j);
    s->data = j->data + j->position + 2;
    s->size = length - 2;
    j->position += length;
    return LAKE_OK;
}

static int read_quantisation(Jpeg *j, Segment s)
{
    while (s.size > 0) {
        const int wide = s.data[0] >> 4, index = s.data[0] & 15;
        const size_t bytes = 1 + (wide ? 128 : 64);
        int k;
        if (index > 3 || wide > 1 || s.size < bytes)
            return corrupt(j, "a bad quantisation table");
        for (k = 0; k < JPEG_BLOCK; k++)
            j->quant[index][jpeg_natural_order[k]] = wide ? get_u16be(s.data + 1 + 2 * k) : s.data[1 + k];
        j->quant_defined[index] = 1;
        s.data += bytes;
        s.size -= bytes;
    }
    return LAKE_OK;
}

static int read_huffman(Jpeg *j, Segment s)
{
    while (s.size > 0) {
        const int is_ac = s.data[0] >> 4, index = s.data[0] & 15;
        int i, symbols = 0;
        if (index > 3 || is_ac > 1 || s.size < 17)
            return corrupt(j, "a bad Huffman table");
        for (i = 1; i <= 16; i++)
            symbols += s.data[i];
        if (symbols > 256 || s.size - 17 < (size_t)symbols ||
            !huffman_build(is_ac ? &j->ac[index] : &j->dc[index], s.data + 1, s.data + 17, symbols))
            return corrupt(j, "a bad Huffman table");
        s.data += 17 + symbols;
        s.size -= 17 + (size_t)symbols;
    }
    return LAKE_OK;
}

/* JFIF's and Adobe's marks say how colours are stored. */
static void read_application(Jpeg *j, int marker, Segment s)
{
    if (marker == APP0 && s.size >= 14 && memcmp(s.data, "JFIF", 5) == 0)
        j->has_jfif = 1;
    if (marker == APP14 && s.size >= 12 && memcmp(s.data, "Adobe", 5) == 0)
        j->adobe_transform = s.data[11];
}

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

/* Sizes in samples, blocks and MCUs (A.1.1, A.2). */
static void set_geometry(Jpeg *j)
{
    int i;

    j->max_h = j->max_v = 1;
    for (i = 0; i < j->component_count; i++) {
        if (j->component[i].h > j->max_h)
            j->max_h = j->component[i].h;
        if (j->component[i].v > j->max_v)
            j->max_v = j->component[i].v;
    }
    j->mcus_wide = divide_up(j->width, 8 * j->max_h);
    j->mcus_high = divide_up(j->height, 8 * j->max_v);
    for (i = 0; i < j->component_count; i++) {
        Component *c = &j->component[i];
        c->width = divide_up(j->width * c->h, j->max_h);
        c->height = divide_up(j->height * c->v, j->max_v);
        c->blocks_wide = divide_up(c->width, 8);
        c->blocks_high = divide_up(c->height, 8);
        c->stride = (size_t)j->mcus_wide * (size_t)c->h;
    }
}

/* A header may promise a picture that the file cannot hold. Every block takes at least one bit of each table used
 * for it, so the bytes left say whether to take memory. */
static int check_plausible(Jpeg *j)
{
    const size_t bits_per_block = j->progressive ? 1 : 2;
    size_t blocks = 0;
    int i;

    for (i = 0; i < j->component_count; i++)
        blocks += (size_t)j->component[i].blocks_wide * (size_t)j->component[i].blocks_high;
    if (blocks / 8 * bits_per_block > j->size - j->position)
        return error_set(j->error, LAKE_BAD_INPUT,
                         "%s: truncated JPEG: %lu bytes follow a header that promises %d x %d pixels", j->name,
                         (unsigned long)(j->size - j->position), j->width, j->height);
    return LAKE_OK;
}

static int check_frame_kind(Jpeg *j, int marker, int precision)
{
    if (marker == SOF0 + 3 || marker == SOF0 + 7 || marker == SOF0 + 11 || marker == SOF15)
        return unsupported(j, "a lossless");
    if (marker > JPG)
        return unsupported(j, "an arithmetic-coded");
    if (marker > SOF2)
        return unsupported(j, "a hierarchical");
    if (precision != 8)
        return unsupported(j, precision == 12 ? "a 12-bit" : "a not 8-bit");
    return LAKE_OK;
}

static int read_frame(Jpeg *j, int marker, Segment s)
{
    int i, rc;

    if (j->width > 0)
        return corrupt(j, "a second frame header");
    if (s.size < 6)
        return corrupt(j, "a short frame header");
    rc = check_frame_kind(j, marker, s.data[0]);
    if (rc != LAKE_OK)
        return rc;
    j->progressive = marker == SOF2;
    j->height = get_u16be(s.data + 1);
    j->width = get_u16be(s.data + 3);
    j->component_count = s.data[5];
    if (j->height == 0 && j->width > 0)
        return unsupported(j, "a height-behind-the-picture (DNL)");
    if (j->width == 0)
        return corrupt(j, "a width of 0");
    if (j->component_count != 1 && j->component_count != 3 && j->component_count != 4)
        return error_set(j->error, LAKE_BAD_INPUT, "%s: a JPEG with %d components, expected 1, 3 or 4", j->name,
                         j->component_count);
    if (s.size != 6 + 3 * (size_t)j->component_count)
        return corrupt(j, "a frame header of the wrong length");
    for (i = 0; i < j->component_count; i++) {
        Component *c = &j->component[i];
        c->id = s.data[6 + 3 * i];
        c->h = s.data[7 + 3 * i] >> 4;
        c->v = s.data[7 + 3 * i] & 15;
        c->quant_index = s.data[8 + 3 * i];
        memset(c->known_bits, -1, sizeof c->known_bits);
        if (c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4 || c->quant_index > 3)
            return corrupt(j, "a bad component in the frame header");
    }
    set_geometry(j);
    if (!upsample_choose(j))
        return unsupported(j, "a fractionally subsampled");
    return check_plausible(j);
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
    c->coefficients = calloc(coefficients, sizeof *c->coefficients);
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

/* The component that a scan header names: the first of that name which the scan does not hold yet. */
static Component *find_component(Jpeg *j, int id, int already)
{
    int i, k;

    for (i = 0; i < j->component_count; i++) {
        for (k = 0; k < already && j->scan.component[k] != &j->component[i]; k++)
            ;
        if (j->component[i].id == id && k == already)
            return &j->component[i];
    }
    return NULL;
}

/* Which bits of which coefficients a progressive scan brings must follow on what is known (G.1.1.1). */
static int check_progression(Jpeg *j)
{
    const Scan *scan = &j->scan;
    int i, k;

    if (scan->first > scan->last || scan->last > 63 || scan->low > 13 || (scan->first == 0 && scan->last != 0) ||
        (scan->first > 0 && scan->count != 1) || (scan->high != 0 && scan->low != scan->high - 1))
        return corrupt(j, "bad progressive scan parameters");
    for (i = 0; i < scan->count; i++)
        for (k = scan->first; k <= scan->last; k++) {
            signed char *known = &scan->component[i]->known_bits[k];
            if (*known != (scan->high == 0 ? -1 : scan->high))
                return corrupt(j, "progressive scans out of order");
            *known = (signed char)scan->low;
        }
    return LAKE_OK;
}

/* The tables a component needs in this scan; its quantisation table is copied, for it may be replaced later. */
static int check_tables(Jpeg *j, Component *c)
{
    const int needs_dc = !j->progressive || (j->scan.first == 0 && j->scan.high == 0);
    const int needs_ac = !j->progressive || j->scan.first > 0;

    if (!c->quant_fixed) {
        if (!j->quant_defined[c->quant_index])
            return corrupt(j, "a missing quantisation table");
        memcpy(c->quant, j->quant[c->quant_index], sizeof c->quant);
        c->quant_fixed = 1;
    }
    if (needs_dc && !j->dc[c->dc_table].defined)
        return corrupt(j, "a missing Huffman table");
    if (needs_dc && j->dc[c->dc_table].largest_symbol > 15)
        return corrupt(j, "a bad Huffman table");
    if (needs_ac && !j->ac[c->ac_table].defined)
        return corrupt(j, "a missing Huffman table");
    return LAKE_OK;
}

static int read_scan(Jpeg *j, Segment s)
{
    Scan *scan = &j->scan;
    int i, rc, blocks = 0;

    if (j->width == 0)
        return corrupt(j, "a scan before the frame header");
    memset(scan, 0, sizeof *scan);
    scan->count = s.size > 0 ? s.data[0] : 0;
    if (scan->count < 1 || scan->count > 4 || s.size != 4 + 2 * (size_t)scan->count)
        return corrupt(j, "a bad scan header");
    for (i = 0; i < scan->count; i++) {
        Component *c = find_component(j, s.data[1 + 2 * i], i);
        if (c == NULL)
            return corrupt(j, "a scan of an unknown component");
        c->dc_table = s.data[2 + 2 * i] >> 4;
        c->ac_table = s.data[2 + 2 * i] & 15;
        if (c->dc_table > 3 || c->ac_table > 3)
            return corrupt(j, "a bad scan header");
        scan->component[i] = c;
        blocks += c->h * c->v;
    }
    if (scan->count > 1 && blocks > 10)
        return corrupt(j, "more than 10 blocks in an MCU");
    scan->first = s.data[1 + 2 * i];
    scan->last = s.data[2 + 2 * i];
    scan->high = s.data[3 + 2 * i] >> 4;
    scan->low = s.data[3 + 2 * i] & 15;
    if (!j->progressive) /* libjpeg does not mind what a sequential scan says here */
        scan->first = scan->last = scan->high = scan->low = 0;
    else if ((rc = check_progression(j)) != LAKE_OK)
        return rc;
    huffman_standard(j->dc, j->ac);
    for (i = 0; i < scan->count; i++) {
        if (!j->progressive && scan->component[i]->scanned)
            return corrupt(j, "a component coded twice");
        scan->component[i]->scanned = 1;
        rc = check_tables(j, scan->component[i]);
        if (rc != LAKE_OK)
            return rc;
    }
    return LAKE_OK;
}

/* The message for a segment that could not be decoded: did the file end, or are its bits wrong? */
static int bad_bits(Jpeg *j)
{
    j->position = j->scan.bits.position;
    return j->scan.bits.ended && j->position + 1 >= j->size ? truncated(j) : corrupt(j, "invalid coded data");
}

/* Called before each MCU: at the end of a restart interval the next marker must be the restart marker whose turn it is;
 * bits and predictions start anew behind it. */
static int restart_if_due(Jpeg *j)
{
    Scan *scan = &j->scan;
    int i, marker;

    if (j->restart_interval == 0 || scan->mcus_to_restart-- > 0)
        return LAKE_OK;
    j->position = scan->bits.position;
    marker = next_marker(j->data, j->size, &j->position);
    if (marker < 0)
        return truncated(j);
    if (marker != RST0 + scan->restarts % 8)
        return corrupt(j, "a restart marker that is missing or out of turn");
    scan->restarts++;
    scan->mcus_to_restart = j->restart_interval - 1;
    scan->end_of_band_run = 0;
    for (i = 0; i < scan->count; i++)
        scan->component[i]->dc_prediction = 0;
    bits_start(&scan->bits, j->data, j->size, j->position);
    return LAKE_OK;
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
        rc = restart_if_due(j);
        if (rc != LAKE_OK)
            return rc;
        for (i = 0; i < scan->count; i++) {
            Component *c = scan->component[i];
            for (y = 0; y < c->v; y++)
                for (x = 0; x < c->h; x++)
                    if (!huffman_block(j, c, block_at(c, row * c->v + y, mcu * c->h + x)))
                        return bad_bits(j);
        }
        if (bits_overrun(&scan->bits))
            return bad_bits(j);
    }
    return LAKE_OK;
}

/* The same rows of a scan with one component: blocks in reading order, without those that only fill up MCUs (A.2.2). */
static int decode_block_rows(Jpeg *j, int row)
{
    Component *c = j->scan.component[0];
    int x, y, rc;

    for (y = row * c->v; y < (row + 1) * c->v && y < c->blocks_high; y++)
        for (x = 0; x < c->blocks_wide; x++) {
            rc = restart_if_due(j);
            if (rc != LAKE_OK)
                return rc;
            if (!huffman_block(j, c, block_at(c, y, x)) || bits_overrun(&j->scan.bits))
                return bad_bits(j);
        }
    return LAKE_OK;
}

/* Samples of one row of MCUs, then the picture rows that are complete with them: all but the last row group, whose lower
 * neighbours are still to come. */
static void finish_row(Jpeg *j, int row)
{
    const int group = j->max_v, first = row * 8 * group - group, end = first + 8 * group;
    int i, x, y;

    for (i = 0; i < j->component_count; i++) {
        Component *c = &j->component[i];
        const size_t row_bytes = 8 * c->stride;
        for (y = row * c->v; y < (row + 1) * c->v && y < c->blocks_high; y++) {
            unsigned char *out = c->samples + (size_t)(y % (2 * c->v)) * 8 * row_bytes;
            for (x = 0; x < c->blocks_wide; x++)
                jpeg_idct(out + 8 * (size_t)x, row_bytes, block_at(c, y, x), c->quant);
        }
    }
    color_rows(j, first < 0 ? 0 : first, row == j->mcus_high - 1 ? j->height : end);
}

static void clear_coefficients(Jpeg *j)
{
    int i;

    for (i = 0; i < j->component_count; i++) {
        Component *c = &j->component[i];
        memset(c->coefficients, 0, c->stride * (size_t)c->stored_rows * JPEG_BLOCK * sizeof *c->coefficients);
    }
}

static int decode_scan(Jpeg *j)
{
    Scan *scan = &j->scan;
    int row, i, rc = LAKE_OK;

    for (i = 0; i < scan->count; i++)
        scan->component[i]->dc_prediction = 0;
    scan->mcus_to_restart = j->restart_interval;
    bits_start(&scan->bits, j->data, j->size, j->position);
    for (row = 0; row < j->mcus_high; row++) {
        if (j->stream)
            clear_coefficients(j);
        rc = scan->count == 1 ? decode_block_rows(j, row) : decode_mcu_row(j, row);
        if (rc != LAKE_OK)
            return rc;
        if (j->stream)
            finish_row(j, row);
    }
    j->position = scan->bits.position;
    return LAKE_OK;
}

static int do_scan(Jpeg *j, Segment s)
{
    int rc;

    if (j->image.rgb != NULL && j->stream)
        return corrupt(j, "a scan behind the one that held everything");
    rc = read_scan(j, s);
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
        return corrupt(j, "no scan");
    for (i = 0; i < j->component_count; i++) {
        if (!j->component[i].scanned)
            return corrupt(j, "a component without a scan");
        for (k = 0; j->progressive && k < JPEG_BLOCK; k++)
            if (j->component[i].known_bits[k] != 0)
                return corrupt(j, "a progressive file without all its scans");
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
        return read_huffman(j, s);
    if (marker == DQT)
        return read_quantisation(j, s);
    if (marker == SOS)
        return do_scan(j, s);
    if (marker == DRI) {
        if (s.size != 2)
            return corrupt(j, "a bad restart interval");
        j->restart_interval = get_u16be(s.data);
        return LAKE_OK;
    }
    if (marker >= APP0 && marker <= APP15) {
        read_application(j, marker, s);
        return LAKE_OK;
    }
    if (marker == COM || marker == DNL || marker == DAC)
        return LAKE_OK;
    if (marker >= SOF0 && marker <= SOF15 && marker != JPG)
        return read_frame(j, marker, s);
    return corrupt(j, "an unknown marker");
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
            return truncated(j);
        if (marker == EOI)
            return finish_picture(j);
        if (marker == SOI)
            return corrupt(j, "a second start of image");
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
