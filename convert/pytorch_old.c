/* PyTorch's files of before 1.6, which torch.save still writes where it is asked to (torch/serialization.py,
 * _legacy_save): five pickles one behind the other, a magic number, a version, what machine wrote it, the checkpoint and
 * the list of the storages' keys; then, in the order of this list, each storage as the count of its numbers, 64 bits, and
 * the numbers. All are little-endian whatever machine wrote them (torch/csrc/serialization.cpp). Nothing has a checksum,
 * so that only damage to pickles and counts can be found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/pytorch.h"

enum { VERSION = 1001 };

/* A storage that the pickle speaks of. */
typedef struct {
    const char *key;
    size_t number_size;
    PytorchStorage place;
} Storage;

typedef struct {
    PytorchFile f;
    PickleTree head, tree, keys; /* head: in turn each of the pickles before the checkpoint */
    size_t at;                   /* bytes of the file read */
    Storage *storages;           /* [count] sorted by key; one that several tensors share comes as often, and of these
                                    bsearch always finds the same */
    size_t count;
} OldFile;

static const FileView *view_of(const OldFile *o)
{
    return &o->f.checkpoint->files[o->f.file].view;
}

static int damaged(OldFile *o, const char *what)
{
    return error_set(o->f.e, LAKE_BAD_INPUT, "%s: %s at byte %llu: damaged or cut off, download it again", o->f.path,
                     what, (unsigned long long)o->at);
}

/* The next pickle of the file. */
static int read_next(OldFile *o, PickleTree *tree)
{
    const FileView *view = view_of(o);
    char name[PYTORCH_NAME_SIZE];
    int code;

    snprintf(name, sizeof name, "%s: pickle at byte %llu", o->f.path, (unsigned long long)o->at);
    pickle_free(tree);
    code = pickle_read(tree, view->data + o->at, view->size - o->at, pytorch_allows, name, o->f.e);
    o->at += tree->size;
    return code;
}

/* The pickles before the checkpoint's own. The first, the magic number, is what the file was recognised by. */
static int read_head(OldFile *o)
{
    int code;

    if ((code = read_next(o, &o->head)) != LAKE_OK || (code = read_next(o, &o->head)) != LAKE_OK)
        return code;
    if (o->head.root->type != PICKLE_INT || o->head.root->integer != VERSION)
        return damaged(o, "an unknown version");
    return read_next(o, &o->head);
}

/* ---- storages ---- */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const Storage *)a)->key, ((const Storage *)b)->key);
}

static Storage *find_key(const OldFile *o, const char *key)
{
    Storage wanted;

    memset(&wanted, 0, sizeof wanted);
    wanted.key = key;
    return o->count == 0 ? NULL : bsearch(&wanted, o->storages, o->count, sizeof wanted, by_key);
}

/* Lists the storages that the pickle speaks of: ('storage', class, key, device, numbers, None). */
static int list_storages(OldFile *o)
{
    const Pickle *outside;
    size_t count = 0;

    for (outside = o->tree.outside; outside != NULL; outside = outside->before)
        count++;
    o->storages = calloc(count + 1, sizeof *o->storages);
    if (o->storages == NULL)
        return error_memory(o->f.e, "the list of storages");
    for (outside = o->tree.outside; outside != NULL; outside = outside->before) {
        const Pickle *id = outside->items[0];
        Storage *storage = &o->storages[o->count];

        if (id->type != PICKLE_TUPLE || id->count < 5 || id->items[1]->type != PICKLE_GLOBAL ||
            id->items[2]->type != PICKLE_STRING || (id->count > 5 && id->items[5]->type != PICKLE_NONE))
            return error_set(o->f.e, LAKE_BAD_INPUT,
                             "%s: holds something that is no plain storage: load it in Python and save its state dict "
                             "again with torch.save",
                             o->f.path);
        storage->key = id->items[2]->string;
        storage->number_size = pytorch_number_size(id->items[1]->string);
        o->count++;
    }
    qsort(o->storages, o->count, sizeof *o->storages, by_key);
    return LAKE_OK;
}

/* The storage at o->at, which moves behind it. */
static int place_storage(OldFile *o, const Pickle *key)
{
    const FileView *view = view_of(o);
    Storage *storage = key->type == PICKLE_STRING ? find_key(o, key->string) : NULL;
    uint64_t numbers;

    if (storage == NULL || storage->number_size == 0 || storage->place.found)
        return damaged(o, "a storage that nothing uses, or that comes twice,");
    if (view->size - o->at < 8)
        return damaged(o, "the end of the file in front of a storage");
    numbers = get_u64le(view->data + o->at);
    o->at += 8;
    if (numbers > (view->size - o->at) / storage->number_size)
        return damaged(o, "a storage beyond the end of the file");
    storage->place.found = 1;
    storage->place.begin = o->at;
    storage->place.size = (size_t)numbers * storage->number_size;
    o->at += storage->place.size;
    return LAKE_OK;
}

static int place_storages(OldFile *o)
{
    const Pickle *keys = o->keys.root;
    size_t i;
    int code = LAKE_OK;

    if (keys->type != PICKLE_LIST)
        return damaged(o, "no list of storages");
    for (i = 0; code == LAKE_OK && i < keys->count; i++)
        code = place_storage(o, keys->items[i]);
    if (code == LAKE_OK && o->at != view_of(o)->size)
        code = damaged(o, "something behind the last storage");
    return code;
}

static int find_storage(PytorchStorage *storage, PytorchFile *f, const char *key)
{
    const Storage *found = find_key((const OldFile *)f, key);

    memset(storage, 0, sizeof *storage);
    if (found != NULL)
        *storage = found->place;
    return LAKE_OK;
}

/* ---- all together ---- */

static int read_file(OldFile *o)
{
    int code;

    if ((code = read_head(o)) != LAKE_OK || (code = read_next(o, &o->tree)) != LAKE_OK ||
        (code = read_next(o, &o->keys)) != LAKE_OK || (code = list_storages(o)) != LAKE_OK ||
        (code = place_storages(o)) != LAKE_OK)
        return code;
    return pytorch_tensors(&o->f, o->tree.root);
}

int pytorch_old_list(Checkpoint *checkpoint, size_t file, Error *e)
{
    OldFile *o = calloc(1, sizeof *o);
    int code;

    if (o == NULL)
        return error_memory(e, "a checkpoint");
    o->f.checkpoint = checkpoint;
    o->f.file = file;
    o->f.path = checkpoint->files[file].path;
    o->f.e = e;
    o->f.find = find_storage;
    code = read_file(o);
    pickle_free(&o->head);
    pickle_free(&o->tree);
    pickle_free(&o->keys);
    free(o->storages);
    free(o);
    return code;
}
