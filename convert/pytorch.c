/* PyTorch's zip archives (.pt, .pth, .bin; torch.save since 1.6, and TorchScript) as lists of tensors.
 *
 * An archive NAME holds NAME/data.pkl, a pickle of everything but the numbers, and NAME/data/0, NAME/data/1, ..., the
 * storages, each the numbers of one or more tensors (torch/serialization.py, caffe2/serialize/inline_container.cc). A
 * tensor is a call of _rebuild_tensor_v2 with a storage, an offset, sizes and strides (torch/_utils.py). In a plain
 * checkpoint the pickle is a dictionary from names to tensors, perhaps inside another one; in TorchScript it is the tree
 * of modules (torch/csrc/jit/serialization/pickler.cpp), whose attributes' names are joined by dots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "convert/checkpoint.h"
#include "convert/pickle.h"
#include "convert/zip.h"

enum {
    NAME_SIZE = 512,          /* of a tensor's dotted name */
    DEPTH_LIMIT = 64,         /* of modules in modules */
    STEP_LIMIT = 1 << 18,     /* values looked at: shared ones could make a small pickle a tree without end */
    WRAPPER_LIMIT = 4,        /* dictionaries around the state dict */
    CHECK_BYTES = 1 << 24     /* of a storage, after which the pages of the file are given back */
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

typedef struct {
    Checkpoint *checkpoint;
    size_t file;
    const char *path;
    Error *e;
    ZipArchive zip;
    char *folder;           /* "NAME/" */
    PickleTree tree;
    int big_endian;
    unsigned char *checked; /* [zip.count] 1: the entry's checksum is right */
    size_t steps;
    char name[NAME_SIZE];   /* of the value in work */
} Archive;

/* ---- what a pickle may speak of ---- */

typedef struct {
    const char *storage; /* the class's name */
    const char *name;    /* as safetensors calls it */
    NumberType type;
    size_t size;         /* bytes of one number */
} Kind;

static const Kind kinds[] = {
    {"HalfStorage", "F16", NUMBER_F16, 2},      {"BFloat16Storage", "BF16", NUMBER_BF16, 2},
    {"FloatStorage", "F32", NUMBER_F32, 4},     {"DoubleStorage", "F64", NUMBER_F64, 8},
    {"LongStorage", "I64", NUMBER_OTHER, 8},    {"IntStorage", "I32", NUMBER_OTHER, 4},
    {"ShortStorage", "I16", NUMBER_OTHER, 2},   {"CharStorage", "I8", NUMBER_OTHER, 1},
    {"ByteStorage", "U8", NUMBER_OTHER, 1},     {"BoolStorage", "BOOL", NUMBER_OTHER, 1},
    {"ComplexFloatStorage", "C64", NUMBER_OTHER, 8},
};

static int begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The kind of torch.FloatStorage, torch.cuda.FloatStorage and the like, or NULL. */
static const Kind *storage_kind(const char *global)
{
    size_t i;

    if (!begins_with(global, "torch."))
        return NULL;
    global += strlen("torch.");
    if (begins_with(global, "cuda."))
        global += strlen("cuda.");
    for (i = 0; i < LENGTH(kinds); i++)
        if (strcmp(global, kinds[i].storage) == 0)
            return &kinds[i];
    return NULL;
}

/* The classes of a TorchScript archive stand in its own code, which nobody runs here. */
static int is_module_class(const char *global)
{
    return begins_with(global, "__torch__.");
}

/* Besides tensors, what people keep with them: settings of the training, states of optimisers, measures as numbers of
 * NumPy. None of it is looked into. */
static int is_allowed(const char *global)
{
    static const char *const others[] = {
        "collections.OrderedDict", "collections.defaultdict", "collections.Counter",
        "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2", "torch.Tensor",
        "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.Size", "torch.device",
        "torch.jit._pickle.restore_type_tag", "torch.jit._pickle.build_intlist",
        "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist",
        "torch.jit._pickle.build_tensorlist", "torch.float16", "torch.half", "torch.bfloat16", "torch.float32",
        "torch.float", "torch.float64", "torch.double", "torch.int8", "torch.uint8", "torch.int16", "torch.int32",
        "torch.int64", "torch.long", "torch.bool", "torch.complex64", "torch.complex128",
        "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct", "numpy.dtype", "numpy.ndarray", "_codecs.encode", "argparse.Namespace",
    };
    static const char *const builtins[] = {"set",  "frozenset", "list", "dict", "tuple",     "int",
                                           "bool", "float",     "str",  "bytes", "bytearray", "complex"};
    const char *builtin = begins_with(global, "builtins.")      ? global + strlen("builtins.")
                          : begins_with(global, "__builtin__.") ? global + strlen("__builtin__.")
                                                                : NULL;
    size_t i;

    for (i = 0; builtin != NULL && i < LENGTH(builtins); i++)
        if (strcmp(builtin, builtins[i]) == 0)
            return 1;
    for (i = 0; i < LENGTH(others); i++)
        if (strcmp(global, others[i]) == 0)
            return 1;
    return is_module_class(global) || storage_kind(global) != NULL;
}

