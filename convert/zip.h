/* The directory of a zip archive, which PyTorch's checkpoints are: what entries there are and where their bytes lie. */
#ifndef LAKE_ZIP_H
#define LAKE_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    const char *name; /* with its folders, "archive/data/0"; no byte 0 inside */
    size_t begin;     /* offset of its first byte in the file */
    size_t size;      /* bytes in the file; unpacked as many where it is stored */
    uint32_t crc;     /* CRC-32 of what it unpacks to */
    int stored;       /* 1: its bytes lie in the file as they are; 0: packed */
} ZipEntry;

typedef struct {
    ZipEntry *entries; /* [count] sorted by name */
    size_t count;
    char *names;       /* all names, which the entries point to */
} ZipArchive;

/* Reads the directory of the archive data[size] and checks it: every entry lies inside the file, its own header says the
 * same as the directory, and no name comes twice. `path` is what messages call the file. */
int zip_open(ZipArchive *zip, const unsigned char *data, size_t size, const char *path, Error *e);
void zip_close(ZipArchive *zip);

/* The entry of this name, or NULL. */
const ZipEntry *zip_find(const ZipArchive *zip, const char *name);

/* Fails where the bytes of the entry, whose CRC-32 the caller computed, cannot be used as they lie in the file: packed,
 * or damaged. */
int zip_check(const ZipEntry *entry, uint32_t crc, const char *path, Error *e);

#endif
