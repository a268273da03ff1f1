/* PyTorch's zip archives: torch.save since 1.6, and TorchScript (torch/serialization.py,
 * caffe2/serialize/inline_container.cc). An archive NAME holds NAME/data.pkl, a pickle of everything but the numbers,
 * and NAME/data/0, NAME/data/1, ..., the storages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "convert/pytorch.h"
#include "convert/zip.h"

enum { CHECK_BYTES = 1 << 24 }; /* of storages, after which the pages of the file are given back */

typedef struct {
    PytorchFile f;
    ZipArchive zip;
    char *folder;           /* "NAME/" */
    PickleTree tree;
    unsigned char *checked; /* [zip.count] 1: the entry's checksum is right */
    size_t unreleased;      /* bytes checked since pages were given back */
} Archive;

/* The entry NAME/rest, or NULL. */
static const ZipEntry *find_entry(const Archive *a, const char *rest)
{
    char name[PYTORCH_NAME_SIZE];

    return snprintf(name, sizeof name, "%s%s", a->folder, rest) < (int)sizeof name ? zip_find(&a->zip, name) : NULL;
}

static const unsigned char *entry_bytes(const Archive *a, const ZipEntry *entry)
{
    return a->f.checkpoint->files[a->f.file].view.data + entry->begin;
}

/* Checks the entry's bytes once, in pieces, so that they do not all count as memory of this process. */
static int check_entry(Archive *a, const ZipEntry *entry)
{
    unsigned char *checked = &a->checked[entry - a->zip.entries];
    uint32_t crc = 0;
    size_t done = 0, n;
    int code = LAKE_OK;

    if (*checked)
        return LAKE_OK;
    for (; code == LAKE_OK && done < entry->size; done += n) {
        n = entry->size - done < CHECK_BYTES ? entry->size - done : CHECK_BYTES;
        crc = crc32_update(crc, entry_bytes(a, entry) + done, n);
        a->unreleased += n;
        if (a->unreleased < CHECK_BYTES)
            continue;
        a->unreleased = 0;
        code = ckpt_release(a->f.checkpoint, a->f.e);
    }
    if (code == LAKE_OK)
        code = zip_check(entry, crc, a->f.path, a->f.e);
    *checked = code == LAKE_OK;
    return code;
}

/* Finds the one entry NAME/data.pkl, and with it NAME. */
static int find_folder(Archive *a)
{
    static const char file[] = "data.pkl";
    const ZipEntry *found = NULL;
    size_t i, length;

    for (i = 0; i < a->zip.count; i++) {
        const ZipEntry *entry = &a->zip.entries[i];
        const char *slash = strchr(entry->name, '/');

        if (slash == NULL || strcmp(slash + 1, file) != 0)
            continue;
        if (found != NULL)
            return error_set(a->f.e, LAKE_BAD_INPUT, "%s: two checkpoints in one archive: %s and %s", a->f.path,
                             found->name, entry->name);
        found = entry;
    }
    if (found == NULL)
        return error_set(a->f.e, LAKE_BAD_INPUT,
                         "%s: a zip archive, but none of PyTorch's: no entry FOLDER/data.pkl among %llu entries; where "
                         "the checkpoint is inside, unpack it first",
                         a->f.path, (unsigned long long)a->zip.count);
    length = strlen(found->name) - strlen(file);
    a->folder = calloc(1, length + 1);
    if (a->folder == NULL)
        return error_memory(a->f.e, "the name of a folder");
    memcpy(a->folder, found->name, length);
    return LAKE_OK;
}

/* Numbers are little-endian unless NAME/byteorder says other. */
static int read_byte_order(Archive *a)
{
    const ZipEntry *entry = find_entry(a, "byteorder");
    int code;

    if (entry == NULL)
        return LAKE_OK;
    code = check_entry(a, entry);
    if (code != LAKE_OK)
        return code;
    a->f.big_endian = entry->size == 3 && memcmp(entry_bytes(a, entry), "big", 3) == 0;
    if (!a->f.big_endian && (entry->size != 6 || memcmp(entry_bytes(a, entry), "little", 6) != 0))
        return error_set(a->f.e, LAKE_BAD_INPUT, "%s: entry %s is neither \"little\" nor \"big\"", a->f.path,
                         entry->name);
    return LAKE_OK;
}

/* The storage NAME/data/key. */
static int find_storage(PytorchStorage *storage, PytorchFile *f, const char *key)
{
    Archive *a = (Archive *)f;
    const ZipEntry *entry = NULL;
    char name[PYTORCH_NAME_SIZE];

    if (snprintf(name, sizeof name, "data/%s", key) < (int)sizeof name)
        entry = find_entry(a, name);
    storage->found = entry != NULL;
    if (entry == NULL)
        return LAKE_OK;
    storage->begin = entry->begin;
    storage->size = entry->size;
    return check_entry(a, entry);
}

static int read_pickle(Archive *a)
{
    const ZipEntry *entry = find_entry(a, "data.pkl");
    char name[PYTORCH_NAME_SIZE];
    int code;

    if (entry == NULL)
        return error_set(a->f.e, LAKE_BAD_INPUT, "%s: the name of its folder is too long", a->f.path);
    code = check_entry(a, entry);
    if (code != LAKE_OK)
        return code;
    snprintf(name, sizeof name, "%s: %s", a->f.path, entry->name);
    code = pickle_read(&a->tree, entry_bytes(a, entry), entry->size, pytorch_allows, name, a->f.e);
    if (code == LAKE_OK && a->tree.size != entry->size)
        code = error_set(a->f.e, LAKE_BAD_INPUT, "%s: %llu bytes behind the end of the pickle", name,
                         (unsigned long long)(entry->size - a->tree.size));
    return code;
}

static int read_archive(Archive *a)
{
    const FileView *view = &a->f.checkpoint->files[a->f.file].view;
    int code = zip_open(&a->zip, view->data, view->size, a->f.path, a->f.e);

    if (code != LAKE_OK)
        return code;
    a->checked = calloc(a->zip.count + 1, 1);
    if (a->checked == NULL)
        return error_memory(a->f.e, "the list of entries");
    if ((code = find_folder(a)) != LAKE_OK || (code = read_byte_order(a)) != LAKE_OK ||
        (code = read_pickle(a)) != LAKE_OK)
        return code;
    return pytorch_tensors(&a->f, a->tree.root);
}

int pytorch_zip_list(Checkpoint *checkpoint, size_t file, Error *e)
{
    Archive *a = calloc(1, sizeof *a);
    int code;

    if (a == NULL)
        return error_memory(e, "an archive");
    a->f.checkpoint = checkpoint;
    a->f.file = file;
    a->f.path = checkpoint->files[file].path;
    a->f.e = e;
    a->f.find = find_storage;
    code = read_archive(a);
    pickle_free(&a->tree);
    zip_close(&a->zip);
    free(a->folder);
    free(a->checked);
    free(a);
    return code;
}
