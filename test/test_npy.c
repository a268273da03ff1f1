/* .npy files: what NumPy writes (headers copied from its files), every number type, and files that lie. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/npy.h"
#include "test/test.h"

#define FILE_NAME "build/test_npy.npy"

static const char *path(void)
{
    static const char *const names[] = {FILE_NAME, "test_npy.npy"};
    return path_kind("build") == PATH_FOLDER ? names[0] : names[1];
}

/* A file of version `major` with this dictionary and data. */
static size_t make(unsigned char *file, int major, const char *dictionary, const void *data, size_t size)
{
    size_t length = strlen(dictionary), start = major == 1 ? 10 : 12;

    memcpy(file, "\x93NUMPY", 6);
    file[6] = (unsigned char)major;
    file[7] = 0;
    if (major == 1)
        put_u16le(file + 8, (uint16_t)length);
    else
        put_u32le(file + 8, (uint32_t)length);
    memcpy(file + start, dictionary, length);
    memcpy(file + start + length, data, size);
    return start + length + size;
}

static int open_bytes(NpyFile *npy, const unsigned char *bytes, size_t size, Error *e)
{
    if (file_save(path(), bytes, size, e) != LAKE_OK)
        return LAKE_RESOURCE;
    return npy_open(npy, path(), e);
}

static void accept(const char *name, int major, const char *dictionary, const void *data, size_t size, size_t rank,
                   size_t first, size_t count, const float *expected)
{
    unsigned char file[1024];
    size_t total = make(file, major, dictionary, data, size);
    float numbers[16];
    NpyFile npy;
    Error e = {0, ""};

    if (!check(open_bytes(&npy, file, total, &e) == LAKE_OK, name, "%s", e.text))
        return;
    npy_get(&npy, 0, count, numbers);
    check(npy.rank == rank && npy.count == count && (rank == 0 || npy.shape[0] == first) &&
              memcmp(numbers, expected, count * sizeof *numbers) == 0,
          name, "rank %lu, %lu numbers, first %g", (unsigned long)npy.rank, (unsigned long)npy.count, numbers[0]);
    npy_close(&npy);
}

static void refuse(const char *name, int major, const char *dictionary, size_t size, const char *says)
{
    static const unsigned char zeros[256];
    unsigned char file[1024];
    size_t total = make(file, major, dictionary, zeros, size);
    NpyFile npy;
    Error e = {0, ""};

    check(open_bytes(&npy, file, total, &e) == LAKE_BAD_INPUT && strstr(e.text, says) != NULL &&
              strstr(e.text, path()) == e.text,
          name, "'%s' does not say '%s'", e.text, says);
}

static void test_types(void)
{
    static const unsigned char half_little[] = {0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00},
                               half_big[] = {0x3c, 0x00, 0xc0, 0x00, 0x00, 0x01};
    static const unsigned char single_little[] = {0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc1},
                               single_big[] = {0x3f, 0x80, 0, 0, 0xc1, 0x20, 0, 0};
    static const unsigned char double_little[] = {0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f};
    static const unsigned char double_big[] = {0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a};
    static const unsigned char double_large[] = {0, 0, 0, 0, 0, 0, 0, 0x7e, 0, 0, 0, 0, 0, 0, 0, 0xfe}; /* +-5e299 */
    const float infinities[] = {INFINITY, -INFINITY};
    static const float halves[] = {1, -2, 5.9604644775390625e-8f}, singles[] = {1, -10}, doubles[] = {0.1f};

    accept("float16", 1, "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }   \n", half_little, 6, 1, 3, 3,
           halves);
    accept("float16, big-endian", 1, "{'descr': '>f2', 'fortran_order': False, 'shape': (3,), }\n", half_big, 6, 1, 3, 3,
           halves);
    accept("float32", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n", single_little, 8, 2, 2, 2,
           singles);
    accept("float32, big-endian", 2, "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }\n", single_big, 8, 2, 1,
           2, singles);
    accept("float64", 3, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1), }\n", double_little, 8, 3, 1, 1,
           doubles);
    accept("float64, big-endian", 1, "{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }\n", double_big, 8, 1, 1,
           1, doubles);
    accept("float64 beyond float32", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", double_large, 16, 1, 2,
           2, infinities);
    accept("rank 0", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", single_little, 4, 0, 0, 1, singles);
    accept("no number", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 5), }\n", single_little, 0, 2, 0, 0,
           singles);
    accept("keys in another order", 1, "{\"shape\":(2,),'descr':\"<f4\",'fortran_order':False}", single_little, 8, 1, 2,
           2, singles);
}

