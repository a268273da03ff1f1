/* Weights of one byte: rows by hand, a file there and back, what lies in it, both towers against f32, and files that lie. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "kernel/kernel.h"
#include "lake.h"
#include "test/test.h"
#include "test/tiny_clip.h"
#include "weights/format.h"
#include "weights/quantise.h"

#define PATH FOLDER "/q8.clip"
#define PATH_F32 FOLDER "/q8_f32.clip"
#define PATH_AGAIN FOLDER "/q8_again.clip"
#define MATRIX "vision.blocks.1.qkv.weight"

/* ---- a row ---- */

static void check_row(const char *name, const float *row, size_t count, float scale, const int *expected)
{
    signed char q[8];
    float found = q8_scale(row, count);
    size_t wrong = 0;

    q8_numbers(q, row, count, found);
    for (size_t i = 0; i < count; i++)
        wrong += q[i] != expected[i];
    check(found == scale && wrong == 0, name, "scale %g, expected %g; %lu numbers differ", (double)found, (double)scale,
          (unsigned long)wrong);
}

static void test_rows(void)
{
    const float ties[] = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -126.5f}, zeros[] = {0, -0.0f, 0};
    const float negative[] = {-254, 254, 1, -1, 3}, tiny[] = {1e-44f, -4e-45f, 0}, huge[] = {Q8_RANGE, -Q8_RANGE, 1};

    check_row("ties go to even numbers", ties, 7, 1, (const int[]){127, 0, 2, 2, 0, -2, -126});
    check_row("a row of zeros has scale 0", zeros, 3, 0, (const int[]){0, 0, 0});
    check_row("the range is symmetric", negative, 5, 2, (const int[]){-127, 127, 0, 0, 2});
    check_row("numbers whose scale is too small for a float are 0", tiny, 3, 0, (const int[]){0, 0, 0});
    check_row("the largest numbers stay finite", huge, 3, Q8_RANGE / 127, (const int[]){127, -127, 0});
    check(isfinite(q8_scale(huge, 1) * 127) && q8_scale(huge, 1) <= FLT_MAX / 127, "a scale that a reader takes", "%g",
          (double)q8_scale(huge, 1));
    check(q8_squared_error((const signed char[]){1, -2}, (const float[]){1.5f, -3}, 2, 2) == 0.25 + 1, "squared error",
          "%g", q8_squared_error((const signed char[]){1, -2}, (const float[]){1.5f, -3}, 2, 2));
}

/* ---- a file ---- */

static Matrix matrix_of(const WtsFile *file, const char *name)
{
    const WtsTensor *t = wts_find(file, name);
    Matrix m = {t->data, t->type, t->shape[0], t->bytes / t->shape[0] / wts_type_size(t->type), NULL,
                t->layout};

    if (t->type == WTS_Q8)
        m.scales = wts_companion(file, t, WTS_SCALE)->data;
    return m;
}

/* No number is further from the original than half a step, and the file says by how much they all are. */
static void check_matrix(const WtsFile *q8, const WtsFile *f32, const WtsTensor *t)
{
    Matrix a = matrix_of(q8, t->name), b = matrix_of(f32, t->name);
    float *row_a = malloc(a.columns * sizeof *row_a), *row_b = malloc(a.columns * sizeof *row_b);
    double squares = 0, errors = 0, far = 0, said = *(const float *)wts_companion(q8, t, WTS_ERROR)->data;

    for (size_t row = 0; row < a.rows; row++) {
        tensor_row(row_a, &a, row);
        tensor_row(row_b, &b, row);
        for (size_t i = 0; i < a.columns; i++) {
            double d = fabs((double)row_a[i] - row_b[i]);
            far += d > 0.50001 * a.scales[row]; /* half a step; q * scale is rounded to a float: 127 / 2^24 */
            errors += d * d;
            squares += (double)row_b[i] * row_b[i];
        }
    }
    check(far == 0, "q8 numbers are the nearest", "%s: %g are not", t->name, far);
    /* said is a float, of relative precision 6e-8 */
    check(fabs(said - sqrt(errors / squares)) <= 1e-7 * said && said > 0.001 && said < 0.01, "q8 says its error",
          "%s: %.9g, found %.9g", t->name, said, sqrt(errors / squares));
    free(row_a);
    free(row_b);
}

/* ---- rows of x in bytes ---- */

/* How many numbers of a row are farther off than kernel.h says. What a kernel takes the row for shows in its product
 * with the identity. */
