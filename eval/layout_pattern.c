/* Paths against patterns; see layout_pattern.h. */
#include "eval/layout_pattern.h"

#include <ctype.h>
#include <string.h>

#include "eval/layouts.h"
#include "image/image.h"

/* ---- paths ---- */

static int span_is(Span span, const char *text)
{
    return strlen(text) == span.length && memcmp(span.text, text, span.length) == 0;
}

int layout_compare(Span a, Span b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.text, b.text, common) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int span_ends(Span span, const char *ending)
{
    size_t n = strlen(ending);

    if (n > span.length)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)span.text[span.length - n + i]) != ending[i])
            return 0;
    return 1;
}

int layout_next_part(Span *part, const char **rest)
{
    const char *slash = strchr(*rest, '/');

    if (slash == NULL)
        return 0;
    part->text = *rest;
    part->length = (size_t)(slash - *rest);
    *rest = slash + 1;
    return 1;
}

/* ---- patterns ---- */

int layout_folder_fits(Span wanted, Span folder)
{
    if (folder.length == 0 || folder.text[0] == '.')
        return 0;
    if (span_is(wanted, "@"))
        return layout_is_normal(folder.text, folder.length);
    return span_is(wanted, "%") ||
           (wanted.length == folder.length && memcmp(wanted.text, folder.text, folder.length) == 0);
}

/* Whether a name is that of a picture of a type that image.h does not read. */
static int is_unread(const char *name)
{
    static const char *const endings[] = {".webp", ".gif", ".avif", ".heic", ".heif", ".jp2", ".jxl", ".tga", ".dcm",
                                          ".npy"};
    const Span span = {name, strlen(name)};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (span_ends(span, endings[i]))
            return 1;
    return 0;
}

/* The file `name` against a pattern's last part. */
static int name_fits(Entry *entry, const char *wanted, const char *name)
{
    if (*name == '.' || (!img_has_picture_name(name) && !is_unread(name)))
        return 0;
    entry->name.text = entry->stem.text = name;
    entry->name.length = strlen(name);
    entry->stem.length = (size_t)(strrchr(name, '.') - name);
    return strcmp(wanted, "*") == 0 || span_ends(entry->stem, wanted + 1);
}

/* A path against one pattern, taken apart into *entry; LEADS_THERE: a folder of this path may hold what fits. */
static int match(Entry *entry, const char *pattern, const char *rest)
{
    Span wanted, folder;

    entry->kind.text = rest;
    entry->kind.length = 0;
    while (layout_next_part(&folder, &rest)) {
        if (!layout_next_part(&wanted, &pattern) || !layout_folder_fits(wanted, folder))
            return NO_MATCH;
        if (span_is(wanted, "%") || span_is(wanted, "@"))
            entry->kind = folder;
    }
    if (!layout_next_part(&wanted, &pattern))
        return name_fits(entry, pattern, rest) ? MATCH : NO_MATCH;
    folder.text = rest;
    folder.length = strlen(rest);
    return layout_folder_fits(wanted, folder) ? LEADS_THERE : NO_MATCH;
}

int layout_classify(Entry *entry, const Tree *tree, const char *path, const char *rest)
{
    int best = NO_MATCH;

    for (const Rule *rule = tree->rules; rule->pattern != NULL && best != MATCH; rule++) {
        int found = match(entry, rule->pattern, rest);
        entry->role = rule->role;
        best = found > best ? found : best;
    }
    entry->path = path;
    entry->pictures = 0;
    if (best == MATCH && is_unread(entry->name.text))
        entry->role = UNREAD;
    if (best == MATCH && entry->role == MASKS && span_ends(entry->stem, "_mask"))
        entry->stem.length -= strlen("_mask");
    return best;
}
