/* The demo's model and pictures inside the program. embed.sh makes the file that defines them; where there is no
 * demo.clip, or with `make EMBED=no`, it defines them empty: size 0, count 0.
 *
 * They are an object of their own, linked into the `lake` command and not part of liblake.a: a program that links the
 * library brings its own weights (clip_open_memory, if it wants them inside) and should not carry these. */
#ifndef LAKE_DEMO_H
#define LAKE_DEMO_H

#include <stddef.h>

/* weights/demo/demo.clip, byte for byte (clip_open_memory). */
extern const unsigned char demo_weights[]; /* [demo_weights_size] */
extern const size_t demo_weights_size;

/* A picture below weights/demo/pictures (img_decode). */
typedef struct {
    const char *path;           /* below that folder, with slashes: "board/train/good/000.png" */
    const unsigned char *bytes; /* [size] the PNG or JPEG file */
    size_t size;
} DemoPicture;

extern const DemoPicture demo_pictures[]; /* [demo_picture_count] by path, in byte order */
extern const size_t demo_picture_count;

#endif
