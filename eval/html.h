/* Writing HTML: a page grows in memory and is saved in one step, so a reader never meets half of it. What is written is
 * also well-formed XML (XHTML's serialisation: every element closed, every attribute quoted), so any XML parser can
 * check a page.
 *
 * Failures stick: after one nothing more is added, and html_save reports it. Callers write a whole page without asking
 * after every piece. */
#ifndef LAKE_EVAL_HTML_H
#define LAKE_EVAL_HTML_H

#include <stddef.h>

#include "base/error.h"
#include "image/image.h"

typedef struct {
    char *text;        /* [room], of which `size` bytes are written and a zero behind them */
    size_t size, room;
    Error error;       /* error.code LAKE_OK as long as nothing failed */
} Html;

/* What stands for a number that is not defined. */
#define HTML_MISSING "\xe2\x80\x93" /* an en dash */

/* An empty page; html_close is allowed in every case. */
void html_open(Html *h);
void html_close(Html *h);

/* Writes the page to path, or reports the first failure since html_open. */
int html_save(const Html *h, const char *path, Error *e);

/* The page's beginning up to <main>, with the style that tables and charts (plot.h) need: one file without scripts,
 * fonts or other parts from elsewhere; light, dark, narrow screens and print. And its end. description: a sentence for
 * search engines and previews. */
void html_page_begin(Html *h, const char *title, const char *description);
void html_page_end(Html *h);

/* Markup, as it is. */
void html_markup(Html *h, const char *markup);

/* Text: < > & and both quotes become entities, so it may stand in an element or in a quoted attribute, whatever it is;
 * bytes that are no UTF-8 and control characters that XML has no place for become U+FFFD. */
void html_text(Html *h, const char *text);

/* A number with so many decimals (at most 9), a point whatever the locale, no minus before a zero; HTML_MISSING for NaN
 * and infinities. */
void html_number(Html *h, double value, int decimals);

/* Markup with values in it. In the format
 *   %s  const char *  text, escaped by html_text
 *   %m  const char *  markup, as it is
 *   %d  int
 *   %z  size_t
 *   %0 to %9  double  with so many decimals, as html_number writes it
 * and a percent sign before anything else is itself. Names of files and categories cannot become markup by an oversight. */
void html_print(Html *h, const char *format, ...);

/* A picture inside the page: <img> with a PNG in a data: URI at its own size. alt: what it shows. style: of the style
 * attribute, or NULL. */
void html_image(Html *h, const Image *image, const char *alt, const char *style);

/* The same of a PNG file's bytes, which are taken as they are; width and height: what the picture in them has. */
void html_png(Html *h, const unsigned char *png, size_t size, int width, int height, const char *alt,
              const char *style);

/* A table with a caption and a heading per column; the first column names the rows. html_row begins a row with its name,
 * and cells follow by html_cell (text), html_cell_number or html_print. Wide tables scroll by themselves on a narrow
 * screen. */
void html_table_begin(Html *h, const char *caption, const char *const *columns, size_t count);
void html_row_begin(Html *h, const char *name);
void html_cell(Html *h, const char *text);
void html_cell_number(Html *h, double value, int decimals);
void html_row_end(Html *h);
void html_table_end(Html *h);

#endif