/* ---- entries of the archive ---- */

/* The entry NAME/rest, or NULL. */
static const ZipEntry *find_entry(const Archive *a, const char *rest)
{
    char name[NAME_SIZE];

    return snprintf(name, sizeof name, "%s%s", a->folder, rest) < (int)sizeof name ? zip_find(&a->zip, name) : NULL;
}

static const unsigned char *entry_bytes(const Archive *a, const ZipEntry *entry)
{
    return a->checkpoint->files[a->file].view.data + entry->begin;
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
        if (n == CHECK_BYTES)
            code = ckpt_release(a->checkpoint, a->e);
    }
    if (code == LAKE_OK)
        code = zip_check(entry, crc, a->path, a->e);
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
            return error_set(a->e, LAKE_BAD_INPUT, "%s: two checkpoints in one archive: %s and %s", a->path,
                             found->name, entry->name);
        found = entry;
    }
    if (found == NULL)
        return error_set(a->e, LAKE_BAD_INPUT,
                         "%s: a zip archive, but none of PyTorch's: no entry FOLDER/data.pkl among %llu entries; where "
                         "the checkpoint is inside, unpack it first",
                         a->path, (unsigned long long)a->zip.count);
    length = strlen(found->name) - strlen(file);
    a->folder = calloc(1, length + 1);
    if (a->folder == NULL)
        return error_memory(a->e, "the name of a folder");
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
    a->big_endian = entry->size == 3 && memcmp(entry_bytes(a, entry), "big", 3) == 0;
    if (!a->big_endian && (entry->size != 6 || memcmp(entry_bytes(a, entry), "little", 6) != 0))
        return error_set(a->e, LAKE_BAD_INPUT, "%s: entry %s is neither \"little\" nor \"big\"", a->path, entry->name);
    return LAKE_OK;
}

static int read_pickle(Archive *a)
{
    const ZipEntry *entry = find_entry(a, "data.pkl");
    char name[NAME_SIZE];
    int code;

    if (entry == NULL)
        return error_set(a->e, LAKE_BAD_INPUT, "%s: the name of its folder is too long", a->path);
    code = check_entry(a, entry);
    if (code != LAKE_OK)
        return code;
    snprintf(name, sizeof name, "%s: %s", a->path, entry->name);
    code = pickle_read(&a->tree, entry_bytes(a, entry), entry->size, is_allowed, name, a->e);
    if (code == LAKE_OK && a->tree.size != entry->size)
        code = error_set(a->e, LAKE_BAD_INPUT, "%s: %llu bytes behind the end of the pickle", name,
                         (unsigned long long)(entry->size - a->tree.size));
    return code;
}

/* ---- one tensor ---- */

/* The items of the arguments (storage, offset, sizes, strides, ...) that make a tensor, or NULL where the value is none.
 * Parameters, and subclasses of tensors, are wrapped around it. */
static const Pickle *const *tensor_arguments(const Pickle *value)
{
    int wraps;

    for (wraps = 0; wraps < 4 && value->type == PICKLE_CALL; wraps++) {
        const char *function = value->function;
        const Pickle *arguments = value->arguments;

        if (strcmp(function, "torch._tensor._rebuild_from_type_v2") == 0 && arguments->count == 4 &&
            arguments->items[0]->type == PICKLE_GLOBAL && arguments->items[2]->type == PICKLE_TUPLE) {
            function = arguments->items[0]->string;
            arguments = arguments->items[2];
        }
        if (begins_with(function, "torch._utils._rebuild_tensor"))
            return arguments->count >= 4 ? (const Pickle *const *)arguments->items : NULL;
        if (!begins_with(function, "torch._utils._rebuild_parameter") || arguments->count == 0)
            return NULL;
        value = arguments->items[0];
    }
    return NULL;
}

