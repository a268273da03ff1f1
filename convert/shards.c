/* A checkpoint in several files: the index that Hugging Face writes beside them (huggingface_hub, serialization;
 * model.safetensors.index.json, pytorch_model.bin.index.json):
 *
 *     {"metadata": {"total_size": 12345}, "weight_map": {"TENSOR": "FILE", ...}}
 *
 * The index comes from the same place as the weights and is not trusted: a FILE is the bare name of a file beside the
 * index and never a path, so that an index cannot make the program read anything else. */
#include "convert/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "convert/json.h"

enum { SHARD_LIMIT = 1024, INDEX_LIMIT = 1 << 26 };

/* A name without a folder in it, whatever system reads it. */
static int is_bare_name(const Json *name)
{
    return name->type == JSON_STRING && name->length > 0 && strlen(name->string) == name->length &&
           strpbrk(name->string, "/\\:") == NULL && strcmp(name->string, ".") != 0 && strcmp(name->string, "..") != 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The different files of the map, sorted, into names[*count]; names has room for one a member. */
static int collect_names(const Json *map, const char **names, size_t *count, const char *path, Error *e)
{
    const Json *member;
    size_t all = 0, i;

    for (member = map->child; member != NULL; member = member->next) {
        if (!is_bare_name(member))
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: tensor %.80s: \"%.80s\" is no name of a file beside the index (paths are refused)",
                             path, member->key, member->type == JSON_STRING ? member->string : "?");
        names[all++] = member->string;
    }
    qsort((void *)names, all, sizeof *names, by_text);
    for (i = 0; i < all; i++)
        if (*count == 0 || strcmp(names[*count - 1], names[i]) != 0)
            names[(*count)++] = names[i];
    if (*count > SHARD_LIMIT)
        return error_set(e, LAKE_BAD_INPUT, "%s: names %llu files, at most %d are allowed", path,
                         (unsigned long long)*count, (int)SHARD_LIMIT);
    return LAKE_OK;
}

static int open_shard(Checkpoint *c, const char *name, Error *e)
{
    char *path = path_beside(c->path, name);
    int code;

    if (path == NULL)
        return error_memory(e, "a path");
    if (path_kind(path) != PATH_FILE)
        code = error_set(e, LAKE_BAD_INPUT, "%s: a file of the checkpoint is missing: download it too (%s names it)",
                         path, path_base(c->path));
    else
        code = ckpt_add_file(c, path, e);
    free(path);
    return code == LAKE_OK ? ckpt_list_file(c, c->file_count - 1, e) : code;
}

static int open_shards(Checkpoint *c, const Json *map, Error *e)
{
    const char **names = malloc((map->count + 1) * sizeof *names); /* no overflow: map takes more */
    size_t count = 0, i;
    int code;

    if (names == NULL)
        return error_memory(e, "the names of files");
    code = collect_names(map, names, &count, c->path, e);
    for (i = 0; code == LAKE_OK && i < count; i++)
        code = open_shard(c, names[i], e);
    free((void *)names);
    return code;
}

/* Every tensor of the map must be in the file that it names: else index and files are of different versions. The
 * checkpoint's tensors are sorted. */
static int check_map(const Checkpoint *c, const Json *map, Error *e)
{
    const Json *member;

    for (member = map->child; member != NULL; member = member->next) {
        const CkptTensor *t = ckpt_find(c, member->key);

        if (t == NULL || strcmp(path_base(ckpt_tensor_path(c, t)), member->string) != 0)
            return error_set(e, LAKE_BAD_INPUT,
                             "%s: tensor %.80s is not in %.80s: index and files do not belong together", c->path,
                             member->key, member->string);
    }
    return LAKE_OK;
}

int shards_list(Checkpoint *c, Error *e)
{
    const FileView *index = &c->files[0].view;
    const Json *map;
    Json *root = NULL;
    int code;

    if (index->size > INDEX_LIMIT)
        return error_set(e, LAKE_BAD_INPUT, "%s: is JSON text of %llu bytes, too large for an index of shards", c->path,
                         (unsigned long long)index->size);
    code = json_parse(&root, (const char *)index->data, index->size, c->path, e);
    if (code != LAKE_OK)
        return code;
    map = json_get(root, "weight_map");
    if (map == NULL || map->type != JSON_OBJECT || map->count == 0)
        code = error_set(e, LAKE_BAD_INPUT,
                         "%s: is JSON text without a \"weight_map\" of tensors, so no index of a checkpoint; name the "
                         "checkpoint itself",
                         c->path);
    if (code == LAKE_OK)
        code = open_shards(c, map, e);
    if (code == LAKE_OK)
        code = ckpt_sort(c, e);
    if (code == LAKE_OK)
        code = check_map(c, map, e);
    json_free(root);
    return code;
}
