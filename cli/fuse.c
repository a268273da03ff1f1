/* lake fuse: LAKE's scores or maps combined with another detector's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/npy.h"
#include "cli/fusion.h"
#include "cli/results.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "eval/metrics.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_fuse = {"fuse", "--lake MAPS|CSV --with MAPS|CSV [--with-normals MAPS|CSV] [--lake-normals D.lake]",
                        "combine LAKE's maps or scores with another detector's",
                        "Example: lake fuse --lake maps/ --with theirs/ --lake-normals nut.lake --with-normals theirs_good/\n"
                        "MAPS: a folder of .npy [height, width], or one .npy [images, height, width]. CSV: columns image, "
                        "score.",
                        run};

/* ---- lines ---- */

static const char *label_of(const Fusion *f, const Verdict *v)
{
    return !f->has_threshold ? "" : v->score > f->threshold ? "anomalous" : "normal";
}

static void print_json(const Fusion *f, const char *name, const Verdict *v)
{
    printf("{\"image\": ");
    print_json_string(stdout, name);
    printf(", \"score\": %.9g, ", v->score);
    if (f->has_threshold)
        printf("\"label\": \"%s\", \"threshold\": %.9g, ", label_of(f, v), f->threshold);
    else
        printf("\"label\": null, \"threshold\": null, ");
    printf("\"lake\": %.9g, \"other\": %.9g, ", v->calibrated[LAKE], v->calibrated[OTHER]);
    if (f->sides[LAKE].form == SIDE_MAPS)
        printf("\"pixel\": [%llu, %llu]}\n", (unsigned long long)v->row, (unsigned long long)v->column);
    else
        printf("\"pixel\": null}\n");
}

static void print_csv(const Fusion *f, const char *name, const Verdict *v)
{
    print_csv_field(stdout, name);
    printf(",%.9g,%s,", v->score, label_of(f, v));
    if (f->has_threshold)
        printf("%.9g", f->threshold);
    printf(",%.9g,%.9g,", v->calibrated[LAKE], v->calibrated[OTHER]);
    if (f->sides[LAKE].form == SIDE_MAPS)
        printf("%llu,%llu,\n", (unsigned long long)v->row, (unsigned long long)v->column);
    else
        printf(",,\n");
}

static int write_map(Results *r, const char *name, const FuseMap *map, Error *e)
{
    const size_t shape[2] = {map->height, map->width};
    const char *label = labels_add(&r->labels, name);
    size_t room = label != NULL ? strlen(label) + 5 : 0;
    char *file = label != NULL ? malloc(room) : NULL, *path;
    int code;

    if (file == NULL)
        return error_memory(e, "a file name");
    snprintf(file, room, "%s.npy", label);
    path = path_join(r->maps, file);
    code = path != NULL ? npy_write(path, map->data, 2, shape, e) : error_memory(e, "a path");
    free(path);
    free(file);
    return code;
}

/* The part of an image's name that its map is called after: what is in front of a stack's own name does not count. */
static const char *name_of_map(const Side *side, size_t image)
{
    const char *name = side->list.names[image];

    return side->stack.rank > 0 ? path_base(name) : name;
}

static int print_verdict(const Fusion *f, Results *r, size_t image, const Verdict *v, const FuseMap *fused, Error *e)
{
    const char *name = f->sides[LAKE].list.names[image];

    if (r->maps != NULL) {
        int code = write_map(r, name_of_map(&f->sides[LAKE], image), fused, e);
        if (code != LAKE_OK)
            return code;
    }
    if (r->jsonl)
        print_json(f, name, v);
    else if (r->csv)
        print_csv(f, name, v);
    else
        printf("%-9s %.4f  %s\n", label_of(f, v), v->score, name);
    r->anomalies += f->has_threshold && v->score > f->threshold;
    return LAKE_OK;
}

/* ---- how well they do ---- */

/* Scores of the images whose truth is known. */
typedef struct {
    double *own[SIDES], *fused; /* [count] each */
    unsigned char *labels;      /* [count] */
    size_t count;
} Known;

static int known_open(Known *known, size_t most, Error *e)
{
    known->count = 0;
    known->fused = malloc((most + 1) * sizeof *known->fused);
    known->own[LAKE] = malloc((most + 1) * sizeof *known->fused);
    known->own[OTHER] = malloc((most + 1) * sizeof *known->fused);
    known->labels = malloc(most + 1);
    return known->fused != NULL && known->own[LAKE] != NULL && known->own[OTHER] != NULL && known->labels != NULL
               ? LAKE_OK : error_memory(e, "the scores");
}

static void known_close(Known *known)
{
    free(known->fused);
    free(known->own[LAKE]);
    free(known->own[OTHER]);
    free(known->labels);
}

static void known_add(Known *known, int truth, const Verdict *v)
{
    if (truth == TRUTH_UNKNOWN)
        return;
    known->own[LAKE][known->count] = v->own[LAKE];
    known->own[OTHER][known->count] = v->own[OTHER];
    known->fused[known->count] = v->score;
    known->labels[known->count++] = truth == TRUTH_ANOMALOUS;
}

/* One line with the AUROC of each alone and of both; beside a table on standard error. */
static int print_measures(const Known *known, const Results *r, Error *e)
{
    const double *scores[] = {known->own[LAKE], known->own[OTHER], known->fused};
    EvalScores measures[3];

    for (int i = 0; i < 3; i++) {
        int code = eval_scores(&measures[i], scores[i], known->labels, known->count, e);
        if (code != LAKE_OK)
            return code;
    }
    if (measures[0].normal == 0 || measures[0].anomalous == 0)
        return LAKE_OK;
    fprintf(r->csv || r->jsonl ? stderr : stdout,
            "image AUROC of %llu normal and %llu anomalous images: LAKE %.4f, other %.4f, fused %.4f\n",
            (unsigned long long)measures[0].normal, (unsigned long long)measures[0].anomalous, measures[0].auroc,
            measures[1].auroc, measures[2].auroc);
    return LAKE_OK;
}

