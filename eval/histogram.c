/* Counts of pixels per score; see histogram.h.
 *
 * The upper half of a score's 32-bit key names a page (sign, exponent and 7 bits: 128 pages for each doubling of the
 * score), its next `fine` bits a bin in the page; pages exist where scores fall. With fine = 16 nothing is merged. When
 * a new page would take the bins past the limit, fine is lowered by one and neighbours are merged in every page, so the
 * resolution is the best that the scores' range permits: scores within a factor of 2 stay exact, within a factor of 100
 * they keep 13 bits (2^-20 of the score), and all floats there are 7 (2^-14). */
#include "eval/histogram.h"

#include <stdlib.h>

enum { PAGES = 65536, BINS = 1 << 23 };

typedef struct {
    uint32_t normal, defective;
    double overlap;
} Bin;

struct Histogram {
    unsigned fine;
    size_t page_count;
    Bin *pages[PAGES]; /* each [1 << fine], or NULL */
};

Histogram *histogram_new(void)
{
    Histogram *h = calloc(1, sizeof *h);

    if (h == NULL)
        return NULL;
    h->fine = 16;
    return h;
}

void histogram_free(Histogram *h)
{
    if (h == NULL)
        return;
    for (size_t p = 0; p < PAGES; p++)
        free(h->pages[p]);
    free(h);
}

/* Halves the number of bins. */
static void coarsen(Histogram *h)
{
    size_t bins = (size_t)1 << --h->fine;

    for (size_t p = 0; p < PAGES; p++) {
        Bin *page = h->pages[p], *shrunk;
        if (page == NULL)
            continue;
        for (size_t i = 0; i < bins; i++) {
            Bin merged = page[2 * i];
            merged.normal += page[2 * i + 1].normal;
            merged.defective += page[2 * i + 1].defective;
            merged.overlap += page[2 * i + 1].overlap;
            page[i] = merged;
        }
        shrunk = realloc(page, bins * sizeof *page);
        if (shrunk != NULL)
            h->pages[p] = shrunk;
    }
}

int histogram_reserve(Histogram *h, uint32_t key)
{
    Bin **page = &h->pages[key >> 16];

    if (*page != NULL)
        return 1;
    while ((h->page_count + 1) << h->fine > BINS)
        coarsen(h);
    *page = calloc((size_t)1 << h->fine, sizeof **page);
    h->page_count += *page != NULL;
    return *page != NULL;
}

void histogram_add(Histogram *h, uint32_t key, uint32_t area)
{
    Bin *bin = &h->pages[key >> 16][(key & 0xffff) >> (16 - h->fine)];

    if (area == 0) {
        bin->normal++;
    } else {
        bin->defective++;
        bin->overlap += 1.0 / area;
    }
}

void histogram_walk(const void *histogram, CurveVisitor *visit, void *context)
{
    const Histogram *h = histogram;

    for (uint32_t p = PAGES; p-- > 0;) {
        const Bin *page = h->pages[p];
        for (uint32_t i = page != NULL ? UINT32_C(1) << h->fine : 0; i-- > 0;) {
            CurveStep step = {key_score(p << 16 | i << (16 - h->fine)), page[i].normal, page[i].defective,
                              page[i].overlap};
            if (page[i].normal != 0 || page[i].defective != 0)
                visit(context, &step);
        }
    }
}
