/* What the processor can do at most: multiply-adds on registers alone, in as many sums as a tile has, so that none waits
 * for another. bench divides every figure by it. */

V_INLINE double spin(const Arithmetic arithmetic, size_t rounds)
{
    V sum[TILE_ROWS][TILE_VECTORS], x = v_set(1e-3f), b[TILE_VECTORS];
    float kept = 0;

    for (int j = 0; j < TILE_VECTORS; j++)
        b[j] = v_set(1e-3f * (float)(j + 1));
    V_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        V_UNROLL
        for (int j = 0; j < TILE_VECTORS; j++)
            sum[r][j] = v_set((float)(r + j));
    }
    for (size_t i = 0; i < rounds; i++) {
        V_UNROLL
        for (int r = 0; r < TILE_ROWS; r++) {
            V_UNROLL
            for (int j = 0; j < TILE_VECTORS; j++)
                sum[r][j] = multiply_add(arithmetic, x, b[j], sum[r][j]);
        }
    }
    V_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        V_UNROLL
        for (int j = 0; j < TILE_VECTORS; j++)
            kept += v_sum(sum[r][j]);
    }
    return kept;
}

/* Each thread runs `rounds` times TILE_ROWS x TILE_VECTORS instructions; *used is there so that no compiler leaves them
 * out. Returns the multiply-adds of all threads, 0 where the kernel does not multiply this type as it is. */
static double fast_spin(WtsType type, size_t rounds, double *used)
{
    size_t in_lane = type == WTS_BF16 ? 2 : type == WTS_Q8 ? 4 : 1;
    double kept = 0;

#ifndef V_HAS_BF16
    if (type == WTS_BF16)
        return 0;
#endif
#ifndef V_HAS_Q8
    if (type == WTS_Q8)
        return 0;
#endif
    if (type == WTS_F16)
        return 0;
    PARALLEL(1)
    {
        double mine = type == WTS_BF16 ? spin(ARITHMETIC_BF16, rounds)
                      : type == WTS_Q8 ? spin(ARITHMETIC_Q8, rounds)
                                       : spin(ARITHMETIC_F32, rounds);
        if (parallel_index() == 0)
            kept = mine;
    }
    *used += kept;
    return (double)kernel_threads() * (double)rounds * TILE_ROWS * TILE_VECTORS * V_WIDTH * (double)in_lane;
}
