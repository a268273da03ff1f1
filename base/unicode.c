/* Unicode for the tokenizer; see unicode.h. Follows RFC 3629 (UTF-8), The Unicode Standard 3.11 to 3.13
 * (normalisation, Hangul, the Final_Sigma condition) and UAX #15. */
#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

typedef struct {
    uint32_t first, last;
} Range;

/* Code points first .. last of canonical combining class `combining`. */
typedef struct {
    uint32_t first, last;
    unsigned char combining;
} ClassRange;

/* first, first + step, ... last have the lower case c + delta. */
typedef struct {
    uint32_t first, last, step;
    int32_t delta;
} LowerRange;

/* code = first + second canonically; second is 0 where one code point stands for another. */
typedef struct {
    uint32_t code, first, second;
} Decomposition;

#include "base/unicode_data.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- UTF-8 ---- */

size_t uni_character(uint32_t *c, const unsigned char *p, size_t n)
{
    static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

    if (length == 0 || length > n)
        return 0;
    *c = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (p[i] & 0x3fu);
    }
    if (*c < smallest[length] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
        return 0;
    return length;
}

int uni_decode(UniText *text, const char *utf8, size_t size, Error *e)
{
    const unsigned char *p = (const unsigned char *)utf8;
    size_t bytes;

    text->count = 0;
    text->points = NULL;
    if (!size_multiply(size + (size == 0), sizeof *text->points, &bytes) || (text->points = malloc(bytes)) == NULL)
        return error_memory(e, "a text");
    for (size_t i = 0; i < size;) {
        size_t length = uni_character(&text->points[text->count], p + i, size - i);
        if (length == 0) {
            text->points[text->count] = UNI_REPLACEMENT;
            length = 1;
        }
        text->count++;
        i += length;
    }
    return LAKE_OK;
}

void uni_free(UniText *text)
{
    free(text->points);
    text->points = NULL;
    text->count = 0;
}

size_t uni_encode(unsigned char out[4], uint32_t c)
{
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    if (length == 1) {
        out[0] = (unsigned char)c;
        return 1;
    }
    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)((0xf00 >> length & 0xff) | c);
    return length;
}

/* ---- classes ---- */

static int in_ranges(const Range *ranges, size_t count, uint32_t c)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && c >= ranges[low].first;
}

int uni_is_letter(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return in_ranges(letter_ranges, COUNT(letter_ranges), c);
}

int uni_is_number(uint32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9';
    return in_ranges(number_ranges, COUNT(number_ranges), c);
}

int uni_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    return in_ranges(space_ranges, COUNT(space_ranges), c);
}

/* What is below decomposes not at all, or has the combining class 0. */
enum { FIRST_DECOMPOSING = 0xc0, FIRST_MARK = 0x300 };

static unsigned combining_class(uint32_t c)
{
    size_t low = 0, high = COUNT(class_ranges);

    while (c >= FIRST_MARK && low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > class_ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < COUNT(class_ranges) && c >= class_ranges[low].first ? class_ranges[low].combining : 0;
}

/* ---- normalisation form C ---- */

/* Hangul syllables are not in the tables: they follow from their three indices (The Unicode Standard, 3.12). */
enum { L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11a7, S_BASE = 0xac00 };
enum { L_COUNT = 19, V_COUNT = 21, T_COUNT = 28, S_COUNT = L_COUNT * V_COUNT * T_COUNT };

/* A code point takes 21 bits; while a text is being normalised its combining class stands above them. */
#define CLASS_SHIFT 21
#define POINT_MASK ((1u << CLASS_SHIFT) - 1)

/* The full canonical decomposition of c into out, at most 4 code points; returns how many. */
static size_t decompose(uint32_t c, uint32_t out[4])
{
    size_t low = 0, high = COUNT(decompositions), n;

    if (c >= S_BASE && c < S_BASE + S_COUNT) {
        uint32_t s = c - S_BASE;
        out[0] = L_BASE + s / (V_COUNT * T_COUNT);
        out[1] = V_BASE + s / T_COUNT % V_COUNT;
        out[2] = T_BASE + s % T_COUNT;
        return out[2] == T_BASE ? 2 : 3;
    }
    while (c >= FIRST_DECOMPOSING && low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > decompositions[middle].code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == COUNT(decompositions) || decompositions[low].code != c) {
        out[0] = c;
        return 1;
    }
    n = decompose(decompositions[low].first, out); /* the second part never decomposes further */
    if (decompositions[low].second != 0)
        out[n++] = decompositions[low].second;
    return n;
}

/* The code point that is canonically first + second, or 0. */
static uint32_t compose_pair(uint32_t first, uint32_t second)
{
    size_t low = 0, high = COUNT(compositions);

    if (first >= L_BASE && first < L_BASE + L_COUNT && second >= V_BASE && second < V_BASE + V_COUNT)
        return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
    if (first >= S_BASE && first < S_BASE + S_COUNT && (first - S_BASE) % T_COUNT == 0 && second > T_BASE &&
        second < T_BASE + T_COUNT)
        return first + (second - T_BASE);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const Decomposition *d = &decompositions[compositions[middle]];
        if (first > d->first || (first == d->first && second > d->second))
            low = middle + 1;
        else
            high = middle;
    }
    if (low < COUNT(compositions)) {
        const Decomposition *d = &decompositions[compositions[low]];
        if (d->first == first && d->second == second)
            return d->code;
    }
    return 0;
}

