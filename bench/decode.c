/* Seconds to read a picture: decode [SIDE] < NAMES
 *
 * For each file name on standard input, a line each, reads the picture as the command does (file in the page cache, all in
 * memory, RGB) and prints the seconds that took, at once: bench/decode.py alternates it with Pillow that way. With SIDE the
 * time covers also the resize to SIDE x SIDE, Pillow's bicubic, that comes before the image tower. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/measure.h"
#include "image/image.h"

/* Reads and, where side > 0, resizes one picture. The memory is given back within the time, as a program over many files does. */
static int read_picture(const char *path, int side, Error *e)
{
    Image image, square;
    int code = img_read(&image, path, 0, e);

    if (code != LAKE_OK)
        return code;
    if (side > 0) {
        code = img_resize(&square, &image, side, side, e);
        if (code == LAKE_OK)
            img_free(&square);
    }
    img_free(&image);
    return code;
}

int main(int argc, char **argv)
{
    const int side = argc > 1 ? atoi(argv[1]) : 0;
    char path[4096];
    Error e;

    if (argc > 2 || side < 0 || (argc > 1 && side == 0)) {
        fprintf(stderr, "usage: decode [SIDE] < NAMES, a file name per line; SIDE: resize to so many pixels\n");
        return LAKE_USAGE;
    }
    while (fgets(path, sizeof path, stdin) != NULL) {
        const double start = clock_seconds();
        int code;
        path[strcspn(path, "\n")] = '\0';
        code = read_picture(path, side, &e);
        if (code != LAKE_OK) {
            fprintf(stderr, "%s\n", e.text);
            return code;
        }
        printf("%.6f\n", clock_seconds() - start);
        fflush(stdout);
    }
    return LAKE_OK;
}