static size_t miscoded(const float *x, size_t width)
{
    size_t panels = (width + WTS_PANEL_ROWS - 1) / WTS_PANEL_ROWS, far = 0;
    signed char *identity = calloc(panels * WTS_PANEL_ROWS, width + 4);
    float *scales = malloc(width * sizeof *scales), *y = malloc(width * sizeof *y), lowest = 0, highest = 0;
    float *workspace = malloc(tensor_linear_workspace(1, width, width) * sizeof *workspace);
    Matrix w = {identity, WTS_Q8, width, width, scales, LAYOUT_PANELS};

    for (size_t k = 0; k < width; k++) {
        identity[wts_panel_index(WTS_Q8, width, k, k)] = 1;
        scales[k] = 1;
        lowest = x[k] < lowest ? x[k] : lowest;
        highest = x[k] > highest ? x[k] : highest;
    }
    tensor_linear(y, width, x, width, 1, &w, NULL, EPILOGUE_NONE, workspace);
    for (size_t k = 0; k < width; k++) /* y has been rounded to a float */
        far += !(fabs((double)y[k] - x[k]) <=
                 ((double)highest - lowest) * KERNEL_CODE_ERROR + 2e-7 * fabs((double)y[k]));
    free(identity);
    free(scales);
    free(y);
    free(workspace);
    return far;
}

static void test_coding(void)
{
    static const char *const kernels[] = {"avxvnni", "avx512vnni", "avx512bf16", "neondot", "neonbf16"};
    static const float magnitudes[] = {1e-15f, 1, 1e14f}, shares[] = {0, 0.3f, 0.5f, 1}; /* below 0 */
    const Kernel *before = kernel_current(), *kernel;
    float x[70];
    Error e;

    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        size_t wrong = 0;
        if (kernel_find(&kernel, kernels[i], &e) != LAKE_OK)
            continue;
        kernel_use(kernel);
        for (size_t width = 1; width <= 70; width += 3)
            for (size_t m = 0; m < 12; m++) {
                uint64_t state = width;
                for (size_t k = 0; k < width; k++)
                    x[k] = magnitudes[m % 3] * ((float)(lake_random(&state) >> 40) / 16777216 - shares[m / 3]);
                wrong += miscoded(x, width);
                x[width / 2] *= 1000; /* an outlier */
                wrong += miscoded(x, width);
            }
        check(wrong == 0, "rows in bytes are as near as kernel.h says", "%s: %lu numbers are not", kernels[i],
              (unsigned long)wrong);
    }
    kernel_use(before);
}

static void test_file(void)
{
    WtsFile *q8, *f32;
    size_t matrices = 0, misplaced = 0;
    Error e;

    if (!check(wts_open(&q8, PATH, &e) == LAKE_OK && wts_open(&f32, PATH_F32, &e) == LAKE_OK, "q8 opened", "%s", e.text))
        return;
    check(wts_verify(q8, &e) == LAKE_OK, "q8 verified", "%s", e.text);
    for (size_t i = 0; i < wts_tensor_count(q8); i++) {
        const WtsTensor *t = wts_tensor(q8, i);

        if (t->type != WTS_Q8)
            continue;
        matrices++;
        misplaced += wts_companion(q8, t, WTS_SCALE) != wts_tensor(q8, i + 1) ||
                     wts_companion(q8, t, WTS_ERROR) != wts_tensor(q8, i + 2) ||
                     wts_tensor(q8, i + 1)->shape[0] != t->shape[0] || wts_tensor(q8, i + 2)->shape[0] != 1;
        check_matrix(q8, f32, t);
    }
    check(matrices == 1 + 4 * 3 + 1 + 1 + 4 * 2 + 1 && misplaced == 0 &&
              wts_tensor_count(q8) == wts_tensor_count(f32) + 2 * matrices,
          "every matrix is q8, its companions behind it", "%lu, %lu misplaced", (unsigned long)matrices,
          (unsigned long)misplaced);
    check(wts_find(q8, "vision.positions")->type == WTS_F32 && wts_find(q8, "text.positions")->type == WTS_F32 &&
              wts_find(q8, "vision.class")->type == WTS_F32,
          "what is no matrix stays f32", "it does not");
    wts_close(q8);
    wts_close(f32);
}

