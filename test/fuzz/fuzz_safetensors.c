/* Safetensors, and the index of shards: convert/safetensors.c, shards.c, json.c. Beside the input lie two good shards,
 * "a" and "b", each with a tensor of its own name. */
#include "test/fuzz/checkpoint.h"

#define SHARD(name) "\x40\0\0\0\0\0\0\0{\"" name "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}          \0\0\x80\x3f"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file("model/a", SHARD("a"), sizeof SHARD("a") - 1);
    fuzz_file("model/b", SHARD("b"), sizeof SHARD("b") - 1);
    fuzz_file("model/fuzz", data, size);
    fuzz_checkpoint("model/fuzz");
    fuzz_files_clear();
    return 0;
}
