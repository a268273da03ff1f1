/* Photos of a list, read a few at a time, one by each thread: decoding is not divided among threads, and would leave all but one
 * of them waiting for every photo. */
#ifndef LAKE_PHOTOS_H
#define LAKE_PHOTOS_H

#include "cli/inputs.h"
#include "cli/settings.h"

/* At most so many are held at once, whatever the number of threads. */
enum { PHOTOS_AHEAD = 8 };

/* A photo that was read, or why it was not. */
typedef struct {
    Image image;
    int code; /* of read_photo; the image is there where it is LAKE_OK */
    Error error;
} PhotoSlot;

typedef struct {
    const InputList *photos;
    const PhotoOptions *options;
    size_t patch;
    size_t next;        /* of the list, to be handed out */
    size_t first, held; /* slots hold photos first .. first + held - 1 */
    PhotoSlot slots[PHOTOS_AHEAD];
} PhotoReader;

/* The list and the options must outlive the reader; patch: of the model (read_photo). Nothing is read yet. */
void photo_reader_open(PhotoReader *reader, const InputList *photos, const PhotoOptions *options, size_t patch);

/* The next photo of the list, to be freed by the caller, in the list's order. Returns as read_photo does; a photo that cannot be
 * read does not hold up those after it. Not to be called more often than there are photos. */
int photo_reader_next(PhotoReader *reader, Image *image, Error *e);

/* Frees what was read and not handed out. */
void photo_reader_close(PhotoReader *reader);

#endif
