/* OpenAI publishes each model under a URL that ends in SHA-256/NAME (openai/CLIP, clip/clip.py, _MODELS), and its
 * program refuses a download of another checksum (the same file, _download). This is that table. */
#include "convert/known.h"

#include <string.h>

#include "base/sha256.h"
#include "convert/config.h"

enum { HASH_AT_ONCE = 1 << 24 }; /* bytes, after which the pages are given back */

static const struct {
    const char *name, *sha256;
} known[] = {
    {"RN50.pt", "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762"},
    {"RN101.pt", "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599"},
    {"RN50x4.pt", "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd"},
    {"RN50x16.pt", "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa"},
    {"RN50x64.pt", "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c"},
    {"ViT-B-32.pt", "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"},
    {"ViT-B-16.pt", "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f"},
    {"ViT-L-14.pt", "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836"},
    {"ViT-L-14-336px.pt", "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02"},
};

/* The checksum of the checkpoint's only file. */
static int hash_file(Checkpoint *c, char text[SHA256_TEXT_SIZE], Error *e)
{
    const size_t size = c->files[0].view.size;
    Sha256 sha;
    size_t at, n;

    sha256_begin(&sha);
    for (at = 0; at < size; at += n) {
        int code;

        n = size - at < HASH_AT_ONCE ? size - at : HASH_AT_ONCE;
        sha256_update(&sha, c->files[0].view.data + at, n);
        code = ckpt_release(c, e);
        if (code != LAKE_OK)
            return code;
    }
    sha256_text(&sha, text);
    return LAKE_OK;
}

int known_verify(Checkpoint *c, ConvertNote *note, void *context, Error *e)
{
    const char *name = path_base(c->path);
    char found[SHA256_TEXT_SIZE];
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++) {
        int code;

        if (strcmp(name, known[i].name) != 0)
            continue;
        code = hash_file(c, found, e);
        if (code != LAKE_OK)
            return code;
        if (strcmp(found, known[i].sha256) == 0)
            config_note(note, context, "%s: verified, its SHA-256 is the one OpenAI publishes", c->path);
        else
            config_note(note, context,
                        "WARNING: %s has the name of OpenAI's file and is another or damaged: its SHA-256 is %s, "
                        "expected %s",
                        c->path, found, known[i].sha256);
    }
    return LAKE_OK;
}