/* ---- all images ---- */

static int begin_results(const Results *r, Error *e)
{
    if (r->csv && r->jsonl)
        return error_set(e, LAKE_USAGE, "--csv and --jsonl exclude each other");
    if (r->maps != NULL) {
        int code = folder_create(r->maps, e);
        if (code != LAKE_OK)
            return code;
    }
    if (r->csv) /* as many columns as score has, so that errors stand in the last one, too */
        printf("image,score,label,threshold,lake,other,row,column,error\n");
    return LAKE_OK;
}

/* Fuses and prints every image. One whose maps cannot be read is named, the others are fused. */
static int fuse_images(const Fusion *f, Results *r, Known *known, Error *e)
{
    int code = LAKE_OK;

    for (size_t i = 0; i < f->sides[LAKE].list.count && code == LAKE_OK; i++) {
        Verdict verdict;
        FuseMap fused;
        Error local;
        code = fusion_judge(f, i, &verdict, &fused, &local);
        if (code == LAKE_OK) {
            code = print_verdict(f, r, i, &verdict, &fused, e);
            known_add(known, f->truth[i], &verdict);
            free(fused.data);
        } else if (code == LAKE_BAD_INPUT) {
            results_error(r, f->sides[LAKE].list.names[i], &local);
            code = LAKE_OK;
        } else {
            error_set(e, code, "%s", local.text);
        }
    }
    return code;
}

static int fuse_all(const Fusion *f, Results *r, Error *e)
{
    Known known;
    int code = begin_results(r, e);

    if (code != LAKE_OK)
        return code;
    code = known_open(&known, f->sides[LAKE].list.count, e);
    if (code == LAKE_OK)
        code = fuse_images(f, r, &known, e);
    if (code == LAKE_OK)
        code = print_measures(&known, r, e);
    known_close(&known);
    results_end(r);
    return code;
}

/* ---- the call ---- */

static int fuse(const FusionSettings *settings, Results *r, Error *e)
{
    Fusion f;
    int code = fusion_open(&f, settings, e);

    if (code != LAKE_OK)
        return code;
    if (r->maps != NULL && f.sides[LAKE].form == SIDE_SCORES)
        code = error_set(e, LAKE_USAGE, "--maps needs maps, %s has scores", settings->lake);
    else
        code = fuse_all(&f, r, e);
    fusion_close(&f);
    return code == LAKE_OK ? results_code(r, e) : code;
}

static int run(int argc, char **argv, Error *e)
{
    FusionSettings a = {0};
    Results r = {0};
    Arguments arguments;
    const Option options[] = {
        {"--lake", OPTION_TEXT, &a.lake, "MAPS|CSV", 0, 0, "what lake score --maps or --csv wrote"},
        {"--with", OPTION_TEXT, &a.with, "MAPS|CSV", 0, 0, "the other detector's, of the same images"},
        {"--with-normals", OPTION_TEXT, &a.with_normals, "MAPS|CSV", 0, 0,
         "the other's values on normal images that it was not fitted on"},
        {"--lake-normals", OPTION_TEXT, &a.lake_normals, "D.lake|MAPS|CSV", 0, 0,
         "LAKE's values on normal images (default: as they are)"},
        {"--with-values", OPTION_CHOICE, &a.values, "distance|probability", 0, 0,
         "of the other: any numbers, or 0 to 1 (default distance)"},
        {"--weight", OPTION_NUMBER, &a.weight, "X", 0, 1, "of the other detector (default 0.5)"},
        {"--rule", OPTION_CHOICE, &a.rule, "mean|max", 0, 0, "weighted mean, or the larger (default mean)"},
        {"--pooling", OPTION_CHOICE, &a.pooling, "max|mean|top1", 0, 0, "of a fused map to its score (default max)"},
        {"--threshold", OPTION_TEXT, &a.threshold, "auto|X|fpr=Q", 0, 0,
         "of the fused score (default: auto where both have normals)"},
        {"--names", OPTION_TEXT, &a.names, "FILE", 0, 0, "names of the images of .npy stacks, one per line"},
        {"--labels", OPTION_TEXT, &a.labels, "CSV", 0, 0, "what is true (columns image, label): prints AUROC"},
        {"--maps", OPTION_TEXT, &r.maps, "DIR", 0, 0, "write the fused map as float32 [height, width], a .npy per image"},
        {"--csv", OPTION_FLAG, &r.csv, NULL, 0, 0, "a CSV table"},
        {"--jsonl", OPTION_FLAG, &r.jsonl, NULL, 0, 0, "a JSON object per line"},
        {"--fail-on-anomaly", OPTION_FLAG, &r.fail_on_anomaly, NULL, 0, 0, "exit with 1 where an anomaly was found"},
    };
    int code;

    a.weight = 0.5;
    a.pooling = -1;
    code = arguments_read(&arguments, &verb_fuse, options, COUNT_OF(options), argc, argv, e);
    if (code == LAKE_OK && !arguments.help) {
        if (arguments.count > 0)
            code = error_set(e, LAKE_USAGE, "unexpected argument '%s'; maps and scores stand behind --lake and --with",
                             arguments.items[0]);
        else
            code = fuse(&a, &r, e);
    }
    arguments_free(&arguments);
    return code;
}
