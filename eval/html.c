/* Writing HTML; see html.h. Entities and characters are those of XML 1.0 (section 2.2), base64 is RFC 4648 (section 4). */
#include "eval/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/unicode.h"
#include "image/codec.h"

void html_open(Html *h)
{
    memset(h, 0, sizeof *h);
}

void html_close(Html *h)
{
    free(h->text);
    memset(h, 0, sizeof *h);
}

int html_save(const Html *h, const char *path, Error *e)
{
    if (h->error.code != LAKE_OK)
        return error_set(e, h->error.code, "%s: %s", path, h->error.text);
    return file_save(path, h->text != NULL ? h->text : "", h->size, e);
}

/* Room for `more` bytes and a zero; returns where they go, or NULL after a failure. */
static char *grow(Html *h, size_t more)
{
    size_t needed, room;
    char *text;

    if (h->error.code != LAKE_OK)
        return NULL;
    if (!size_add(h->size, more, &needed) || !size_add(needed, 1, &needed)) {
        error_memory(&h->error, "a page");
        return NULL;
    }
    if (needed > h->room) {
        room = h->room > (size_t)-1 / 2 ? needed : h->room * 2;
        room = room < needed ? needed : room;
        text = realloc(h->text, room);
        if (text == NULL) {
            error_memory(&h->error, "a page");
            return NULL;
        }
        h->text = text;
        h->room = room;
    }
    h->text[h->size + more] = '\0';
    h->size += more;
    return h->text + h->size - more;
}

static void add(Html *h, const char *bytes, size_t size)
{
    char *place = grow(h, size);

    if (place != NULL)
        memcpy(place, bytes, size);
}

void html_markup(Html *h, const char *markup)
{
    add(h, markup, strlen(markup));
}

/* ---- text ---- */

/* Whether XML and HTML have a place for the character. */
static int is_allowed(uint32_t c)
{
    return (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c != 0xfffe && c != 0xffff) || c == '\t' || c == '\n' || c == '\r';
}

static const char *entity_of(uint32_t c)
{
    switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void html_text(Html *h, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t left = strlen(text);

    while (left > 0) {
        unsigned char bytes[4];
        uint32_t c = UNI_REPLACEMENT;
        size_t used = uni_character(&c, p, left);
        const char *entity;
        if (used == 0 || !is_allowed(c))
            c = UNI_REPLACEMENT;
        used = used > 0 ? used : 1;
        entity = entity_of(c);
        if (entity != NULL)
            html_markup(h, entity);
        else
            add(h, (const char *)bytes, uni_encode(bytes, c));
        p += used;
        left -= used;
    }
}

/* ---- numbers ---- */

void html_number(Html *h, double value, int decimals)
{
    char text[400]; /* the largest double has 309 digits before the point */
    int zero = 1;

    if (!isfinite(value)) {
        html_markup(h, HTML_MISSING);
        return;
    }
    decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
    snprintf(text, sizeof text, "%.*f", decimals, value);
    for (char *p = text; *p != '\0'; p++) {
        if (*p == ',') /* some locales' decimal point */
            *p = '.';
        zero &= *p == '-' || *p == '0' || *p == '.';
    }
    html_markup(h, text[0] == '-' && zero ? text + 1 : text);
}

static void add_integer(Html *h, unsigned long long value, int negative)
{
    char digits[24], *p = digits + sizeof digits;

    do
        *--p = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    if (negative)
        *--p = '-';
    add(h, p, (size_t)(digits + sizeof digits - p));
}

static void add_int(Html *h, int value)
{
    long long wide = value;

    add_integer(h, (unsigned long long)(wide < 0 ? -wide : wide), wide < 0);
}

/* ---- markup with values ---- */

void html_print(Html *h, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");
        add(h, format, plain);
        format += plain;
        if (*format == '\0')
            break;
        format++;
        if (*format == 's') {
            html_text(h, va_arg(args, const char *));
        } else if (*format == 'm') {
            html_markup(h, va_arg(args, const char *));
        } else if (*format == 'd') {
            add_int(h, va_arg(args, int));
        } else if (*format == 'z') {
            add_integer(h, va_arg(args, size_t), 0);
        } else if (*format >= '0' && *format <= '9') {
            html_number(h, va_arg(args, double), *format - '0');
        } else {
            add(h, "%", 1);
            continue;
        }
        format++;
    }
    va_end(args);
}

/* ---- pictures ---- */

static void add_base64(Html *h, const unsigned char *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *p = size > (size_t)-1 / 2 ? NULL : grow(h, size / 3 * 4 + (size % 3 > 0 ? 4 : 0));

    if (p == NULL)
        return;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)data[i] << 16;
        bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= left > 2 ? data[i + 2] : 0;
        *p++ = digits[bits >> 18];
        *p++ = digits[bits >> 12 & 63];
        *p++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *p++ = left > 2 ? digits[bits & 63] : '=';
    }
}

void html_png(Html *h, const unsigned char *png, size_t size, int width, int height, const char *alt,
              const char *style)
{
    html_print(h, "<img width=\"%d\" height=\"%d\" alt=\"%s\"", width, height, alt);
    if (style != NULL)
        html_print(h, " style=\"%s\"", style);
    html_markup(h, " src=\"data:image/png;base64,");
    add_base64(h, png, size);
    html_markup(h, "\"/>");
}

void html_image(Html *h, const Image *image, const char *alt, const char *style)
{
    unsigned char *png;
    size_t size;

    if (h->error.code != LAKE_OK || png_encode(&png, &size, image, &h->error) != LAKE_OK)
        return;
    html_png(h, png, size, image->width, image->height, alt, style);
    free(png);
}

/* ---- tables ---- */

void html_table_begin(Html *h, const char *caption, const char *const *columns, size_t count)
{
    html_print(h, "<div class=\"scroll\"><table>\n<caption><span>%s</span></caption>\n<thead><tr>", caption);
    for (size_t i = 0; i < count; i++)
        html_print(h, "<th scope=\"col\">%s</th>", columns[i]);
    html_markup(h, "</tr></thead>\n<tbody>\n");
}

void html_row_begin(Html *h, const char *name)
{
    html_print(h, "<tr><th scope=\"row\">%s</th>", name);
}

void html_cell(Html *h, const char *text)
{
    html_print(h, "<td>%s</td>", text);
}

void html_cell_number(Html *h, double value, int decimals)
{
    html_markup(h, "<td>");
    html_number(h, value, decimals);
    html_markup(h, "</td>");
}

void html_row_end(Html *h)
{
    html_markup(h, "</tr>\n");
}

void html_table_end(Html *h)
{
    html_markup(h, "</tbody>\n</table></div>\n");
}