/* The same model written as q8 in pieces of `piece` numbers. */
static int write_in_pieces(const WtsFile *f32, size_t piece, Error *e)
{
    size_t tokenizer_size, count;
    const unsigned char *tokenizer = wts_tokenizer(f32, &tokenizer_size);
    WtsTensor *tensors;
    WtsWriter *writer;
    int code = wts_layout(wts_config(f32), WTS_Q8, &tensors, &count, e);

    if (code == LAKE_OK)
        code = wts_create(&writer, PATH_AGAIN, wts_config(f32), tensors, count, tokenizer, tokenizer_size, e);
    for (size_t i = 0; code == LAKE_OK && i < count; i++) {
        const float *values = wts_find(f32, tensors[i].name)->data;
        size_t numbers = wts_find(f32, tensors[i].name)->bytes / sizeof *values;

        for (size_t k = 0; code == LAKE_OK && k < numbers; k += piece)
            code = wts_put(writer, values + k, piece < numbers - k ? piece : numbers - k, e);
    }
    free(tensors);
    return code == LAKE_OK ? wts_finish(writer, e) : code;
}

static void test_pieces(void)
{
    unsigned char *expected, *found;
    size_t size, found_size;
    WtsFile *f32;
    Error e;

    if (!check(wts_open(&f32, PATH_F32, &e) == LAKE_OK && file_read(&expected, &size, PATH, 1 << 24, &e) == LAKE_OK,
               "files for pieces", "%s", e.text))
        return;
    for (size_t piece = 1; piece <= 33; piece += 16) {
        found = NULL;
        check(write_in_pieces(f32, piece, &e) == LAKE_OK &&
                  file_read(&found, &found_size, PATH_AGAIN, 1 << 24, &e) == LAKE_OK && found_size == size &&
                  memcmp(found, expected, size) == 0,
              "q8 is the same in pieces", "of %lu numbers", (unsigned long)piece);
        free(found);
    }
    free(expected);
    wts_close(f32);
}

/* A companion without its q8 matrix: an f32 file with one tensor more than it should have. */
static void test_leftover(void)
{
    WtsTensor extra = {MATRIX WTS_ERROR, WTS_F32, 1, {1, 1, 1, 1}, NULL, 0, 0, LAYOUT_ROWS}, *tensors;
    size_t count, tokenizer_size;
    const unsigned char *tokenizer;
    WtsWriter *writer;
    WtsFile *f32;
    Clip model;
    Error e;
    int code = wts_open(&f32, PATH_F32, &e);

    if (!check(code == LAKE_OK, "a file for a leftover", "%s", e.text))
        return;
    tokenizer = wts_tokenizer(f32, &tokenizer_size);
    count = wts_tensor_count(f32);
    tensors = malloc((count + 1) * sizeof *tensors);
    for (size_t i = 0; i < count; i++)
        tensors[i] = *wts_tensor(f32, i);
    tensors[count] = extra;
    code = wts_create(&writer, PATH_AGAIN, wts_config(f32), tensors, count + 1, tokenizer, tokenizer_size, &e);
    for (size_t i = 0; code == LAKE_OK && i < count; i++)
        code = wts_put(writer, tensors[i].data, tensors[i].bytes / 4, &e);
    if (code == LAKE_OK && (code = wts_put(writer, (const float[]){0.5f}, 1, &e)) == LAKE_OK)
        code = wts_finish(writer, &e);
    check(code == LAKE_OK && clip_open(&model, PATH_AGAIN, &e) == LAKE_BAD_INPUT &&
              strstr(e.text, "tensors, the configuration asks for") != NULL,
          "a companion of no q8 matrix", "%s", e.text);
    free(tensors);
    wts_close(f32);
}

/* A tensor of two rows of two numbers, three good ones and `last`, with a name of so many letters. */
static void refuse_put(size_t letters, float last, int code, const char *expected)
{
    const ClipConfig config = config_of('b');
    const float values[4] = {1, -1, 2, last};
    WtsTensor t = {"", WTS_Q8, 2, {2, 2, 1, 1}, NULL, 0, 0, LAYOUT_ROWS};
    WtsWriter *writer;
    Error e;
    int found;

    e.text[0] = '\0';
    memset(t.name, 'n', letters);
    remove(PATH_AGAIN);
    found = wts_create(&writer, PATH_AGAIN, &config, &t, 1, NULL, 0, &e);
    if (found == LAKE_OK) {
        found = wts_put(writer, values, 4, &e);
        if (found == LAKE_OK)
            found = wts_finish(writer, &e);
        else
            wts_abandon(writer);
    }
    check(found == code && strstr(e.text, expected) != NULL, "q8 writer", "code %d, \"%s\", expected \"%s\"", found,
          e.text, expected);
    check((path_kind(PATH_AGAIN) == PATH_FILE) == (code == LAKE_OK), "q8 writer leaves nothing behind", "%s",
          expected);
    remove(PATH_AGAIN);
}

