/* The symmetric eigenproblem by the classical route (Golub and Van Loan, Matrix Computations, 8.3; EISPACK's tred2 and
 * tql2): Householder reflections make the matrix tridiagonal, implicit QL steps with Wilkinson's shift make that
 * diagonal, and both are applied to a matrix that ends up holding the eigenvectors. Eigenvectors are rows here, so
 * that every inner loop runs along memory. */
#include "method/eigen.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Turns v[n] = x into a Householder vector with (I - factor v v^T) x = -+||x|| e_last; returns factor (0: nothing to
 * do) and the value -+||x||. The vector is scaled by its largest entry first, against overflow and underflow. */
static double householder(double *v, size_t n, double *image)
{
    double largest = 0, sum = 0, norm;

    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(v[i]));
    *image = v[n - 1];
    for (size_t i = 0; i + 1 < n; i++)
        sum += fabs(v[i]);
    if (sum == 0)
        return 0;
    sum = 0;
    for (size_t i = 0; i < n; i++) {
        v[i] /= largest;
        sum += v[i] * v[i];
    }
    norm = v[n - 1] > 0 ? -sqrt(sum) : sqrt(sum); /* the sign that does not cancel */
    *image = norm * largest;
    sum -= v[n - 1] * norm;
    v[n - 1] -= norm;
    return 1 / sum; /* 2 / (v.v) */
}

/* a, lower triangle, becomes (I - factor v v^T) a (I - factor v v^T) in its leading n x n part; stride: length of a's
 * rows. */
static void reflect_both_sides(double *a, size_t stride, size_t n, const double *v, double factor, double *p)
{
    double half = 0;

    memset(p, 0, n * sizeof *p);
    for (size_t i = 0; i < n; i++) { /* p = factor a v from the lower triangle */
        const double *row = a + i * stride;
        double sum = row[i] * v[i];
        for (size_t j = 0; j < i; j++) {
            sum += row[j] * v[j];
            p[j] += row[j] * v[i];
        }
        p[i] += sum;
    }
    for (size_t i = 0; i < n; i++) {
        p[i] *= factor;
        half += p[i] * v[i];
    }
    half *= factor / 2;
    for (size_t i = 0; i < n; i++)
        p[i] -= half * v[i];
    for (size_t i = 0; i < n; i++) {
        double *row = a + i * stride;
        for (size_t j = 0; j <= i; j++)
            row[j] -= v[i] * p[j] + p[i] * v[j];
    }
}

/* matrix = Q T Q^T: T's diagonal and subdiagonal (subdiagonal[i] couples i and i + 1), and rows of `vectors` = Q^T.
 * Row k of the matrix is replaced by the Householder vector that cleared it; factors[k] belongs to it. */
static void tridiagonalise(double *matrix, size_t n, double *diagonal, double *subdiagonal, double *vectors,
                           double *factors, double *scratch)
{
    for (size_t k = n; k-- > 1;) {
        double *row = matrix + k * n;
        diagonal[k] = row[k];
        factors[k] = householder(row, k, &subdiagonal[k - 1]);
        if (factors[k] != 0)
            reflect_both_sides(matrix, n, k, row, factors[k], scratch);
    }
    diagonal[0] = matrix[0];
    subdiagonal[n - 1] = 0;

    memset(vectors, 0, n * n * sizeof *vectors);
    vectors[0] = 1;
    for (size_t k = 1; k < n;
         k++) { /* Q^T = H_1 ... H_{n-1} acts on columns 0..k-1 at step k; build it from the small end */
        const double *v = matrix + k * n;
        vectors[k * n + k] = 1;
        if (factors[k] == 0)
            continue;
        for (size_t i = 0; i < k; i++) {
            double *row = vectors + i * n, dot = 0;
            for (size_t j = 0; j < k; j++)
                dot += row[j] * v[j];
            dot *= factors[k];
            for (size_t j = 0; j < k; j++)
                row[j] -= dot * v[j];
        }
    }
}

/* Rotates rows a and b (length n): a' = c a - s b, b' = s a + c b. */
static void rotate_rows(double *a, double *b, size_t n, double c, double s)
{
    for (size_t j = 0; j < n; j++) {
        double x = a[j], y = b[j];
        a[j] = c * x - s * y;
        b[j] = s * x + c * y;
    }
}

/* One implicit QL step on the block first..last, which no zero subdiagonal splits. */
static void ql_step(double *d, double *e, size_t first, size_t last, double *vectors, size_t n)
{
    double g = (d[first + 1] - d[first]) / (2 * e[first]);
    double s = 1, c = 1, p = 0;

    g = d[last] - d[first] + e[first] / (g + copysign(hypot(g, 1), g)); /* last diagonal minus Wilkinson's shift */
    for (size_t i = last; i-- > first;) {                               /* chase the bulge from the end to the front */
        double f = s * e[i], b = c * e[i], r = hypot(f, g);
        e[i + 1] = r;
        if (r == 0) { /* the block has split by underflow */
            d[i + 1] -= p;
            e[last] = 0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotate_rows(vectors + i * n, vectors + (i + 1) * n, n, c, s);
    }
    d[first] -= p;
    e[first] = g;
    e[last] = 0;
}

static int diagonalise(double *d, double *e, double *vectors, size_t n, Error *error)
{
    for (size_t first = 0; first < n; first++) {
        for (int step = 0;; step++) {
            size_t last = first;
            while (last + 1 < n && fabs(e[last]) > DBL_EPSILON * (fabs(d[last]) + fabs(d[last + 1])))
                last++;
            if (last == first)
                break;
            if (step == 60)
                return error_set(error, LAKE_BAD_INPUT,
                                 "the eigenvalues of a covariance matrix did not converge (are all numbers finite?)");
            ql_step(d, e, first, last, vectors, n);
        }
    }
    return LAKE_OK;
}

/* Descending order, and a sign that does not depend on the route taken. */
static void arrange(double *values, double *vectors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t largest = i, peak = 0;
        double *row = vectors + i * n, *other;
        for (size_t j = i + 1; j < n; j++)
            if (values[j] > values[largest])
                largest = j;
        other = vectors + largest * n;
        for (size_t j = 0; largest != i && j < n; j++) {
            double swap = row[j];
            row[j] = other[j];
            other[j] = swap;
        }
        if (largest != i) {
            double swap = values[i];
            values[i] = values[largest];
            values[largest] = swap;
        }
        for (size_t j = 1; j < n; j++)
            if (fabs(row[j]) > fabs(row[peak]))
                peak = j;
        for (size_t j = 0; row[peak] < 0 && j < n; j++)
            if (j != peak)
                row[j] = -row[j];
        row[peak] = fabs(row[peak]);
    }
}

int eigen_symmetric(double *values, double *vectors, double *matrix, size_t n, Error *e)
{
    double *scratch = malloc(3 * n * sizeof *scratch);
    int code;

    if (scratch == NULL)
        return error_memory(e, "the eigenvectors");
    tridiagonalise(matrix, n, values, scratch, vectors, scratch + n, scratch + 2 * n);
    code = diagonalise(values, scratch, vectors, n, e);
    free(scratch);
    if (code == LAKE_OK)
        arrange(values, vectors, n);
    return code;
}
