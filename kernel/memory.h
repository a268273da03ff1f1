/* Sizes and alignment, for the files of a kernel. */

/* A vector load that crosses a cache line costs two; buffers therefore start on a line. */
#define LINE_FLOATS 16
static inline float *line_start(float *p)
{
    return p + (LINE_FLOATS - (uintptr_t)p / sizeof *p % LINE_FLOATS) % LINE_FLOATS;
}

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }
