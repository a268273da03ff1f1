/* What the targets of .clip files share: their sizes and checksums put right, at which changed bytes would mostly end. */
#ifndef LAKE_FUZZ_REPAIR_CLIP_H
#define LAKE_FUZZ_REPAIR_CLIP_H

#include "base/bytes.h"
#include "base/checksum.h"
#include "test/fuzz/fuzz.h"
#include "weights/format.h"

/* The checksums of the tensors' data, where they lie in the file, then the head's. */
static inline void fuzz_repair_clip(unsigned char *p, size_t size)
{
    uint32_t head, i, count;

    if (size < AT_TABLE)
        return;
    put_u64le(p + AT_FILE_SIZE, size);
    head = get_u32le(p + AT_HEAD_SIZE);
    count = get_u32le(p + AT_TENSOR_COUNT);
    if (head > size || head < AT_TABLE)
        return;
    for (i = 0; i < count && (size_t)i * ENTRY_SIZE + ENTRY_SIZE <= head - AT_TABLE; i++) {
        unsigned char *entry = p + AT_TABLE + (size_t)i * ENTRY_SIZE;
        uint64_t offset = get_u64le(entry + ENTRY_OFFSET), bytes = get_u64le(entry + ENTRY_BYTES);

        if (offset <= size && bytes <= size - offset)
            put_u32le(entry + ENTRY_CRC, crc32_update(0, p + offset, (size_t)bytes));
    }
    put_u32le(p + AT_HEAD_CRC, wts_head_crc(p, head));
}

#endif