static void test_hostile(void)
{
    refuse("Fortran order", 1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16, "Fortran");
    refuse("integers", 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }", 8, "'<i4'");
    refuse("bytes", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (8,), }", 8, "'|u1'");
    refuse("long double", 1, "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", 16, "'<f16'");
    refuse("records", 1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8, "plain array");
    refuse("too few bytes", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, "needs 3 numbers");
    refuse("too many bytes", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8, "needs 1 numbers");
    refuse("a shape beyond 64 bits", 1,
           "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }", 0, "address");
    refuse("bytes beyond 64 bits", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }", 0,
           SIZE_MAX > 0xffffffff ? "numbers" : "address");
    refuse("a number beyond 64 bits", 1,
           "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }", 0, "address");
    refuse("a negative size", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, "whole numbers");
    refuse("nine dimensions", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4,
           "8 dimensions");
    refuse("a key twice", 1, "{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }", 4, "once each");
    refuse("a key missing", 1, "{'descr': '<f4', 'fortran_order': False, }", 4, "keys");
    refuse("another key", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4, "keys");
    refuse("no dictionary", 1, "hello", 4, "'{'");
    refuse("nothing", 1, "", 0, "'{'");
    refuse("an open string", 1, "{'descr", 0, "quotes");
    refuse("version 4", 4, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4, "4.0");
    refuse("order", 1, "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", 4, "False or True");
}

/* Every beginning of a good file is refused, and no changed byte crashes. */
static void test_damage(void)
{
    unsigned char file[1024], copy[1024];
    const char *dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";
    size_t total = make(file, 1, dictionary, "0123456789abcdef", 16), accepted = 0, crashes = 0;
    NpyFile npy;
    Error e;

    for (size_t n = 0; n < total; n++)
        if (open_bytes(&npy, file, n, &e) == LAKE_OK) {
            accepted++;
            npy_close(&npy);
        }
    check(accepted == 0, "cut files", "%lu accepted", (unsigned long)accepted);
    for (size_t n = 0; n < total; n++)
        for (int bit = 0; bit < 8; bit += 3) {
            float numbers[4096];
            memcpy(copy, file, total);
            copy[n] ^= (unsigned char)(1 << bit);
            if (open_bytes(&npy, copy, total, &e) == LAKE_OK) {
                crashes += npy.count * npy.item != 16;
                npy_get(&npy, 0, npy.count, numbers);
                npy_close(&npy);
            }
        }
    check(crashes == 0, "changed bytes", "%lu accepted with a wrong size", (unsigned long)crashes);
}

static void test_write(void)
{
    static float data[5000], back[5000];
    size_t shapes[][8] = {{5000}, {50, 100}, {1, 5, 1000}, {2, 5, 2, 5, 2, 5, 5, 1}};
    NpyFile npy;
    Error e = {0, ""};

    for (size_t i = 0; i < 5000; i++)
        data[i] = (float)i * 0.37f - 100;
    for (size_t s = 0; s < 4; s++) {
        size_t rank = s == 3 ? 8 : s + 1;
        if (!check(npy_write(path(), data, rank, shapes[s], &e) == LAKE_OK && npy_open(&npy, path(), &e) == LAKE_OK,
                   "round trip", "%s", e.text))
            continue;
        npy_get(&npy, 0, 5000, back);
        check(npy.rank == rank && memcmp(npy.shape, shapes[s], rank * sizeof(size_t)) == 0 &&
                  memcmp(data, back, sizeof data) == 0 && (size_t)(npy.data - npy.view.data) % 64 == 0,
              "round trip", "rank %lu", (unsigned long)rank);
        npy_get(&npy, 4990, 10, back);
        check(memcmp(data + 4990, back, 40) == 0, "a part", "differs");
        npy_close(&npy);
    }
    check(npy_write("/nonexistent/x.npy", data, 1, shapes[0], &e) == LAKE_RESOURCE, "no folder", "written");
    check(npy_open(&npy, "/nonexistent/x.npy", &e) == LAKE_BAD_INPUT, "no file", "opened");
}

int main(void)
{
    test_types();
    test_hostile();
    test_damage();
    test_write();
    remove(path());
    return 0;
}
