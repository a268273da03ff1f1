/* PNM: the Netpbm formats P1 to P6 (netpbm.sourceforge.net, pbm(5), pgm(5), ppm(5)); the first picture of a
 * file is read. Where the specification leaves a choice, samples become bytes as in Pillow 9.4: round(v *
 * 255 / maxval), ties to even, computed in double. Grey with a maxval above 255 is what Pillow calls mode "I":
 * it is scaled to 65535 and, on the way to RGB, clipped at 255. */
#include "image/codec.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

enum { MAX_DIGITS = 10 }; /* as in Pillow; a longer number could only be a wrong one */

typedef struct {
    const unsigned char *p, *end; /* what is not read yet */
    const char *name;
    Error *e;
    int kind; /* 1 to 6: bits, greys, colours as text; the same in binary */
    size_t width, height;
    uint64_t maxval;
    unsigned char bytes[65536]; /* the byte that a sample becomes */
} Pnm;

static int cut_off(const Pnm *f, const char *where)
{
    return error_set(f->e, LAKE_BAD_INPUT, "%s: damaged PNM: it ends inside its %s: is the file cut off?", f->name, where);
}

static int is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* The next character of the text, or -1 at the end. Comments, from '#' to the end of the line, are as good as
 * not there, even within a number: the specification says so. */
static int next_char(Pnm *f)
{
    while (f->p < f->end && *f->p == '#') {
        while (f->p < f->end && *f->p != '\n' && *f->p != '\r')
            f->p++;
        if (f->p < f->end)
            f->p++;
    }
    return f->p < f->end ? *f->p++ : -1;
}

static int not_a_number(const Pnm *f, int c)
{
    return error_set(f->e, LAKE_BAD_INPUT, "%s: damaged PNM: byte 0x%02x where a number was expected", f->name, (unsigned)c);
}

/* Reads a number of at most `limit` and the one white space character behind it. */
static int read_number(Pnm *f, uint64_t *value, uint64_t limit, const char *where)
{
    int c = next_char(f), digits = 0;

    while (is_space(c))
        c = next_char(f);
    if (c < 0)
        return cut_off(f, where);
    for (*value = 0; is_digit(c) && digits < MAX_DIGITS; digits++) {
        *value = *value * 10 + (uint64_t)(c - '0');
        c = next_char(f);
    }
    if (*value > limit || is_digit(c))
        return error_set(f->e, LAKE_BAD_INPUT, "%s: damaged PNM: a number above %llu in its %s", f->name,
                         (unsigned long long)limit, where);
    if (digits == 0 || (c >= 0 && !is_space(c)))
        return not_a_number(f, c);
    return LAKE_OK;
}

static int is_text(const Pnm *f)
{
    return f->kind <= 3;
}

static int is_bits(const Pnm *f)
{
    return f->kind == 1 || f->kind == 4;
}

static int is_color(const Pnm *f)
{
    return f->kind == 3 || f->kind == 6;
}

/* Fills f->bytes; see the top of the file. Binary samples may lie above maxval and become the largest byte. */
static void scale_samples(Pnm *f)
{
    double out_max = f->maxval > 255 && !is_color(f) ? 65535.0 : 255.0;

    for (unsigned v = 0; v < 65536; v++) {
        double share = (double)v / (double)f->maxval, scaled = rint(share * out_max);
        f->bytes[v] = (unsigned char)(scaled < 255.0 ? scaled : 255.0);
    }
}

static int read_header(Pnm *f, size_t max_pixels)
{
    uint64_t width, height;
    int code = read_number(f, &width, INT32_MAX, "header");

    if (code == LAKE_OK)
        code = read_number(f, &height, INT32_MAX, "header");
    if (code == LAKE_OK && !is_bits(f))
        code = read_number(f, &f->maxval, 65535, "header");
    if (code != LAKE_OK)
        return code;
    if (f->maxval == 0)
        return error_set(f->e, LAKE_BAD_INPUT, "%s: damaged PNM: the largest sample value is 0", f->name);
    f->width = (size_t)width;
    f->height = (size_t)height;
    return img_check_size(f->width, f->height, f->name, max_pixels, f->e);
}

