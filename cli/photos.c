/* Photos read ahead; see photos.h. */
#include "cli/photos.h"

#include <string.h>

#include "kernel/parallel.h"

void photo_reader_open(PhotoReader *reader, const InputList *photos, const PhotoOptions *options, size_t patch)
{
    memset(reader, 0, sizeof *reader);
    reader->photos = photos;
    reader->options = options;
    reader->patch = patch;
}

/* Reads the next photos, as many as there are threads. */
static void read_ahead(PhotoReader *r)
{
    size_t left = r->photos->count - r->next, threads = (size_t)kernel_threads();

    r->first = r->next;
    r->held = threads < PHOTOS_AHEAD ? threads : PHOTOS_AHEAD;
    if (r->held > left)
        r->held = left;
    PARALLEL(r->held > 1)
    {
        SHARED_LOOP
        for (size_t i = 0; i < r->held; i++) {
            PhotoSlot *slot = &r->slots[i];
            slot->code = read_photo(&slot->image, r->photos->items[r->first + i].path, r->options, r->patch, &slot->error);
        }
    }
}

int photo_reader_next(PhotoReader *reader, Image *image, Error *e)
{
    PhotoSlot *slot;

    if (reader->next == reader->first + reader->held)
        read_ahead(reader);
    slot = &reader->slots[reader->next++ - reader->first];
    if (slot->code == LAKE_OK)
        *image = slot->image;
    else
        *e = slot->error;
    return slot->code;
}

void photo_reader_close(PhotoReader *reader)
{
    for (; reader->next < reader->first + reader->held; reader->next++) {
        PhotoSlot *slot = &reader->slots[reader->next - reader->first];
        if (slot->code == LAKE_OK)
            img_free(&slot->image);
    }
}
