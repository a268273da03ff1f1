/* lake merge: detectors fitted on parts of one normal set become one. */
#include <stdlib.h>

#include "cli/output.h"
#include "cli/summary.h"
#include "cli/verbs.h"
#include "lake.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_merge = {"merge", "A.lake B.lake... -o D.lake",
                         "join detectors fitted with --keep-tokens on parts of one normal set",
                         "Example: lake merge monday.lake tuesday.lake -o week.lake\n"
                         "The result is what one fit over all photos, in this order, gives.",
                         run};

static int merge_into(const char *output, LakeDetector *parts, const LakeDetector **pointers,
                      const Arguments *arguments, int keep_tokens, Error *e)
{
    LakeDetector merged;
    size_t read = 0;
    int code = output_check(output, LAKE_DETECTOR_MAGIC, ".lake", e);

    while (read < arguments->count && code == LAKE_OK) {
        code = lake_detector_read(&parts[read], arguments->items[read], e);
        pointers[read] = &parts[read];
        read += code == LAKE_OK;
    }
    if (code == LAKE_OK)
        code = lake_merge(&merged, pointers, arguments->items, arguments->count, keep_tokens, e);
    if (code == LAKE_OK) {
        code = lake_detector_write(&merged, output, e);
        if (code == LAKE_OK)
            summary_print(&merged, output);
        lake_detector_close(&merged);
    }
    while (read > 0)
        lake_detector_close(&parts[--read]);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    const char *output = NULL;
    int keep_tokens = 0;
    Arguments arguments;
    const Option options[] = {
        {"-o", OPTION_TEXT, &output, "D.lake", 0, 0, "the detector to write"},
        {"--keep-tokens", OPTION_FLAG, &keep_tokens, NULL, 0, 0, "keep the full-width tokens for another merge"},
    };
    int code = arguments_read(&arguments, &verb_merge, options, COUNT_OF(options), argc, argv, e);

    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count < 2) {
            code = error_set(e, LAKE_USAGE, "expected at least two detectors, found %d", (int)arguments.count);
        } else if (output == NULL) {
            code = error_set(e, LAKE_USAGE, "expected -o D.lake, the detector to write");
        } else {
            LakeDetector *parts = calloc(arguments.count, sizeof *parts);
            const LakeDetector **pointers = calloc(arguments.count, sizeof *pointers);
            code = parts != NULL && pointers != NULL ? merge_into(output, parts, pointers, &arguments, keep_tokens, e)
                                                     : error_memory(e, "the detectors");
            free(parts);
            free(pointers);
        }
    }
    arguments_free(&arguments);
    return code;
}