/* Sorts n marks by combining class, equal classes in their order: a counting sort, since a hostile text may be one
 * run of a million marks. scratch has room for n. */
static void sort_marks(uint32_t *marks, size_t n, uint32_t *scratch)
{
    size_t start[257] = { 0 };

    for (size_t i = 0; i < n; i++)
        start[(marks[i] >> CLASS_SHIFT) + 1]++;
    for (size_t k = 0; k < 256; k++)
        start[k + 1] += start[k];
    for (size_t i = 0; i < n; i++)
        scratch[start[marks[i] >> CLASS_SHIFT]++] = marks[i];
    memcpy(marks, scratch, n * sizeof *marks);
}

/* The canonical ordering: each run of marks (class above 0) sorted by class. */
static void order_marks(uint32_t *points, size_t count, uint32_t *scratch)
{
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        int sorted = 1;
        if (points[i] >> CLASS_SHIFT != 0)
            for (; end < count && points[end] >> CLASS_SHIFT != 0; end++)
                sorted &= points[end - 1] >> CLASS_SHIFT <= points[end] >> CLASS_SHIFT;
        if (!sorted)
            sort_marks(points + i, end - i, scratch);
        i = end;
    }
}

/* The canonical composition, in place; takes the classes away and returns the new count. A mark joins the last
 * starter unless something of the same or a higher class stands between them. */
static size_t compose(uint32_t *points, size_t count)
{
    size_t out = 0, starter = SIZE_MAX;
    unsigned last_class = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned combining = points[i] >> CLASS_SHIFT;
        uint32_t c = points[i] & POINT_MASK;
        if (starter != SIZE_MAX && (out - 1 == starter || last_class < combining)) {
            uint32_t composite = compose_pair(points[starter], c);
            if (composite != 0) {
                points[starter] = composite;
                continue;
            }
        }
        if (combining == 0)
            starter = out;
        last_class = combining;
        points[out++] = c;
    }
    return out;
}

int uni_nfc(UniText *text, Error *e)
{
    uint32_t parts[4], *points;
    size_t length = 0, bytes, at = 0, same = 0;

    while (same < text->count && text->points[same] < FIRST_MARK)
        same++;
    if (same == text->count) /* below the first mark every text is in form C */
        return LAKE_OK;
    for (size_t i = 0; i < text->count; i++)
        length += decompose(text->points[i], parts);
    if (!size_multiply(length, 2 * sizeof *points, &bytes) || (points = malloc(bytes)) == NULL)
        return error_memory(e, "a text");
    for (size_t i = 0; i < text->count; i++) {
        size_t n = decompose(text->points[i], parts);
        for (size_t k = 0; k < n; k++)
            points[at++] = parts[k] | (uint32_t)combining_class(parts[k]) << CLASS_SHIFT;
    }
    order_marks(points, length, points + length);
    free(text->points);
    text->points = points;
    text->count = compose(points, length);
    return LAKE_OK;
}

/* ---- lower case ---- */

enum { CAPITAL_I_WITH_DOT = 0x130, DOT_ABOVE = 0x307, CAPITAL_SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2 };

/* The lower case of one code point, where it is one code point. */
static uint32_t lower_point(uint32_t c)
{
    size_t low = 0, high = COUNT(lower_ranges);

    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > lower_ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == COUNT(lower_ranges) || c < lower_ranges[low].first ||
        (c - lower_ranges[low].first) % lower_ranges[low].step != 0)
        return c;
    return (uint32_t)((int32_t)c + lower_ranges[low].delta);
}

static int is_case_ignorable(uint32_t c) { return in_ranges(case_ignorable_ranges, COUNT(case_ignorable_ranges), c); }
static int is_cased(uint32_t c) { return in_ranges(cased_ranges, COUNT(cased_ranges), c); }

/* Is there a cased letter behind position i, with nothing but case-ignorable characters between? */
static int cased_follows(const UniText *text, size_t i)
{
    for (i++; i < text->count; i++)
        if (!is_case_ignorable(text->points[i]))
            return is_cased(text->points[i]);
    return 0;
}

int uni_lower(UniText *text, Error *e)
{
    size_t room = text->count + (text->count == 0), count = 0, bytes;
    int after_cased = 0; /* the last character that is not case-ignorable is cased */
    uint32_t *points;

    for (size_t i = 0; i < text->count; i++)
        room += text->points[i] == CAPITAL_I_WITH_DOT;
    if (!size_multiply(room, sizeof *points, &bytes) || (points = malloc(bytes)) == NULL)
        return error_memory(e, "a text");
    for (size_t i = 0; i < text->count; i++) {
        uint32_t c = text->points[i];
        if (c == CAPITAL_I_WITH_DOT) {
            points[count++] = 'i';
            points[count++] = DOT_ABOVE;
        } else if (c == CAPITAL_SIGMA) {
            points[count++] = after_cased && !cased_follows(text, i) ? FINAL_SIGMA : SMALL_SIGMA;
        } else {
            points[count++] = lower_point(c);
        }
        if (!is_case_ignorable(c))
            after_cased = is_cased(c);
    }
    free(text->points);
    text->points = points;
    text->count = count;
    return LAKE_OK;
}