static int read_size(const Pickle *value, size_t *size)
{
    if (value->type != PICKLE_INT || value->integer < 0 || (uint64_t)value->integer > SIZE_MAX)
        return 0;
    *size = (size_t)value->integer;
    return 1;
}

/* Sizes or strides. */
static int read_sizes(const Pickle *tuple, size_t sizes[CKPT_RANK_LIMIT], size_t *rank)
{
    size_t i;

    if (tuple->type != PICKLE_TUPLE || tuple->count > CKPT_RANK_LIMIT)
        return 0;
    for (i = 0; i < tuple->count; i++)
        if (!read_size(tuple->items[i], &sizes[i]))
            return 0;
    *rank = tuple->count;
    return 1;
}

/* 1 where the strides are other than those of C order. The stride of a side of 1 is never used. */
static int is_strided(const CkptTensor *t)
{
    size_t expected = 1, k;

    for (k = t->rank; k-- > 0;) {
        if (t->shape[k] == 0)
            return 0;
        if (t->shape[k] != 1 && t->stride[k] != expected)
            return 1;
        if (!size_multiply(expected, t->shape[k], &expected))
            return 1;
    }
    return 0;
}

static int bad_tensor(Archive *a, const char *what)
{
    return error_set(a->e, LAKE_BAD_INPUT, "%s: tensor %s: %s", a->path, a->name, what);
}

/* Finds the storage, ('storage', class, key, device, numbers), of which the tensor begins `offset` numbers from the
 * start. */
static int place_tensor(Archive *a, CkptTensor *t, const Pickle *storage, size_t offset)
{
    const Pickle *const *items;
    const ZipEntry *entry;
    const Kind *kind;
    char file[NAME_SIZE];
    size_t numbers, bytes;
    int code;

    if (storage->type != PICKLE_PERSISTENT || storage->items[0]->type != PICKLE_TUPLE || storage->items[0]->count < 5)
        return bad_tensor(a, "its numbers do not lie in a storage");
    items = storage->items[0]->items;
    kind = items[1]->type == PICKLE_GLOBAL ? storage_kind(items[1]->string) : NULL;
    if (kind == NULL || items[2]->type != PICKLE_STRING || !read_size(items[4], &numbers))
        return bad_tensor(a, "its storage is of an unknown kind");
    entry = snprintf(file, sizeof file, "data/%s", items[2]->string) < (int)sizeof file ? find_entry(a, file) : NULL;
    if (entry == NULL)
        return error_set(a->e, LAKE_BAD_INPUT, "%s: tensor %s: its storage data/%.40s is missing", a->path, a->name,
                         items[2]->string);
    if (!size_multiply(numbers, kind->size, &bytes) || bytes > entry->size || offset > numbers)
        return error_set(a->e, LAKE_BAD_INPUT,
                         "%s: tensor %s: begins at number %llu of %llu of type %s, its storage has %llu bytes", a->path,
                         a->name, (unsigned long long)offset, (unsigned long long)numbers, kind->name,
                         (unsigned long long)entry->size);
    code = check_entry(a, entry);
    t->type = kind->type;
    t->type_name = kind->name;
    t->offset = entry->begin + offset * kind->size;
    t->end = entry->begin + bytes;
    return code;
}

static int add_tensor(Archive *a, const Pickle *const *arguments)
{
    CkptTensor t;
    size_t offset, strides = 0;
    int code;

    memset(&t, 0, sizeof t);
    t.name = a->name;
    t.file = a->file;
    if (!read_size(arguments[1], &offset) || !read_sizes(arguments[2], t.shape, &t.rank) ||
        !read_sizes(arguments[3], t.stride, &strides) || strides != t.rank)
        return bad_tensor(a, "no valid offset, sizes and strides");
    t.strided = is_strided(&t);
    t.big_endian = a->big_endian;
    code = place_tensor(a, &t, arguments[0], offset);
    return code == LAKE_OK ? ckpt_add(a->checkpoint, &t, a->e) : code;
}

/* ---- all tensors ---- */

static int is_dict(const Pickle *value)
{
    return value != NULL && (value->type == PICKLE_DICT || value->type == PICKLE_CALL) && value->count > 0;
}

static int walk_items(Archive *a, const Pickle *dict, size_t length, int depth);

