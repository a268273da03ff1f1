/* NumPy's .npy files: base/npy.c. What was read comes back from the file that npy_write makes of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/npy.h"
#include "test/fuzz/fuzz.h"

/* All numbers of a file. */
static float *read_all(const NpyFile *file)
{
    float *values = malloc(file->count * sizeof *values + 1);

    if (values == NULL)
        abort();
    npy_get(file, 0, file->count, values);
    return values;
}

static int same_number(float a, float b)
{
    return a == b ? signbit(a) == signbit(b) : a != a && b != b;
}

static void write_again(const NpyFile *file)
{
    float *values = read_all(file), *again;
    NpyFile second;
    Error e = FUZZ_ERROR;
    size_t i;

    PROMISE(npy_write("again.npy", values, file->rank, file->shape, &e) == LAKE_OK);
    PROMISE(npy_open(&second, "again.npy", &e) == LAKE_OK);
    PROMISE(second.rank == file->rank && second.count == file->count && second.item == 4);
    PROMISE(memcmp(second.shape, file->shape, file->rank * sizeof *file->shape) == 0);
    again = read_all(&second);
    for (i = 0; i < file->count; i++)
        PROMISE(same_number(values[i], again[i]));
    npy_close(&second);
    free(again);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NpyFile file;
    Error e = FUZZ_ERROR;
    int code;

    fuzz_file("fuzz.npy", data, size);
    code = npy_open(&file, "fuzz.npy", &e);
    fuzz_check(code, &e);
    if (code == LAKE_OK) {
        write_again(&file);
        npy_close(&file);
    }
    fuzz_files_clear();
    return 0;
}