/* Bytes that the samples take in the file at least: exact for binary kinds; as text a bit is one character,
 * and a number is at least one with white space between it and the next. The image's size has been checked,
 * so that 3 bytes per pixel fit a size_t, 6 perhaps not. */
static int data_size(const Pnm *f, size_t *size)
{
    size_t row = f->width;

    if (f->kind == 4)
        row = (f->width + 7) / 8;
    else if (!is_bits(f) && !size_multiply(row, (is_color(f) ? 3 : 1) * (is_text(f) || f->maxval > 255 ? 2 : 1), &row))
        return 0;
    if (!size_multiply(row, f->height, size))
        return 0;
    *size -= is_text(f) && !is_bits(f); /* nothing has to follow the last number */
    return 1;
}

static void read_binary(Pnm *f, unsigned char *out)
{
    size_t wide = f->maxval > 255 ? 2 : 1, samples = f->width * f->height * (is_color(f) ? 3 : 1);

    for (; samples > 0; samples--, f->p += wide) {
        unsigned char byte = f->bytes[wide == 2 ? f->p[0] << 8 | f->p[1] : f->p[0]];
        *out++ = byte;
        if (!is_color(f)) {
            *out++ = byte;
            *out++ = byte;
        }
    }
}

/* Eight pixels a byte, the first one highest, rows filled up to whole bytes; 1 is black. */
static void read_packed_bits(Pnm *f, unsigned char *out)
{
    for (size_t y = 0; y < f->height; y++, f->p += (f->width + 7) / 8)
        for (size_t x = 0; x < f->width; x++, out += 3)
            memset(out, f->p[x / 8] >> (7 - x % 8) & 1 ? 0 : 255, 3);
}

/* The next 0 or 1 of a bitmap as text, which needs no white space between them. */
static int read_bit(Pnm *f, int *bit)
{
    int c = next_char(f);

    while (is_space(c))
        c = next_char(f);
    if (c < 0)
        return cut_off(f, "pixels");
    if (c != '0' && c != '1')
        return not_a_number(f, c);
    *bit = c == '1';
    return LAKE_OK;
}

static int read_text(Pnm *f, unsigned char *out)
{
    size_t samples = f->width * f->height * (is_color(f) ? 3 : 1);
    int code = LAKE_OK;

    for (; samples > 0 && code == LAKE_OK; samples--) {
        uint64_t value = 0;
        int bit = 0, byte;
        if (is_bits(f))
            code = read_bit(f, &bit);
        else
            code = read_number(f, &value, f->maxval, "pixels");
        byte = is_bits(f) ? (bit ? 0 : 255) : f->bytes[value & 65535];
        memset(out, byte, is_color(f) ? 1 : 3);
        out += is_color(f) ? 1 : 3;
    }
    return code;
}

int pnm_decode(Image *image, const unsigned char *data, size_t size, const char *name, size_t max_pixels, Error *e)
{
    Pnm f;
    size_t needed;
    int code;

    memset(image, 0, sizeof *image);
    if (size < 2 || data[0] != 'P' || data[1] < '1' || data[1] > '6')
        return error_set(e, LAKE_BAD_INPUT, "%s: is no PNM file", name);
    f.p = data + 2;
    f.end = data + size;
    f.name = name;
    f.e = e;
    f.kind = data[1] - '0';
    f.maxval = 1;
    code = read_header(&f, max_pixels);
    if (code != LAKE_OK)
        return code;
    if (!data_size(&f, &needed) || (size_t)(f.end - f.p) < needed)
        return cut_off(&f, "pixels");
    code = img_allocate(image, f.width, f.height, name, max_pixels, e);
    if (code != LAKE_OK)
        return code;
    scale_samples(&f);
    if (is_text(&f))
        code = read_text(&f, image->rgb);
    else if (f.kind == 4)
        read_packed_bits(&f, image->rgb);
    else
        read_binary(&f, image->rgb);
    if (code != LAKE_OK)
        img_free(image);
    return code;
}
