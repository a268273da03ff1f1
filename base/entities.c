/* Character references by the HTML standard's rules (13.2.5.72 to 13.2.5.80) as Python's html.unescape reads them:
 * names are matched with their semicolon or, for the 106 oldest ones, as the longest prefix of what follows;
 * numbers need no semicolon. */
#include "base/entities.h"

#include <string.h>

typedef struct {
    const char *name;      /* without & and ; */
    uint32_t first, second; /* what it stands for; second may be 0 */
    int bare;              /* counts without the semicolon, too */
} Entity;

#include "base/entities_data.h"

/* The entity of this name of `length` characters, or NULL. */
static const Entity *find_entity(const char *name, size_t length)
{
    size_t low = 0, high = sizeof entities / sizeof *entities;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(name, entities[middle].name, length);
        if (order == 0 && entities[middle].name[length] == '\0')
            return &entities[middle];
        if (order > 0) /* equal in `length` characters: the table's name is longer, so it sorts behind */
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int is_digit(uint32_t c) { return c >= '0' && c <= '9'; }
static int is_alphanumeric(uint32_t c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* The value of a digit, or 16 and more where c is none in this base. */
static uint32_t digit_value(uint32_t c, uint32_t base)
{
    if (is_digit(c))
        return c - '0';
    if (base == 16 && c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (base == 16 && c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

/* What a reference to the number n stands for; 0 for nothing at all. Numbers 0x80 to 0x9f are read as
 * windows-1252, control characters and noncharacters vanish. */
static uint32_t number_meaning(uint32_t n)
{
    static const uint16_t windows_1252[32] = {
        0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
        0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
        0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
        0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
    };

    if (n == 0 || n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff))
        return UNI_REPLACEMENT;
    if (n >= 0x80 && n <= 0x9f)
        return windows_1252[n - 0x80];
    if (n == '\t' || n == '\n' || n == '\f' || n == '\r')
        return n;
    if (n < 0x20 || n == 0x7f || (n >= 0xfdd0 && n <= 0xfdef) || (n & 0xfffe) == 0xfffe)
        return 0;
    return n;
}

/* A numeric reference at p, which holds "&#"; n code points are left. Returns its length, or 0. */
static size_t numeric_reference(const uint32_t *p, size_t n, uint32_t *meaning)
{
    uint32_t base = n > 2 && (p[2] == 'x' || p[2] == 'X') ? 16 : 10, number = 0;
    size_t first = base == 16 ? 3 : 2, i;

    for (i = first; i < n && digit_value(p[i], base) < 16; i++)
        number = number > 0x10ffff ? number : number * base + digit_value(p[i], base);
    if (i == first)
        return 0;
    *meaning = number_meaning(number);
    return i < n && p[i] == ';' ? i + 1 : i;
}

/* A named reference at p, which holds "&"; n code points are left. Returns its length, or 0. */
static size_t named_reference(const uint32_t *p, size_t n, const Entity **entity)
{
    char name[LONGEST_NAME + 1];
    size_t length = 0;

    while (length <= LONGEST_NAME && length + 1 < n && is_alphanumeric(p[length + 1])) {
        name[length] = (char)p[length + 1];
        length++;
    }
    if (length <= LONGEST_NAME && length + 1 < n && p[length + 1] == ';' &&
        (*entity = find_entity(name, length)) != NULL)
        return length + 2;
    for (; length >= 2; length--)
        if ((*entity = find_entity(name, length)) != NULL && (*entity)->bare)
            return length + 1;
    return 0;
}

void entities_unescape(UniText *text)
{
    uint32_t *p = text->points, meaning;
    size_t out = 0;

    for (size_t i = 0; i < text->count;) {
        const Entity *entity;
        size_t left = text->count - i, length = 0;
        if (p[i] == '&' && left > 1 && p[i + 1] == '#') {
            if ((length = numeric_reference(p + i, left, &meaning)) > 0 && meaning != 0)
                p[out++] = meaning;
        } else if (p[i] == '&') {
            if ((length = named_reference(p + i, left, &entity)) > 0) {
                p[out++] = entity->first;
                if (entity->second != 0)
                    p[out++] = entity->second;
            }
        }
        if (length == 0)
            p[out++] = p[i++];
        i += length;
    }
    text->count = out;
}
