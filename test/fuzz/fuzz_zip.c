/* Zip archives: convert/zip.c. What is listed lies in the file, in order, and is found by its name. */
#include <string.h>

#include "convert/zip.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ZipArchive zip;
    Error e = FUZZ_ERROR;
    size_t i;
    int code = zip_open(&zip, data, size, "fuzz", &e);

    fuzz_check(code, &e);
    if (code != LAKE_OK)
        return 0;
    for (i = 0; i < zip.count; i++) {
        const ZipEntry *entry = &zip.entries[i];

        PROMISE(entry->begin <= size && entry->size <= size - entry->begin);
        PROMISE(i == 0 || strcmp(zip.entries[i - 1].name, entry->name) < 0);
        PROMISE(zip_find(&zip, entry->name) == entry);
        fuzz_check(zip_check(entry, entry->crc, "fuzz", &e), &e);
        e.code = LAKE_OK;
        e.text[0] = '\0';
    }
    PROMISE(zip_find(&zip, "no such entry\n") == NULL);
    zip_close(&zip);
    return 0;
}
