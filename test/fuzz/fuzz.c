/* What the fuzz targets share; see fuzz.h. */

/* The parts of base/file.c that touch no file's content (paths, lists of folders) serve as they are; those that do get
 * other names, and this file has its own under theirs. */
#define path_kind disk_path_kind
#define file_read disk_file_read
#define file_map disk_file_map
#define file_unmap disk_file_unmap
#define file_create disk_file_create
#define file_write disk_file_write
#define file_commit disk_file_commit
#define file_discard disk_file_discard
#define file_check_output disk_file_check_output
#define file_save disk_file_save
#include "base/file.c"
#undef path_kind
#undef file_read
#undef file_map
#undef file_unmap
#undef file_create
#undef file_write
#undef file_commit
#undef file_discard
#undef file_check_output
#undef file_save

#include "test/fuzz/fuzz.h"

/* ---- promises ---- */

void fuzz_broken(const char *promise, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, promise);
    abort();
}

void fuzz_check(int code, const Error *e)
{
    const char *c;

    if (code == LAKE_OK) {
        PROMISE(e->code == LAKE_OK && e->text[0] == '\0');
        return;
    }
    PROMISE(code == LAKE_BAD_INPUT || code == LAKE_RESOURCE);
    PROMISE(e->code == code && e->text[0] != '\0' && memchr(e->text, 0, sizeof e->text) != NULL);
    for (c = e->text; *c != '\0'; c++)
        PROMISE((unsigned char)*c >= 0x20 && *c != 0x7f);
}

unsigned char *fuzz_copy(const uint8_t *data, size_t size)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

/* ---- files in memory ---- */

enum { FILE_LIMIT = 8 };

static struct {
    char path[256];
    unsigned char *data;
    size_t size;
} files[FILE_LIMIT];

/* The place of the file `path`, or of one that is free; -1 where neither is left. */
static int place_of(const char *path, int new_one)
{
    int i, unused = -1;

    for (i = 0; i < FILE_LIMIT; i++) {
        if (strcmp(files[i].path, path) == 0)
            return i;
        if (files[i].path[0] == '\0')
            unused = i;
    }
    return new_one ? unused : -1;
}

void fuzz_file(const char *path, const void *data, size_t size)
{
    int i = place_of(path, 1);

    if (i < 0 || strlen(path) >= sizeof files[i].path)
        abort();
    free(files[i].data);
    strcpy(files[i].path, path);
    files[i].data = fuzz_copy(data, size);
    files[i].size = size;
}

const unsigned char *fuzz_file_bytes(const char *path, size_t *size)
{
    int i = place_of(path, 0);

    *size = i < 0 ? 0 : files[i].size;
    return i < 0 ? NULL : files[i].data;
}

void fuzz_files_clear(void)
{
    for (int i = 0; i < FILE_LIMIT; i++)
        free(files[i].data);
    memset(files, 0, sizeof files);
}

int fuzz_read_disk(unsigned char **data, size_t *size, const char *path, Error *e)
{
    return disk_file_read(data, size, path, SIZE_MAX - 1, e);
}

int fuzz_is_folder(const char *path)
{
    return disk_path_kind(path) == PATH_FOLDER;
}

/* ---- what base/file.h promises, of these files ---- */

int path_kind(const char *path)
{
    return place_of(path, 0) < 0 ? PATH_MISSING : PATH_FILE;
}

int file_read(unsigned char **data, size_t *size, const char *path, size_t limit, Error *e)
{
    const unsigned char *bytes = fuzz_file_bytes(path, size);

    *data = NULL;
    if (bytes == NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s: cannot open: it is not there", path);
    if (*size > limit)
        return error_set(e, LAKE_BAD_INPUT, "%s: larger than the limit of %llu bytes for such a file", path,
                         (unsigned long long)limit);
    *data = malloc(*size + 1);
    if (*data == NULL)
        return error_memory(e, path);
    memcpy(*data, bytes, *size);
    (*data)[*size] = 0;
    return LAKE_OK;
}

int file_map(FileView *view, const char *path, Error *e)
{
    const unsigned char *bytes = fuzz_file_bytes(path, &view->size);

    view->mapped = 0;
    view->data = NULL;
    if (bytes == NULL)
        return error_set(e, LAKE_BAD_INPUT, "%s: cannot open: it is not there", path);
    view->data = fuzz_copy(bytes, view->size);
    return LAKE_OK;
}

void file_unmap(FileView *view)
{
    free((void *)(uintptr_t)view->data);
    memset(view, 0, sizeof *view);
}

/* Writers may seek in the stream (weights/writer.c), so that an output is a nameless file of the C library's until it is
 * complete. */
int file_create(FileOut *out, const char *path, Error *e)
{
    memset(out, 0, sizeof *out);
    out->path = malloc(strlen(path) + 1);
    if (out->path == NULL)
        return error_memory(e, "a path");
    strcpy(out->path, path);
    out->stream = tmpfile();
    if (out->stream == NULL)
        abort();
    return LAKE_OK;
}

int file_write(FileOut *out, const void *data, size_t size, Error *e)
{
    (void)e;
    if (size > 0 && fwrite(data, 1, size, out->stream) != size)
        abort();
    return LAKE_OK;
}

void file_discard(FileOut *out)
{
    if (out->stream != NULL)
        fclose(out->stream);
    free(out->path);
    memset(out, 0, sizeof *out);
}

int file_commit(FileOut *out, Error *e)
{
    unsigned char *data;
    long size;

    (void)e;
    fseek(out->stream, 0, SEEK_END);
    size = ftell(out->stream);
    rewind(out->stream);
    data = malloc((size_t)size + 1);
    if (size < 0 || data == NULL || fread(data, 1, (size_t)size, out->stream) != (size_t)size)
        abort();
    fuzz_file(out->path, data, (size_t)size);
    free(data);
    file_discard(out);
    return LAKE_OK;
}

int file_check_output(const char *path, Error *e)
{
    (void)path;
    (void)e;
    return LAKE_OK;
}

int file_save(const char *path, const void *data, size_t size, Error *e)
{
    (void)e;
    fuzz_file(path, data, size);
    return LAKE_OK;
}

/* ---- pictures ---- */

int fuzz_decode(Image *image, const unsigned char *data, size_t size)
{
    Error e = FUZZ_ERROR;
    int code = img_decode(image, data, size, "fuzz", FUZZ_PIXELS, &e);

    fuzz_check(code, &e);
    if (code != LAKE_OK) {
        PROMISE(image->rgb == NULL);
        return 0;
    }
    PROMISE(image->width >= 1 && image->height >= 1 && image->width <= FUZZ_PIXELS / image->height);
    return 1;
}
