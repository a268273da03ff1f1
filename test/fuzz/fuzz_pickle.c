/* Pickles: convert/pickle.c, with what a PyTorch checkpoint may speak of. The tree is walked as far as it goes. */
#include <string.h>

#include "convert/pickle.h"
#include "convert/pytorch.h"
#include "test/fuzz/fuzz.h"

enum { DEPTH_LIMIT = 40, STEP_LIMIT = 10000 };

static int is_text(PickleType type)
{
    return type == PICKLE_STRING || type == PICKLE_BYTES || type == PICKLE_GLOBAL;
}

static void walk(const Pickle *p, int depth, int *steps)
{
    size_t i;

    PROMISE(p != NULL && p->type <= PICKLE_PERSISTENT);
    if (depth > DEPTH_LIMIT || ++*steps > STEP_LIMIT)
        return;
    if (is_text(p->type))
        PROMISE(p->string[p->length] == '\0' && strlen(p->string) <= p->length);
    if (p->type == PICKLE_GLOBAL)
        PROMISE(pytorch_allows(p->string));
    if (p->type == PICKLE_BOOL)
        PROMISE(p->integer == 0 || p->integer == 1);
    if (p->type == PICKLE_DICT || p->type == PICKLE_CALL)
        PROMISE(p->count % 2 == 0);
    for (i = 0; i < p->count; i++)
        walk(p->items[i], depth + 1, steps);
    if (p->type == PICKLE_CALL) {
        PROMISE(pytorch_allows(p->function) && p->arguments->type == PICKLE_TUPLE);
        walk(p->arguments, depth + 1, steps);
        if (p->state != NULL)
            walk(p->state, depth + 1, steps);
    }
    pickle_get(p, "state_dict");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PickleTree tree;
    const Pickle *outside;
    Error e = FUZZ_ERROR;
    int steps = 0, code = pickle_read(&tree, data, size, pytorch_allows, "fuzz", &e);

    fuzz_check(code, &e);
    PROMISE(tree.nodes.taken <= (size_t)256 << 20);
    if (code == LAKE_OK) {
        PROMISE(tree.size <= size);
        walk(tree.root, 0, &steps);
        for (outside = tree.outside; outside != NULL; outside = outside->before)
            PROMISE(outside->type == PICKLE_PERSISTENT && outside->count >= 1);
    }
    pickle_free(&tree);
    return 0;
}
