/* .npy files; see npy.h. The header is a Python dictionary literal: {'descr': '<f4', 'fortran_order': False,
 * 'shape': (2, 3), }. It is read by a small scanner that accepts these three keys in any order, once each. */
#include "base/npy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/half.h"

typedef struct {
    const unsigned char *at, *end;
    NpyFile *file;
    const char *path;
    Error *e;
} Scanner;

static int malformed(Scanner *s, const char *expected)
{
    return error_set(s->e, LAKE_BAD_INPUT, "%s: damaged .npy header: expected %s", s->path, expected);
}

static void skip_space(Scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t'))
        s->at++;
}

/* Takes the character c (after space); 1 where it was there. */
static int take(Scanner *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != (unsigned char)c)
        return 0;
    s->at++;
    return 1;
}

static int take_word(Scanner *s, const char *word)
{
    size_t length = strlen(word);

    skip_space(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
        return 0;
    s->at += length;
    return 1;
}

/* A quoted string of at most size - 1 characters. */
static int take_string(Scanner *s, char *text, size_t size)
{
    size_t used = 0;
    unsigned char quote;

    skip_space(s);
    if (s->at == s->end || (*s->at != '\'' && *s->at != '"'))
        return 0;
    quote = *s->at++;
    while (s->at < s->end && *s->at != quote && used + 1 < size)
        text[used++] = (char)*s->at++;
    text[used] = '\0';
    return s->at < s->end && *s->at++ == quote;
}

static int read_type(Scanner *s)
{
    char type[16];

    if (!take_string(s, type, sizeof type))
        return error_set(s->e, LAKE_BAD_INPUT, "%s: not a plain array of numbers; save it as float32", s->path);
    if (strlen(type) != 3 || strchr("<>=", type[0]) == NULL || type[1] != 'f' || strchr("248", type[2]) == NULL)
        return error_set(s->e, LAKE_BAD_INPUT,
                         "%s: numbers of type '%s'; expected float16, float32 or float64: save it with "
                         ".astype(numpy.float32)",
                         s->path, type);
    s->file->item = (size_t)(type[2] - '0');
    s->file->big_endian = type[0] == '>' || (type[0] == '=' && !machine_is_little_endian());
    return LAKE_OK;
}

static int read_order(Scanner *s)
{
    if (take_word(s, "False"))
        return LAKE_OK;
    if (take_word(s, "True"))
        return error_set(s->e, LAKE_BAD_INPUT, "%s: in Fortran order; save it with numpy.ascontiguousarray(a)", s->path);
    return malformed(s, "False or True behind 'fortran_order'");
}

static int read_shape(Scanner *s)
{
    NpyFile *file = s->file;

    if (!take(s, '('))
        return malformed(s, "a tuple behind 'shape'");
    file->rank = 0;
    file->count = 1;
    while (!take(s, ')')) {
        size_t n = 0, digits = 0;
        skip_space(s);
        for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++, digits++)
            if (!size_multiply(n, 10, &n) || !size_add(n, (size_t)(*s->at - '0'), &n))
                return malformed(s, "a shape that this machine can address");
        if (digits == 0)
            return malformed(s, "whole numbers in 'shape'");
        if (file->rank == NPY_MAX_RANK)
            return malformed(s, "at most 8 dimensions");
        file->shape[file->rank++] = n;
        if (!size_multiply(file->count, n, &file->count))
            return malformed(s, "a shape that this machine can address");
        if (!take(s, ',')) {
            if (take(s, ')'))
                break;
            return malformed(s, "',' or ')' in 'shape'");
        }
    }
    return LAKE_OK;
}

static int read_dictionary(Scanner *s)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    static int (*const readers[])(Scanner *) = {read_type, read_order, read_shape};
    int seen[3] = {0, 0, 0};

    if (!take(s, '{'))
        return malformed(s, "'{'");
    while (!take(s, '}')) {
        char key[32];
        int which = 0, code;
        if (!take_string(s, key, sizeof key))
            return malformed(s, "a key in quotes");
        while (which < 3 && strcmp(key, keys[which]) != 0)
            which++;
        if (which == 3 || seen[which] || !take(s, ':'))
            return malformed(s, "the keys 'descr', 'fortran_order' and 'shape', once each");
        seen[which] = 1;
        code = readers[which](s);
        if (code != LAKE_OK)
            return code;
        if (!take(s, ',')) {
            if (take(s, '}'))
                break;
            return malformed(s, "',' or '}'");
        }
    }
    if (!seen[0] || !seen[1] || !seen[2])
        return malformed(s, "the keys 'descr', 'fortran_order' and 'shape'");
    return LAKE_OK;
}

