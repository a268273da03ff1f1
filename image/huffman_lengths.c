/* Code lengths by package-merge (L. L. Larmore and D. S. Hirschberg, "A fast algorithm for optimal length-limited Huffman
 * codes", Journal of the ACM 37, 1990). */
#include "image/huffman_lengths.h"

#include <stdlib.h>

typedef struct {
    uint32_t weight;
    unsigned short symbol;
} Leaf;

static int by_weight(const void *a, const void *b)
{
    const Leaf *x = a, *y = b;

    if (x->weight != y->weight)
        return x->weight < y->weight ? -1 : 1;
    return x->symbol < y->symbol ? -1 : 1;
}

/* Package-merge. Level 1 holds the leaves by weight; every further level holds the leaves merged, by weight,
 * with the packages that pair up the level before. Taking the lightest 2n - 2 items of the last level, and
 * with each package the pair that it stands for one level down, takes every leaf as often as its word has
 * bits. is_leaf[level][i] is all that has to be remembered for that way back. */
static void package_merge(unsigned char *lengths, const Leaf *leaves, unsigned n, unsigned max_bits)
{
    unsigned char is_leaf[HUFFMAN_MAX_BITS][2 * HUFFMAN_MAX_SYMBOLS];
    uint32_t weights[2][2 * HUFFMAN_MAX_SYMBOLS];
    unsigned size = 0, level, i, take;

    for (level = 0; level < max_bits; level++) {
        const uint32_t *before = weights[level & 1];
        uint32_t *now = weights[~level & 1];
        unsigned packages = size / 2, leaf = 0, package = 0;
        for (size = 0; leaf < n || package < packages; size++) {
            uint32_t pair = package < packages ? before[2 * package] + before[2 * package + 1] : 0;
            is_leaf[level][size] = leaf < n && (package == packages || leaves[leaf].weight <= pair);
            now[size] = is_leaf[level][size] ? leaves[leaf++].weight : (package++, pair);
        }
    }
    for (take = 2 * n - 2; level > 0; level--) {
        unsigned used = 0;
        for (i = 0; i < take; i++)
            if (is_leaf[level - 1][i])
                lengths[leaves[used++].symbol]++;
        take = 2 * (take - used);
    }
}

void huffman_lengths(unsigned char *lengths, const uint32_t *frequency, unsigned symbols, unsigned max_bits)
{
    Leaf leaves[HUFFMAN_MAX_SYMBOLS];
    unsigned n = 0;

    for (unsigned symbol = 0; symbol < symbols; symbol++) {
        if (frequency[symbol] == 0)
            continue;
        leaves[n].weight = frequency[symbol];
        leaves[n++].symbol = (unsigned short)symbol;
    }
    if (n == 1)
        lengths[leaves[0].symbol] = 1;
    if (n > 1) {
        qsort(leaves, n, sizeof *leaves, by_weight);
        package_merge(lengths, leaves, n, max_bits);
    }
}
