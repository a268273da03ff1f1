/* Runs a fuzz target over files, where no libFuzzer drives it:
 *
 *     build/test/fuzz/fuzz_png              test/fuzz/corpus/png/, printed as a test (test/test.h)
 *     build/test/fuzz/fuzz_png PATH...      files and folders, each named before it is read
 *
 * A finding ends the program: by abort, or by a sanitizer's report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "test/fuzz/fuzz.h"
#include "test/test.h"

/* Gives one file to the target; returns 0 where it cannot be read. */
static int run_file(const char *path, int named)
{
    unsigned char *data, *copy;
    size_t size;
    Error e;

    if (named) {
        printf("%s\n", path);
        fflush(stdout);
    }
    if (fuzz_read_disk(&data, &size, path, &e) != LAKE_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 0;
    }
    copy = fuzz_copy(data, size);
    free(data);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 1;
}

/* Every file of a folder; *read counts them. Returns 0 where one cannot be read. */
static int run_folder(const char *folder, int named, size_t *read)
{
    char **names;
    size_t count, i;
    int fine = 1;
    Error e;

    if (folder_list(&names, &count, folder, &e) != LAKE_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 0;
    }
    for (i = 0; i < count; i++) {
        char *path = path_join(folder, names[i]);

        if (path == NULL)
            abort();
        fine &= fuzz_is_folder(path) ? run_folder(path, named, read) : run_file(path, named);
        *read += 1;
        free(path);
    }
    folder_free(names, count);
    return fine;
}

/* The corpus of the target that this program is named after: "build/test/fuzz/fuzz_png" reads test/fuzz/corpus/png. */
static void run_corpus(const char *program)
{
    static const char prefix[] = "fuzz_";
    const char *name = path_base(program);
    char *folder;
    size_t read = 0;

    if (strncmp(name, prefix, strlen(prefix)) == 0)
        name += strlen(prefix);
    folder = path_join("test/fuzz/corpus", name);
    if (folder == NULL)
        abort();
    check(run_folder(folder, 0, &read) && read > 0, "every file of the corpus is read or refused", "%s: %lu files", folder,
          (unsigned long)read);
    free(folder);
}

int main(int argc, char **argv)
{
    size_t read = 0;
    int i, fine = 1;

    if (argc == 1)
        run_corpus(argv[0]);
    for (i = 1; i < argc; i++)
        fine &= fuzz_is_folder(argv[i]) ? run_folder(argv[i], 1, &read) : run_file(argv[i], 1);
    return fine ? 0 : 1;
}
