/* PyTorch's files, both forms: convert/pytorch*.c on zip.c and pickle.c. Archives are given once as they are and once with
 * their entries' checksums put right. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "test/fuzz/checkpoint.h"

/* Puts the checksum of the line of the central directory at `at`, which is in the file, and of its entry right. */
static void repair_entry(unsigned char *data, size_t size, size_t at)
{
    size_t packed = get_u32le(data + at + 20), header = get_u32le(data + at + 42), begin;
    uint32_t crc;

    if (header > size || size - header < 30)
        return;
    begin = header + 30 + get_u16le(data + header + 26) + get_u16le(data + header + 28);
    if (begin > size || packed > size - begin)
        return;
    crc = crc32_update(0, data + begin, packed);
    put_u32le(data + at + 16, crc);
    if (!(data[at + 8] & 8)) /* else it stands behind the data */
        put_u32le(data + header + 14, crc);
}

static void repair(unsigned char *data, size_t size)
{
    size_t at;

    for (at = 0; size >= 46 && at <= size - 46; at++)
        if (memcmp(data + at, "PK\1\2", 4) == 0)
            repair_entry(data, size, at);
}

static void open_bytes(const uint8_t *data, size_t size)
{
    fuzz_file("fuzz", data, size);
    fuzz_checkpoint("fuzz");
    fuzz_files_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy;

    open_bytes(data, size);
    if (size < 4 || memcmp(data, "PK\3\4", 4) != 0)
        return 0;
    copy = fuzz_copy(data, size);
    repair(copy, size);
    open_bytes(copy, size);
    free(copy);
    return 0;
}
