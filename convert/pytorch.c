/* PyTorch's files (.pt, .pth, .bin) as lists of tensors: from the pickle to the tensors.
 *
 * A tensor is a call of _rebuild_tensor_v2 with a storage, an offset, sizes and strides (torch/_utils.py). In a plain
 * checkpoint the pickle is a dictionary from names to tensors, perhaps inside another one; in TorchScript it is the tree
 * of modules (torch/csrc/jit/serialization/pickler.cpp), whose attributes' names are joined by dots. */
#include "convert/pytorch.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum {
    DEPTH_LIMIT = 64,     /* of modules in modules */
    STEP_LIMIT = 1 << 18, /* values looked at: shared ones could make a small pickle a tree without end */
    WRAPPER_LIMIT = 4     /* dictionaries around the state dict */
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

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

size_t pytorch_number_size(const char *global)
{
    const Kind *kind = storage_kind(global);

    return kind != NULL ? kind->size : 0;
}

/* The classes of a TorchScript archive stand in its own code, which nobody runs here. */
static int is_module_class(const char *global)
{
    return begins_with(global, "__torch__.");
}

/* Besides tensors, what people keep with them: settings of the training, states of optimisers, measures as numbers of
 * NumPy. None of it is looked into. */
int pytorch_allows(const char *global)
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

static int bad_tensor(PytorchFile *f, const char *what)
{
    return error_set(f->e, LAKE_BAD_INPUT, "%s: tensor %s: %s", f->path, f->name, what);
}

/* Finds the storage, ('storage', class, key, device, numbers), of which the tensor begins `offset` numbers from the
 * start. */
static int place_tensor(PytorchFile *f, CkptTensor *t, const Pickle *outside, size_t offset)
{
    const Pickle *const *items;
    PytorchStorage storage;
    const Kind *kind;
    size_t numbers, bytes;
    int code;

    if (outside->type != PICKLE_PERSISTENT || outside->items[0]->type != PICKLE_TUPLE || outside->items[0]->count < 5)
        return bad_tensor(f, "its numbers do not lie in a storage");
    items = outside->items[0]->items;
    kind = items[1]->type == PICKLE_GLOBAL ? storage_kind(items[1]->string) : NULL;
    if (kind == NULL || items[2]->type != PICKLE_STRING || !read_size(items[4], &numbers))
        return bad_tensor(f, "its storage is of an unknown kind");
    code = f->find(&storage, f, items[2]->string);
    if (code != LAKE_OK)
        return code;
    if (!storage.found)
        return error_set(f->e, LAKE_BAD_INPUT, "%s: tensor %s: its storage %.40s is missing", f->path, f->name,
                         items[2]->string);
    if (!size_multiply(numbers, kind->size, &bytes) || bytes > storage.size || offset > numbers)
        return error_set(f->e, LAKE_BAD_INPUT,
                         "%s: tensor %s: begins at number %llu of %llu of type %s, its storage has %llu bytes", f->path,
                         f->name, (unsigned long long)offset, (unsigned long long)numbers, kind->name,
                         (unsigned long long)storage.size);
    t->type = kind->type;
    t->type_name = kind->name;
    t->offset = storage.begin + offset * kind->size;
    t->end = storage.begin + bytes;
    return LAKE_OK;
}

static int add_tensor(PytorchFile *f, const Pickle *const *arguments)
{
    CkptTensor t;
    size_t offset, strides = 0;
    int code;

    memset(&t, 0, sizeof t);
    t.name = f->name;
    t.file = f->file;
    if (!read_size(arguments[1], &offset) || !read_sizes(arguments[2], t.shape, &t.rank) ||
        !read_sizes(arguments[3], t.stride, &strides) || strides != t.rank)
        return bad_tensor(f, "no valid offset, sizes and strides");
    t.strided = is_strided(&t);
    t.big_endian = f->big_endian;
    code = place_tensor(f, &t, arguments[0], offset);
    return code == LAKE_OK ? ckpt_add(f->checkpoint, &t, f->e) : code;
}

/* ---- all tensors ---- */

static int is_dict(const Pickle *value)
{
    return value != NULL && (value->type == PICKLE_DICT || value->type == PICKLE_CALL) && value->count > 0;
}

static int walk_items(PytorchFile *f, const Pickle *dict, size_t length, int depth);

/* A value with the name in f->name, which is `length` long: a tensor, a module with more of them, or neither. */
static int walk_value(PytorchFile *f, const Pickle *value, size_t length, int depth)
{
    const Pickle *const *arguments = tensor_arguments(value);

    if (++f->steps > STEP_LIMIT)
        return error_set(f->e, LAKE_BAD_INPUT, "%s: more than %ld values, no checkpoint has so many", f->path,
                         (long)STEP_LIMIT);
    if (arguments != NULL)
        return add_tensor(f, arguments);
    if (value->type != PICKLE_CALL || !is_module_class(value->function) || !is_dict(value->state))
        return LAKE_OK;
    if (depth == DEPTH_LIMIT)
        return error_set(f->e, LAKE_BAD_INPUT, "%s: %.100s: modules nested deeper than %d levels", f->path, f->name,
                         (int)DEPTH_LIMIT);
    return walk_items(f, value->state, length, depth + 1);
}

/* The values of a dictionary whose own name is the first `length` bytes of f->name. Keys that are no texts name no
 * tensor. */
static int walk_items(PytorchFile *f, const Pickle *dict, size_t length, int depth)
{
    size_t i;
    int code = LAKE_OK;

    for (i = 0; code == LAKE_OK && i + 1 < dict->count; i += 2) {
        const Pickle *key = dict->items[i];
        size_t at = length;

        if (key->type != PICKLE_STRING)
            continue;
        if (strlen(key->string) != key->length || key->length >= PYTORCH_NAME_SIZE - 1 - length)
            return error_set(f->e, LAKE_BAD_INPUT, "%s: a name of %llu bytes, or with a byte 0 inside: %.60s", f->path,
                             (unsigned long long)key->length, key->string);
        if (at > 0)
            f->name[at++] = '.';
        memcpy(f->name + at, key->string, key->length + 1);
        code = walk_value(f, dict->items[i + 1], at + key->length, depth);
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
static int refuse_empty(PytorchFile *f, const Pickle *dict)
{
    char text[256] = "";
    size_t i, used = 0;

    for (i = 0; i + 1 < dict->count && used < sizeof text - 64; i += 2)
        if (dict->items[i]->type == PICKLE_STRING)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.40s", used > 0 ? ", " : "",
                                     dict->items[i]->string);
    return error_set(f->e, LAKE_BAD_INPUT,
                     "%s: no tensors where a checkpoint has them (names looked at: %s): save the state dict alone, "
                     "torch.save(model.state_dict(), FILE)",
                     f->path, used > 0 ? text : "none");
}

int pytorch_tensors(PytorchFile *f, const Pickle *root)
{
    size_t before = f->checkpoint->count;
    int code;

    if (root->type == PICKLE_CALL && is_module_class(root->function)) {
        code = walk_value(f, root, 0, 0);
    } else {
        root = unwrap(root);
        code = is_dict(root) ? walk_items(f, root, 0, 0) : LAKE_OK;
    }
    if (code == LAKE_OK && f->checkpoint->count == before)
        code = refuse_empty(f, root);
    return code;
}

int pytorch_list(Checkpoint *checkpoint, size_t file, Error *e)
{
    return checkpoint->files[file].view.data[0] == 'P' ? pytorch_zip_list(checkpoint, file, e)
                                                       : pytorch_old_list(checkpoint, file, e);
}
