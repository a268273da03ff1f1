/* What the marker segments of a JPEG file say (the standard, annex B.2): tables, the frame header, scan headers. Each is
 * checked here as far as it can be without decoding, so that the rest of the decoder may trust what stands in the Jpeg. */
#include <string.h>

#include "base/bytes.h"
#include "image/jpeg_internal.h"

int jpeg_corrupt(Jpeg *j, const char *what)
{
    return error_set(j->error, LAKE_BAD_INPUT, "%s: damaged JPEG: %s near byte %lu of %lu", j->name, what,
                     (unsigned long)j->position, (unsigned long)j->size);
}

int jpeg_truncated(Jpeg *j)
{
    return error_set(j->error, LAKE_BAD_INPUT, "%s: truncated JPEG: the file ends after %lu bytes, before the picture does",
                     j->name, (unsigned long)j->size);
}

int jpeg_unsupported(Jpeg *j, const char *what)
{
    return error_set(j->error, LAKE_BAD_INPUT, "%s: %s JPEG is not supported; convert the picture to PNG or baseline JPEG",
                     j->name, what);
}

int jpeg_read_quantisation(Jpeg *j, Segment s)
{
    while (s.size > 0) {
        const int wide = s.data[0] >> 4, index = s.data[0] & 15;
        const size_t bytes = 1 + (wide ? 128 : 64);
        int k;
        if (index > 3 || wide > 1 || s.size < bytes)
            return jpeg_corrupt(j, "a bad quantisation table");
        for (k = 0; k < JPEG_BLOCK; k++)
            j->quant[index][jpeg_natural_order[k]] = wide ? get_u16be(s.data + 1 + 2 * k) : s.data[1 + k];
        j->quant_defined[index] = 1;
        s.data += bytes;
        s.size -= bytes;
    }
    return LAKE_OK;
}

int jpeg_read_huffman(Jpeg *j, Segment s)
{
    while (s.size > 0) {
        const int is_ac = s.data[0] >> 4, index = s.data[0] & 15;
        int i, symbols = 0;
        if (index > 3 || is_ac > 1 || s.size < 17)
            return jpeg_corrupt(j, "a bad Huffman table");
        for (i = 1; i <= 16; i++)
            symbols += s.data[i];
        if (symbols > 256 || s.size - 17 < (size_t)symbols ||
            !huffman_build(is_ac ? &j->ac[index] : &j->dc[index], s.data + 1, s.data + 17, symbols))
            return jpeg_corrupt(j, "a bad Huffman table");
        s.data += 17 + symbols;
        s.size -= 17 + (size_t)symbols;
    }
    return LAKE_OK;
}

void jpeg_read_application(Jpeg *j, int marker, Segment s)
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
        c->stride = ((size_t)j->mcus_wide * (size_t)c->h + 1) / 2 * 2;
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
        return jpeg_unsupported(j, "a lossless");
    if (marker > JPG)
        return jpeg_unsupported(j, "an arithmetic-coded");
    if (marker > SOF2)
        return jpeg_unsupported(j, "a hierarchical");
    if (precision != 8)
        return jpeg_unsupported(j, precision == 12 ? "a 12-bit" : "a not 8-bit");
    return LAKE_OK;
}

int jpeg_read_frame(Jpeg *j, int marker, Segment s)
{
    int i, rc;

    if (j->width > 0)
        return jpeg_corrupt(j, "a second frame header");
    if (s.size < 6)
        return jpeg_corrupt(j, "a short frame header");
    rc = check_frame_kind(j, marker, s.data[0]);
    if (rc != LAKE_OK)
        return rc;
    j->progressive = marker == SOF2;
    j->height = get_u16be(s.data + 1);
    j->width = get_u16be(s.data + 3);
    j->component_count = s.data[5];
    if (j->height == 0 && j->width > 0)
        return jpeg_unsupported(j, "a height-behind-the-picture (DNL)");
    if (j->width == 0)
        return jpeg_corrupt(j, "a width of 0");
    if (j->component_count != 1 && j->component_count != 3 && j->component_count != 4)
        return error_set(j->error, LAKE_BAD_INPUT, "%s: a JPEG with %d components, expected 1, 3 or 4", j->name,
                         j->component_count);
    if (s.size != 6 + 3 * (size_t)j->component_count)
        return jpeg_corrupt(j, "a frame header of the wrong length");
    for (i = 0; i < j->component_count; i++) {
        Component *c = &j->component[i];
        c->id = s.data[6 + 3 * i];
        c->h = s.data[7 + 3 * i] >> 4;
        c->v = s.data[7 + 3 * i] & 15;
        c->quant_index = s.data[8 + 3 * i];
        memset(c->known_bits, -1, sizeof c->known_bits);
        if (c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4 || c->quant_index > 3)
            return jpeg_corrupt(j, "a bad component in the frame header");
    }
    set_geometry(j);
    if (!upsample_choose(j))
        return jpeg_unsupported(j, "a fractionally subsampled");
    return check_plausible(j);
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
        return jpeg_corrupt(j, "bad progressive scan parameters");
    for (i = 0; i < scan->count; i++)
        for (k = scan->first; k <= scan->last; k++) {
            signed char *known = &scan->component[i]->known_bits[k];
            if (*known != (scan->high == 0 ? -1 : scan->high))
                return jpeg_corrupt(j, "progressive scans out of order");
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
            return jpeg_corrupt(j, "a missing quantisation table");
        memcpy(c->quant, j->quant[c->quant_index], sizeof c->quant);
        c->quant_fixed = 1;
    }
    if (needs_dc && !j->dc[c->dc_table].defined)
        return jpeg_corrupt(j, "a missing Huffman table");
    if (needs_dc && j->dc[c->dc_table].largest_symbol > 15)
        return jpeg_corrupt(j, "a bad Huffman table");
    if (needs_ac && !j->ac[c->ac_table].defined)
        return jpeg_corrupt(j, "a missing Huffman table");
    return LAKE_OK;
}

int jpeg_read_scan(Jpeg *j, Segment s)
{
    Scan *scan = &j->scan;
    int i, rc, blocks = 0;

    if (j->width == 0)
        return jpeg_corrupt(j, "a scan before the frame header");
    memset(scan, 0, sizeof *scan);
    scan->count = s.size > 0 ? s.data[0] : 0;
    if (scan->count < 1 || scan->count > 4 || s.size != 4 + 2 * (size_t)scan->count)
        return jpeg_corrupt(j, "a bad scan header");
    for (i = 0; i < scan->count; i++) {
        Component *c = find_component(j, s.data[1 + 2 * i], i);
        if (c == NULL)
            return jpeg_corrupt(j, "a scan of an unknown component");
        c->dc_table = s.data[2 + 2 * i] >> 4;
        c->ac_table = s.data[2 + 2 * i] & 15;
        if (c->dc_table > 3 || c->ac_table > 3)
            return jpeg_corrupt(j, "a bad scan header");
        scan->component[i] = c;
        blocks += c->h * c->v;
    }
    if (scan->count > 1 && blocks > 10)
        return jpeg_corrupt(j, "more than 10 blocks in an MCU");
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
            return jpeg_corrupt(j, "a component coded twice");
        scan->component[i]->scanned = 1;
        rc = check_tables(j, scan->component[i]);
        if (rc != LAKE_OK)
            return rc;
    }
    return LAKE_OK;
}
