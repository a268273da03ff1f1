/* Masks of data sets; see datasets.h. */
#include "base/file.h"
#include "eval/datasets.h"
#include "image/image.h"

/* The place in a row of `size` that is nearest, given as a coordinate; a coordinate's whole part, held inside. */
static size_t place(double coordinate, size_t size)
{
    return coordinate < (double)size ? (size_t)coordinate : size - 1;
}

/* Defective is where a channel is above `faint`. A pixel's middle is put into the picture and takes the value it meets
 * there. Middles are reached by adding steps, as Pillow does (src/libImaging/Geometry.c, ImagingScaleAffine), because
 * rounding decides which side of an edge those take that lie on it. */
static void fill_mask(unsigned char *mask, size_t height, size_t width, const Image *picture, int faint)
{
    const size_t w = (size_t)picture->width, h = (size_t)picture->height;
    const double down = (double)h / (double)height, right = (double)w / (double)width;
    double v = down * 0.5;

    for (size_t y = 0; y < height; y++, v += down) {
        const unsigned char *row = picture->rgb + place(v, h) * w * 3;
        double u = right * 0.5;
        for (size_t x = 0; x < width; x++, u += right) {
            const unsigned char *p = row + place(u, w) * 3;
            mask[y * width + x] = p[0] > faint || p[1] > faint || p[2] > faint;
        }
    }
}

/* The two bytes every JPEG file begins with (ITU-T T.81, B.2.1: SOI). */
static int is_jpeg(const unsigned char *data, size_t size)
{
    return size >= 2 && data[0] == 0xff && data[1] == 0xd8;
}

int dataset_mask_decode(unsigned char *mask, size_t height, size_t width, const unsigned char *data, size_t size,
                        const char *name, Error *e)
{
    Image picture;
    int code = img_decode(&picture, data, size, name, 0, e);

    if (code != LAKE_OK)
        return code;
    fill_mask(mask, height, width, &picture, is_jpeg(data, size) ? 127 : 0);
    img_free(&picture);
    return LAKE_OK;
}

int dataset_mask_read(unsigned char *mask, size_t height, size_t width, const char *path, Error *e)
{
    FileView file;
    int code = file_map(&file, path, e);

    if (code != LAKE_OK)
        return code;
    code = dataset_mask_decode(mask, height, width, file.data, file.size, path, e);
    file_unmap(&file);
    return code;
}