static void test_writer(void)
{
    refuse_put(4, 3, LAKE_OK, "");
    refuse_put(4, NAN, LAKE_BAD_INPUT, "tensor nnnn holds NaN");
    refuse_put(4, -INFINITY, LAKE_BAD_INPUT, "tensor nnnn holds an infinity");
    refuse_put(4, 3.4025e38f, LAKE_BAD_INPUT, "beyond the range of q8: write f32 (--dtype f32)");
    refuse_put(57, 3, LAKE_OK, "");
    refuse_put(58, 3, LAKE_USAGE, "leaves no room for .scale");
}

/* ---- the towers ---- */

static double cosine(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;

    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

static void embed(float *image, float *text, const char *path)
{
    static const char *const texts[] = {"a damaged part"};
    float pixels[3 * 32 * 32];
    ClipRequest request = {0};
    ClipState state;
    Clip model;
    Error e;

    for (size_t i = 0; i < 3 * 32 * 32; i++)
        pixels[i] = sinf((float)(i % 1009) * 0.37f);
    request.embedding = image;
    if (!check(clip_open(&model, path, &e) == LAKE_OK &&
                   clip_state_open(&state, &model, 32, GRID_BICUBIC_ANTIALIAS, &e) == LAKE_OK,
               "a model for embeddings", "%s", e.text))
        return;
    clip_image(&model, &state, pixels, &request);
    check(clip_text(&model, texts, 1, text, NULL, &e) == LAKE_OK, "a text", "%s", e.text);
    clip_state_close(&state);
    clip_close(&model);
}

/* On the plain kernel, where activations stay floats. Rows of 14 to 40 random numbers lose about 0.5 % of their length
 * each; errors of separate weights are independent, so that a cosine loses about half the square of a few times that. */
static void test_towers(void)
{
    float image[2][18], text[2][18];

    embed(image[0], text[0], PATH_F32);
    embed(image[1], text[1], PATH);
    check(cosine(image[0], image[1], 18) >= 0.999, "image embedding of q8", "cosine %.6f", cosine(image[0], image[1], 18));
    check(cosine(text[0], text[1], 18) >= 0.999, "text embedding of q8", "cosine %.6f", cosine(text[0], text[1], 18));
    check(memcmp(image[0], image[1], sizeof image[0]) != 0, "q8 is another model", "the same numbers");
}

/* ---- files that lie ---- */

/* The entry of a tensor in the table. */
static unsigned char *entry_of(unsigned char *data, const char *name)
{
    unsigned char *p = data + AT_TABLE;

    while (strcmp((const char *)p, name) != 0)
        p += ENTRY_SIZE;
    return p;
}

/* Opens the bytes with a checksum of the head that is right, as a model. */
static void refuse_model(unsigned char *data, size_t size, const char *expected)
{
    Clip model;
    Error e;
    int code;

    e.text[0] = '\0';
    put_u32le(data + AT_HEAD_CRC, wts_head_crc(data, get_u32le(data + AT_HEAD_SIZE)));
    code = clip_open_memory(&model, data, size, "lie", &e);
    check(code == LAKE_BAD_INPUT && strstr(e.text, expected) != NULL && strstr(e.text, "lie: ") == e.text,
          "a q8 file that lies", "code %d, \"%s\", expected \"%s\"", code, e.text, expected);
    clip_close(&model);
}

static void refuse_number(const unsigned char *good, size_t size, const char *name, size_t index, float value,
                          const char *expected)
{
    unsigned char *data = malloc(size);

    memcpy(data, good, size);
    put_f32le(data + get_u64le(entry_of(data, name) + ENTRY_OFFSET) + 4 * index, value);
    refuse_model(data, size, expected);
    free(data);
}

/* Puts `count` bytes of an entry's field to others. */
static void refuse_entry(const unsigned char *good, size_t size, const char *name, size_t field, const void *bytes,
                         size_t count, const char *expected)
{
    unsigned char *data = malloc(size);

    memcpy(data, good, size);
    memcpy(entry_of(data, name) + field, bytes, count);
    refuse_model(data, size, expected);
    free(data);
}

static void test_lies(const unsigned char *good, size_t size)
{
    static const unsigned char halves[] = {1, 0, 0, 0, 2, 0, 0, 0, 72, 0, 0, 0, 2, 0, 0, 0}; /* f16 [72, 2] */
    static const unsigned char quarters[] = {4, 0, 0, 0}, f16[] = {1, 0, 0, 0}, f32[] = {0, 0, 0, 0};

    refuse_number(good, size, MATRIX WTS_SCALE, 0, NAN, "number 0 of tensor " MATRIX ".scale is ");
    refuse_number(good, size, MATRIX WTS_SCALE, 71, -1e-9f, "number 71 of tensor " MATRIX ".scale is -1e-09");
    refuse_number(good, size, MATRIX WTS_SCALE, 5, INFINITY, "number 5 of tensor " MATRIX ".scale is inf");
    refuse_number(good, size, MATRIX WTS_SCALE, 5, 3e38f, "number 5 of tensor " MATRIX ".scale is 3e+38");
    refuse_number(good, size, MATRIX WTS_ERROR, 0, NAN, "number 0 of tensor " MATRIX ".error is ");
    refuse_entry(good, size, MATRIX WTS_SCALE, 0, MATRIX ".scalf", sizeof MATRIX ".scalf",
                 "tensor " MATRIX " is q8, and " MATRIX ".scale is missing");
    refuse_entry(good, size, MATRIX WTS_ERROR, 0, MATRIX ".errof", sizeof MATRIX ".errof",
                 "tensor " MATRIX " is q8, and " MATRIX ".error is missing");
    refuse_entry(good, size, MATRIX WTS_SCALE, ENTRY_TYPE, halves, sizeof halves, "has shape [72, 2]");
    refuse_entry(good, size, MATRIX WTS_ERROR, ENTRY_TYPE, f16, 4, "its shape says otherwise");
    refuse_entry(good, size, MATRIX, ENTRY_TYPE, f32, 4, "its shape says otherwise");
    refuse_entry(good, size, MATRIX, ENTRY_TYPE, quarters, 4, "unknown type");
}

/* The names of two companions exchanged: each has the other's shape. */
static void test_exchange(const unsigned char *good, size_t size)
{
    unsigned char *data = malloc(size), *scale, *error;

    memcpy(data, good, size);
    scale = entry_of(data, MATRIX WTS_SCALE);
    error = entry_of(data, MATRIX WTS_ERROR);
    memcpy(scale, good + (error - data), ENTRY_TYPE);
    memcpy(error, good + (scale - data), ENTRY_TYPE);
    refuse_model(data, size, "tensor " MATRIX ".scale has shape [1], the configuration asks for [72]");
    free(data);
}

/* Each bit of the matrix and of what goes with it: the checksums tell, and what opens does no harm. */
static void test_flips(const unsigned char *good, size_t size)
{
    unsigned char *data = malloc(size);
    size_t begin, end, unseen = 0;
    Error e;

    memcpy(data, good, size);
    begin = (size_t)get_u64le(entry_of(data, MATRIX) + ENTRY_OFFSET);
    end = (size_t)get_u64le(entry_of(data, MATRIX WTS_ERROR) + ENTRY_OFFSET) + 4;
    for (size_t bit = 8 * begin; bit < 8 * end; bit++) {
        Clip model;

        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (clip_open_memory(&model, data, size, "flip", &e) == LAKE_OK) {
            unseen += wts_verify(model.file, &e) == LAKE_OK;
            clip_close(&model);
        }
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    check(unseen == 0, "every flipped bit of q8 data is seen", "%lu were not", (unsigned long)unseen);
    free(data);
}

static void test_damage(void)
{
    unsigned char *good;
    size_t size;
    Error e;

    if (!check(file_read(&good, &size, PATH, 1 << 24, &e) == LAKE_OK, "a good q8 file", "%s", e.text))
        return;
    test_lies(good, size);
    test_exchange(good, size);
    test_flips(good, size);
    free(good);
}

int main(void)
{
    Golden g = {0};
    Error e;

    if (!golden_open(&g, &e) || folder_create(FOLDER, &e) != LAKE_OK ||
        write_model(&g, 'a', WTS_Q8, PATH, 0, &e) != LAKE_OK ||
        write_model(&g, 'a', WTS_F32, PATH_F32, 0, &e) != LAKE_OK || tensor_begin(&e) != LAKE_OK) {
        check(0, "the tiny model as q8", "%s", e.text);
        return 0;
    }
    kernel_use(&kernel_plain);
    test_rows();
    test_coding();
    test_file();
    test_pieces();
    test_leftover();
    test_writer();
    test_towers();
    test_damage();
    golden_close(&g);
    remove(PATH);
    remove(PATH_F32);
    remove(PATH_AGAIN);
    return 0;
}
