/* The symmetric eigen-solver against NumPy's (test/golden/make_lake.py), and by what defines eigenvectors: A v =
 * lambda v, V V^T = I. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method/eigen.h"
#include "lake.h"
#include "test/test.h"

/* Largest |A v - lambda v| and |V V^T - I|. */
static void residuals(const double *a, const double *values, const double *vectors, size_t n, double *wrong, double *skew)
{
    *wrong = *skew = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double product = 0, dot = 0;
            for (size_t k = 0; k < n; k++) {
                product += a[j * n + k] * vectors[i * n + k];
                dot += vectors[i * n + k] * vectors[j * n + k];
            }
            *wrong = fmax(*wrong, fabs(product - values[i] * vectors[i * n + j]));
            *skew = fmax(*skew, fabs(dot - (i == j)));
        }
}

/* scale: magnitude of the entries; the bound on the errors is the usual n * epsilon * ||A||, times ten. */
static void check_matrix(const char *name, const double *matrix, size_t n, double scale)
{
    double *a = malloc(n * n * sizeof *a), *vectors = malloc(n * n * sizeof *vectors),
           *values = malloc(n * sizeof *values);
    double wrong, skew, bound = 10 * (double)n * DBL_EPSILON;
    int descending = 1, upright = 1;
    Error e = {0, ""};

    memcpy(a, matrix, n * n * sizeof *a);
    if (check(eigen_symmetric(values, vectors, a, n, &e) == LAKE_OK, name, "%s", e.text)) {
        residuals(matrix, values, vectors, n, &wrong, &skew);
        for (size_t i = 0; i < n; i++) {
            size_t peak = 0;
            descending &= i == 0 || values[i] <= values[i - 1];
            for (size_t j = 1; j < n; j++)
                if (fabs(vectors[i * n + j]) > fabs(vectors[i * n + peak]))
                    peak = j;
            upright &= vectors[i * n + peak] > 0;
        }
        check(wrong <= bound * (double)n * scale, name, "A v - lambda v is %g", wrong);
        check(skew <= bound, name, "V V^T - I is %g", skew);
        check(descending && upright, name, "order or sign");
    }
    free(a);
    free(vectors);
    free(values);
}

static void fill_random(double *a, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n * n; i++)
        a[i] = ((double)(lake_random(&seed) >> 48) - 32768) / 32768;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            a[j * n + i] = a[i * n + j];
}

/* Values to 1e-12: LAPACK's and our errors are a few epsilon each, the matrices' norms below 10. Vectors to 1e-9: they
 * are off by an error over the gap to the next eigenvalue, which is above 1e-4 here. */
static void test_golden(void)
{
    FILE *f = fopen("test/golden/eigen.txt", "r");
    static double a[64 * 64], vectors[64 * 64], values[64], theirs;
    char line[256];
    unsigned long n;
    int matrices = 0;

    if (!check(f != NULL && fgets(line, sizeof line, f) != NULL, "golden file", "cannot read"))
        return;
    while (fscanf(f, " eigen %lu", &n) == 1 && n <= 64) {
        double off = 0, turned = 0;
        Error e = {0, ""};
        fill_random(a, n, n);
        if (!check(eigen_symmetric(values, vectors, a, n, &e) == LAKE_OK, "golden", "%s", e.text))
            break;
        for (size_t i = 0; i < n && fscanf(f, "%lf", &theirs) == 1; i++)
            off = fmax(off, fabs(theirs - values[i]));
        for (size_t i = 0; i < 2 * n && fscanf(f, "%lf", &theirs) == 1; i++)
            turned = fmax(turned, fabs(theirs - (i < n ? vectors[i] : vectors[(n - 1) * n + i - n])));
        check(off <= 1e-12, "eigenvalues of numpy", "n = %lu: off by %g", n, off);
        check(turned <= 1e-9, "eigenvectors of numpy", "n = %lu: off by %g", n, turned);
        matrices++;
    }
    check(matrices == 5, "golden matrices", "%d", matrices);
    fclose(f);
}

int main(void)
{
    enum { N = 48 };
    static double a[N * N];

    test_golden();
    fill_random(a, N, 7);
    check_matrix("random", a, N, 1);
    for (size_t i = 0; i < N * N; i++)
        a[i] *= 1e150;
    check_matrix("huge", a, N, 1e150);
    for (size_t i = 0; i < N * N; i++)
        a[i] *= 1e-290;
    check_matrix("tiny", a, N, 1e-140);
    memset(a, 0, sizeof a);
    check_matrix("zero", a, N, 1);
    for (size_t i = 0; i < N; i++)
        a[i * N + i] = 3;
    check_matrix("multiple of the identity", a, N, 3);
    for (size_t i = 0; i < N * N; i++)
        a[i] = 1; /* one eigenvalue N, all others 0 */
    check_matrix("rank one", a, N, 1);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            a[i * N + j] = 1 / (double)(i + j + 1); /* Hilbert's: eigenvalues down to 1e-60 */
    check_matrix("Hilbert", a, N, 1);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            a[i * N + j] = i == j ? 2 : i + 1 == j || j + 1 == i ? -1 : 0;
    check_matrix("tridiagonal", a, N, 2);
    fill_random(a, 3, 1);
    a[1] = NAN;
    a[3] = NAN;
    {
        double values[3], vectors[9];
        Error e = {0, ""};
        eigen_symmetric(values, vectors, a, 3, &e);
        check(1, "not a number: ends", "never");
    }
    return 0;
}