static int parse(NpyFile *file, const char *path, Error *e)
{
    const unsigned char *data = file->view.data;
    size_t size = file->view.size, start, length, bytes;
    Scanner scanner = {NULL, NULL, NULL, NULL, NULL};
    int code;

    if (size < 10 || memcmp(data, "\x93NUMPY", 6) != 0)
        return error_set(e, LAKE_BAD_INPUT, "%s: not a .npy file (numpy.save makes them)", path);
    if (data[6] < 1 || data[6] > 3)
        return error_set(e, LAKE_BAD_INPUT, "%s: .npy format %d.%d; known are 1.0 to 3.0", path, data[6], data[7]);
    start = data[6] == 1 ? 10 : 12;
    if (size < start)
        return error_set(e, LAKE_BAD_INPUT, "%s: ends inside the .npy header", path);
    length = data[6] == 1 ? get_u16le(data + 8) : get_u32le(data + 8);
    if (length > size - start)
        return error_set(e, LAKE_BAD_INPUT, "%s: ends inside the .npy header", path);
    scanner.at = data + start;
    scanner.end = data + start + length;
    scanner.file = file;
    scanner.path = path;
    scanner.e = e;
    code = read_dictionary(&scanner);
    if (code != LAKE_OK)
        return code;
    size -= start + length;
    if (!size_multiply(file->count, file->item, &bytes) || bytes != size)
        return error_set(e, LAKE_BAD_INPUT,
                         "%s: the shape needs %llu numbers of %llu bytes, the file has %llu bytes of data", path,
                         (unsigned long long)file->count, (unsigned long long)file->item, (unsigned long long)size);
    file->data = data + start + length;
    return LAKE_OK;
}

int npy_open(NpyFile *file, const char *path, Error *e)
{
    int code;

    memset(file, 0, sizeof *file);
    code = file_map(&file->view, path, e);
    if (code != LAKE_OK)
        return code;
    code = parse(file, path, e);
    if (code != LAKE_OK)
        npy_close(file);
    return code;
}

void npy_close(NpyFile *file)
{
    file_unmap(&file->view);
    memset(file, 0, sizeof *file);
}

static float number_at(const unsigned char *p, size_t item, int big_endian)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < item; i++)
        bits |= (uint64_t)p[big_endian ? item - 1 - i : i] << (8 * i);
    if (item == 2)
        return f16_to_float((uint16_t)bits);
    if (item == 4)
        return bits_to_float((uint32_t)bits);
    return double_to_float(bits_to_double(bits));
}

void npy_get(const NpyFile *file, size_t first, size_t count, float *out)
{
    const unsigned char *p = file->data + first * file->item;

    for (size_t i = 0; i < count; i++)
        out[i] = number_at(p + i * file->item, file->item, file->big_endian);
}

/* The header in head: 51 characters, at most 8 numbers of 22, and padding to a multiple of 64 bytes: 256 at most. */
static size_t make_header(unsigned char head[320], size_t rank, const size_t *shape)
{
    char *text = (char *)head + 10;
    size_t used, total;

    strcpy(text, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < rank; i++)
        sprintf(text + strlen(text), rank == 1 || i + 1 < rank ? "%llu, " : "%llu", (unsigned long long)shape[i]);
    if (rank == 1)
        text[strlen(text) - 1] = '\0'; /* (3,) and not (3, ) */
    strcat(text, "), }");
    used = 10 + strlen(text);
    total = (used + 1 + 63) / 64 * 64;
    memset(head + used, ' ', total - used);
    head[total - 1] = '\n';
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    put_u16le(head + 8, (uint16_t)(total - 10));
    return total;
}

int npy_write(const char *path, const float *data, size_t rank, const size_t *shape, Error *e)
{
    unsigned char head[320], block[4096];
    size_t count = 1, size;
    FileOut out;
    int code;

    if (rank > NPY_MAX_RANK)
        return error_set(e, LAKE_USAGE, "%s: an array of %llu dimensions; at most 8", path, (unsigned long long)rank);
    for (size_t i = 0; i < rank; i++)
        count *= shape[i];
    size = make_header(head, rank, shape);
    code = file_create(&out, path, e);
    if (code != LAKE_OK)
        return code;
    code = file_write(&out, head, size, e);
    for (size_t i = 0; code == LAKE_OK && i < count;) {
        for (size = 0; size < sizeof block && i < count; size += 4, i++)
            put_f32le(block + size, data[i]);
        code = file_write(&out, block, size, e);
    }
    if (code != LAKE_OK) {
        file_discard(&out);
        return code;
    }
    return file_commit(&out, e);
}
