/* GGUF: convert/gguf.c, as a checkpoint and key by key. */
#include "convert/gguf.h"
#include "test/fuzz/checkpoint.h"

enum { ITEM_LIMIT = 64 };

/* The items of a value. */
static void read_value(const Gguf *g, const GgufValue *value)
{
    double number;
    size_t at = value->at, i;

    PROMISE(value->type != GGUF_ARRAY && (value->is_array || value->count == 1));
    for (i = 0; i < value->count && i < ITEM_LIMIT; i++) {
        if (value->type == GGUF_STRING) {
            Piece text = gguf_text(g, &at);

            PROMISE(at <= g->view->size && text.size <= at);
            PROMISE((const unsigned char *)text.text + text.size == g->view->data + at);
        } else
            PROMISE(gguf_number(g, value, i, &number));
    }
    PROMISE(!gguf_number(g, value, value->count, &number));
}

static void read_keys(const uint8_t *data, size_t size)
{
    FileView view = {NULL, 0, 0};
    Gguf g;
    Error e = FUZZ_ERROR;
    size_t i;
    int code;

    view.data = data;
    view.size = size;
    code = gguf_open(&g, &view, "fuzz", &e);
    fuzz_check(code, &e);
    if (code != LAKE_OK)
        return;
    for (i = 0; i < g.value_count; i++)
        read_value(&g, &g.values[i]);
    gguf_find(&g, GGUF_TOKENS);
    gguf_close(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0)
        read_keys(data, size);
    fuzz_file("fuzz", data, size);
    fuzz_checkpoint("fuzz");
    fuzz_files_clear();
    return 0;
}