/* A value with the name in a->name, which is `length` long: a tensor, a module with more of them, or neither. */
static int walk_value(Archive *a, const Pickle *value, size_t length, int depth)
{
    const Pickle *const *arguments = tensor_arguments(value);

    if (++a->steps > STEP_LIMIT)
        return error_set(a->e, LAKE_BAD_INPUT, "%s: more than %ld values, no checkpoint has so many", a->path,
                         (long)STEP_LIMIT);
    if (arguments != NULL)
        return add_tensor(a, arguments);
    if (value->type != PICKLE_CALL || !is_module_class(value->function) || !is_dict(value->state))
        return LAKE_OK;
    if (depth == DEPTH_LIMIT)
        return error_set(a->e, LAKE_BAD_INPUT, "%s: %.100s: modules nested deeper than %d levels", a->path, a->name,
                         (int)DEPTH_LIMIT);
    return walk_items(a, value->state, length, depth + 1);
}

/* The values of a dictionary whose own name is the first `length` bytes of a->name. Keys that are no texts name no
 * tensor. */
static int walk_items(Archive *a, const Pickle *dict, size_t length, int depth)
{
    size_t i;
    int code = LAKE_OK;

    for (i = 0; code == LAKE_OK && i + 1 < dict->count; i += 2) {
        const Pickle *key = dict->items[i];
        size_t at = length;

        if (key->type != PICKLE_STRING)
            continue;
        if (strlen(key->string) != key->length || key->length >= NAME_SIZE - 1 - length)
            return error_set(a->e, LAKE_BAD_INPUT, "%s: a name of %llu bytes, or with a byte 0 inside: %.60s", a->path,
                             (unsigned long long)key->length, key->string);
        if (at > 0)
            a->name[at++] = '.';
        memcpy(a->name + at, key->string, key->length + 1);
        code = walk_value(a, dict->items[i + 1], at + key->length, depth);
    }
    return code;
}

/* The state dict inside the dictionaries that programs for training put around it. */
static const Pickle *unwrap(const Pickle *root)
{
    static const char *const keys[] = {"state_dict", "model_state_dict", "model", "module"};
    size_t i;
    int level;

    for (level = 0; level < WRAPPER_LIMIT; level++) {
        const Pickle *inner = NULL;

        for (i = 0; !is_dict(inner) && i < LENGTH(keys); i++)
            inner = pickle_get(root, keys[i]);
        if (!is_dict(inner))
            break;
        root = inner;
    }
    return root;
}

/* The message for a pickle without tensors where they are looked for. */
static int refuse_empty(Archive *a, const Pickle *dict)
{
    char text[256] = "";
    size_t i, used = 0;

    for (i = 0; i + 1 < dict->count && used < sizeof text - 64; i += 2)
        if (dict->items[i]->type == PICKLE_STRING)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.40s", used > 0 ? ", " : "",
                                     dict->items[i]->string);
    return error_set(a->e, LAKE_BAD_INPUT,
                     "%s: no tensors where a checkpoint has them (names looked at: %s): save the state dict alone, "
                     "torch.save(model.state_dict(), FILE)",
                     a->path, used > 0 ? text : "none");
}

static int list_tensors(Archive *a)
{
    const Pickle *root = a->tree.root;
    size_t before = a->checkpoint->count;
    int code;

    if (root->type == PICKLE_CALL && is_module_class(root->function)) {
        code = walk_value(a, root, 0, 0);
    } else {
        root = unwrap(root);
        code = is_dict(root) ? walk_items(a, root, 0, 0) : LAKE_OK;
    }
    if (code == LAKE_OK && a->checkpoint->count == before)
        code = refuse_empty(a, root);
    return code;
}

/* ---- public ---- */

static int read_archive(Archive *a)
{
    const FileView *view = &a->checkpoint->files[a->file].view;
    int code = zip_open(&a->zip, view->data, view->size, a->path, a->e);

    if (code != LAKE_OK)
        return code;
    a->checked = calloc(a->zip.count + 1, 1);
    if (a->checked == NULL)
        return error_memory(a->e, "the list of entries");
    if ((code = find_folder(a)) != LAKE_OK || (code = read_byte_order(a)) != LAKE_OK ||
        (code = read_pickle(a)) != LAKE_OK)
        return code;
    return list_tensors(a);
}

int pytorch_list(Checkpoint *checkpoint, size_t file, Error *e)
{
    Archive *a = calloc(1, sizeof *a);
    int code;

    if (a == NULL)
        return error_memory(e, "an archive");
    a->checkpoint = checkpoint;
    a->file = file;
    a->path = checkpoint->files[file].path;
    a->e = e;
    code = read_archive(a);
    pickle_free(&a->tree);
    zip_close(&a->zip);
    free(a->folder);
    free(a->checked);
    free(a);
    return code;
}
