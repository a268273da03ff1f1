/* Patterns for the paths below a category's folder: what a layout that is a tree of folders (layout_tree.c) is made of;
 * not part of datasets.h. */
#ifndef LAKE_EVAL_LAYOUT_PATTERN_H
#define LAKE_EVAL_LAYOUT_PATTERN_H

#include <stddef.h>

/* What a path is, in the order of sorting. */
enum { TRAIN, TEST, MASKS, STRAY, UNREAD, ROLES };

/* Parts between slashes: "%" is any folder, the kind of defect; "@" one that is called good or ok; "*" a picture;
 * "*_mask" a picture whose name ends so; all else is meant literally. The first pattern that fits counts. */
typedef struct {
    const char *pattern;
    int role;
} Rule;

enum { RULES = 9 };

typedef struct {
    Rule rules[RULES + 1];     /* up to one without a pattern */
    const char *markers[2];    /* a folder that has a folder of one of these (as in a pattern) is a category */
    int split;                 /* 1: there is no train part */
    const char *expected;      /* for messages */
} Tree;

/* A part of somebody's string. */
typedef struct {
    const char *text;
    size_t length;
} Span;

/* A path of the category, taken apart: "gear/test/hole/001.png". */
typedef struct {
    const char *path;
    int role;
    Span kind; /* hole; empty for a mask that no folder tells of */
    Span name; /* 001.png */
    Span stem; /* 001, without the ending "_mask" where it is a mask's */
    size_t pictures; /* a mask's: how many it belongs to */
} Entry;

/* As strcmp. */
int layout_compare(Span a, Span b);

/* Takes the part before the next '/' off *rest; 0 where there is no '/'. */
int layout_next_part(Span *part, const char **rest);

/* Whether a folder's name is what a part of a pattern wants; a hidden folder's never is. */
int layout_folder_fits(Span wanted, Span folder);

enum { NO_MATCH, LEADS_THERE, MATCH };

/* A path against all patterns of a layout, where one fits taken apart into *entry; LEADS_THERE: a folder of this path
 * may hold what fits. `rest` is the part of `path` below the category. A picture of a type that is not read is
 * UNREAD, whatever its place. */
int layout_classify(Entry *entry, const Tree *tree, const char *path, const char *rest);

#endif
