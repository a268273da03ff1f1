/* lake neurons: which channels detectors chose, how far they agree, how near the choice is to a PCA, and where in a
 * photo each neuron deviates. */
#include "cli/neurons.h"

#include <stdlib.h>

#include "cli/verbs.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_neurons = {
    "neurons", "D.lake... [--top N] [--csv|--jsonl] | D.lake --image PHOTO --maps DIR [--neuron B:C,...]",
    "show the chosen neurons, their overlap between detectors, the PCA audit, and maps of single neurons",
    "Example: lake neurons nut.lake cable.lake --top 10\n"
    "         lake neurons nut.lake --image cut.png --maps out/ --neuron 3:41,6:80",
    run};

enum { TOP = 10 };

static int read_all(LakeDetector *detectors, size_t *read, const Arguments *arguments, Error *e)
{
    int code = LAKE_OK;

    for (*read = 0; *read < arguments->count && code == LAKE_OK; *read += code == LAKE_OK)
        code = lake_detector_read(&detectors[*read], arguments->items[*read], e);
    return code;
}

/* Either the maps of one photo by one detector, or the report on all. */
static int work(const Arguments *arguments, const NeuronReport *report, const NeuronMaps *maps, Error *e)
{
    LakeDetector *detectors = calloc(arguments->count, sizeof *detectors);
    size_t read = 0;
    int code = detectors != NULL ? read_all(detectors, &read, arguments, e) : error_memory(e, "the detectors");

    if (code == LAKE_OK)
        code = maps->image != NULL ? neurons_maps(detectors, arguments->items[0], maps, e)
                                   : neurons_report(detectors, arguments->items, read, report, e);
    while (read > 0)
        lake_detector_close(&detectors[--read]);
    free(detectors);
    return code;
}

static int check_arguments(const Arguments *arguments, const NeuronReport *report, const NeuronMaps *maps, Error *e)
{
    if (arguments->count == 0)
        return error_set(e, LAKE_USAGE, "expected at least one detector, found none");
    if (report->csv && report->jsonl)
        return error_set(e, LAKE_USAGE, "--csv and --jsonl exclude each other");
    if ((maps->image == NULL) != (maps->folder == NULL))
        return error_set(e, LAKE_USAGE, "--image and --maps go together: a photo, and the folder for its maps");
    if (maps->image == NULL && maps->named != NULL)
        return error_set(e, LAKE_USAGE, "--neuron needs --image and --maps");
    if (maps->image != NULL && arguments->count > 1)
        return error_set(e, LAKE_USAGE, "maps are of one detector, found %d", (int)arguments->count);
    return LAKE_OK;
}

static int run(int argc, char **argv, Error *e)
{
    size_t top = SIZE_MAX;
    NeuronReport report = {0, 0, 0};
    NeuronMaps maps = {0};
    Arguments arguments;
    const Option options[] = {
        {"--top", OPTION_COUNT, &top, "N", 0, 0,
         "channels to list per layer (default 10, all in tables), or neurons to draw (default 10)"},
        {"--csv", OPTION_FLAG, &report.csv, NULL, 0, 0, "a CSV table"},
        {"--jsonl", OPTION_FLAG, &report.jsonl, NULL, 0, 0, "a JSON object per line"},
        {"--image", OPTION_TEXT, &maps.image, "PHOTO", 0, 0, "a photo: draw where single neurons deviate in it"},
        {"--maps", OPTION_TEXT, &maps.folder, "DIR", 0, 0,
         "the folder for their maps: float32 [height, width] as .npy, and PNG"},
        {"--neuron", OPTION_TEXT, &maps.named, "BLOCK:CHANNEL,...", 0, 0,
         "which ones (default: the largest shares in the photo's worst patch)"},
        {"--weights", OPTION_TEXT, &maps.weights, "W", 0, 0,
         "the flat binary (default: $LAKE_WEIGHTS, then what the detector names)"},
        PHOTO_OPTIONS(maps.photos, "as at the fit"),
    };
    int code = arguments_read(&arguments, &verb_neurons, options, COUNT_OF(options), argc, argv, e);

    report.top = top != SIZE_MAX || report.csv || report.jsonl ? top : TOP;
    maps.top = top != SIZE_MAX ? top : TOP;
    maps.csv = report.csv;
    maps.jsonl = report.jsonl;
    if (code == LAKE_OK && !arguments.help)
        code = check_arguments(&arguments, &report, &maps, e);
    if (code == LAKE_OK && !arguments.help)
        code = work(&arguments, &report, &maps, e);
    arguments_free(&arguments);
    return code;
}
