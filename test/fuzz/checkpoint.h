/* What the targets of checkpoints share: opening one and reading the numbers that it promises. */
#ifndef LAKE_FUZZ_CHECKPOINT_H
#define LAKE_FUZZ_CHECKPOINT_H

#include <string.h>

#include "convert/checkpoint.h"
#include "test/fuzz/fuzz.h"

enum { FUZZ_NUMBERS = 512 };

/* The first numbers, the last ones, and some in between: views may promise more than can be read one by one. */
static inline void fuzz_read_tensor(const Checkpoint *c, const CkptTensor *t)
{
    float numbers[FUZZ_NUMBERS];
    size_t n = t->count < FUZZ_NUMBERS ? t->count : FUZZ_NUMBERS;

    if (t->type == NUMBER_OTHER || n == 0)
        return;
    ckpt_read(numbers, c, t, 0, 1, n);
    ckpt_read(numbers, c, t, t->count - n, 1, n);
    ckpt_read(numbers, c, t, 0, t->count / n, n);
}

/* Opens the file and looks at all of it. */
static inline void fuzz_checkpoint(const char *path)
{
    Checkpoint c;
    Error e = FUZZ_ERROR;
    char shape[32];
    size_t i;
    int code = ckpt_open(&c, path, &e);

    fuzz_check(code, &e);
    for (i = 0; code == LAKE_OK && i < c.count; i++) {
        const CkptTensor *t = &c.tensors[i];

        PROMISE(t->rank <= CKPT_RANK_LIMIT && t->file < c.file_count);
        PROMISE(i == 0 || strcmp(c.tensors[i - 1].name, t->name) < 0);
        PROMISE(ckpt_find(&c, t->name) == t && ckpt_tensor_path(&c, t) != NULL);
        ckpt_shape_text(shape, sizeof shape, t->shape, t->rank);
        fuzz_read_tensor(&c, t);
    }
    if (code == LAKE_OK)
        ckpt_close(&c);
}

#endif
