/* What the readers of the layouts share (datasets.c, layout_tree.c, layout_table.c); not part of datasets.h. */
#ifndef LAKE_EVAL_LAYOUTS_H
#define LAKE_EVAL_LAYOUTS_H

#include "eval/datasets.h"

/* "good" or "ok", in whatever case ("Good", "OK"), of `length` bytes. */
int layout_is_normal(const char *kind, size_t length);

/* The first `length` bytes of a text, or all, in a new buffer; NULL where memory is out. */
char *layout_copy(const char *text, size_t length);
char *layout_copy_text(const char *text);

/* ---- collections ---- */

/* Appends one line to the notes, cut to a message's length. */
int layout_note(DatasetCollection *all, const char *line, Error *e);

/* What notes call a category: its name, or the root where that is the category. */
const char *layout_label(const DatasetCollection *all, const char *category);

/* Checks a category that has been read, says in notes what it lacks, and takes it over; `name` is what errors call the
 * data set. Whatever comes out, *dataset is empty then. */
int layout_add(DatasetCollection *all, Dataset *dataset, const char *name, Error *e);

/* For a layout without a train part: moves a fifth of the train images (datasets.h) to the test images, and
 * says so in a note. */
int layout_split(DatasetCollection *all, Dataset *dataset, Error *e);

/* Sorts images by kind, then by path. */
void layout_sort(DatasetImage *images, size_t count);

/* ---- readers: each fills an empty collection, or leaves what it has for the caller to free ---- */

/* The categories of the folder all->root, by the layout's patterns; LAKE_BAD_INPUT where there is none. */
int layout_read_tree(DatasetCollection *all, DatasetLayout layout, Error *e);

/* The rows of a table, whose paths are relative to all->root. */
int layout_read_table(DatasetCollection *all, const char *table, Error *e);

#endif
