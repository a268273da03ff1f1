/* Configuration files beside a checkpoint: convert/config_files.c on json.c. The first byte chooses the family of names;
 * the rest, divided by its first byte 0, is the configuration and the preprocessor's. */
#include <string.h>

#include "convert/config.h"
#include "test/fuzz/fuzz.h"

static void check_note(void *context, const char *line)
{
    (void)context;
    PROMISE(line[0] != '\0' && strchr(line, '\n') == NULL);
}

/* Sizes that the seeds of the corpus state. */
static ClipConfig sizes(void)
{
    ClipConfig c;

    memset(&c, 0, sizeof c);
    c.vision.width = c.vision.mlp = 24;
    c.vision.layers = 3;
    c.resolution = 32;
    c.patch = 8;
    c.embed = 18;
    c.has_projection = c.has_text = 1;
    c.text.width = c.text.mlp = 14;
    c.text.layers = 2;
    c.context = 12;
    c.vocabulary = 514;
    return c;
}

static void check_hints(const ConfigHints *h)
{
    int i;

    for (i = 0; i < 2; i++) {
        PROMISE(h->activation[i] >= -1 && h->activation[i] <= ACT_GELU);
        PROMISE(h->eps[i] >= 0 && h->eps[i] <= 1);
        PROMISE(h->heads[i] >= 0 && h->heads[i] <= 65536);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ClipConfig config = sizes();
    NameScheme scheme;
    ConfigHints hints;
    Error e = FUZZ_ERROR;
    const uint8_t *zero;
    int code;

    if (size < 1)
        return 0;
    memset(&scheme, 0, sizeof scheme);
    memset(&hints, 0, sizeof hints);
    hints.activation[0] = hints.activation[1] = -1;
    scheme.family = (NameFamily)(data[0] % NAMES_COUNT);
    scheme.prefix = scheme.text_prefix = "";
    data++;
    size--;
    zero = size > 0 ? memchr(data, 0, size) : NULL;
    fuzz_file("m/config.json", data, zero != NULL ? (size_t)(zero - data) : size);
    fuzz_file("m/open_clip_config.json", data, zero != NULL ? (size_t)(zero - data) : size);
    if (zero != NULL)
        fuzz_file("m/preprocessor_config.json", zero + 1, (size_t)(data + size - zero - 1));
    code = config_read_files(&hints, &config, &scheme, "m/model.safetensors", check_note, NULL, &e);
    fuzz_check(code, &e);
    if (code == LAKE_OK)
        check_hints(&hints);
    fuzz_files_clear();
    return 0;
}
