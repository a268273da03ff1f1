/* lake pixels: what the model sees of a picture. */
#include "cli/settings.h"
#include "cli/verbs.h"
#include "image/image.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_pixels = {"pixels", "IMAGE -o OUT.ppm|OUT.png [--res R] [--exif]",
                          "decode a picture as the model sees it, resized if asked",
                          "Example: lake pixels part.jpg --res 518 -o seen.png", run};

/* Reads the picture, resizes it to a square of `resolution` where that is not 0, and writes it. */
static int show_pixels(const char *path, const char *output, size_t resolution, const PhotoOptions *photos, Error *e)
{
    Image image, resized;
    int code = read_picture(&image, path, photos, e);

    if (code != LAKE_OK)
        return code;
    if (resolution > 0) {
        code = img_resize(&resized, &image, (int)resolution, (int)resolution, e);
        if (code == LAKE_OK) {
            img_free(&image);
            image = resized;
        }
    }
    if (code == LAKE_OK)
        code = img_write(output, &image, e);
    img_free(&image);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    const char *output = NULL;
    size_t resolution = 0;
    PhotoOptions photos = {0};
    Arguments arguments;
    const Option options[] = {
        {"-o", OPTION_TEXT, &output, "FILE", 0, 0, "the picture to write; .ppm or .pnm gives PPM, anything else PNG"},
        {"--res", OPTION_COUNT, &resolution, "R", 0, 0, "resize to R x R as Pillow's bicubic does, to the byte"},
        PHOTO_OPTIONS(photos, "as stored"),
    };
    int code = arguments_read(&arguments, &verb_pixels, options, COUNT_OF(options), argc, argv, e);

    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count != 1)
            code = error_set(e, LAKE_USAGE, "expected one picture, found %d arguments", (int)arguments.count);
        else if (output == NULL)
            code = error_set(e, LAKE_USAGE, "expected -o FILE, the picture to write");
        else if (resolution > 65536)
            code = error_set(e, LAKE_USAGE, "expected --res of at most 65536");
        else
            code = show_pixels(arguments.items[0], output, resolution, &photos, e);
    }
    arguments_free(&arguments);
    return code;
}
