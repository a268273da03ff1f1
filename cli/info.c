/* lake info: what a .clip or .lake file holds, checksums verified. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/model.h"
#include "cli/summary.h"
#include "cli/verbs.h"
#include "kernel/kernel.h"
#include "lake.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_info = {"info", "FILE [--tensors]", "show what a .clip or .lake file holds and verify its checksums",
                        "Example: lake info vit_b16.clip\n"
                        "lake info " MODEL_BUILTIN " shows the demo model inside this program.",
                        run};

static void print_tower(const char *name, const TowerConfig *t)
{
    printf("  %-13s %lu blocks, width %lu, %lu heads, MLP %lu, %s, eps %g\n", name, (unsigned long)t->layers,
           (unsigned long)t->width, (unsigned long)t->heads, (unsigned long)t->mlp,
           t->activation == ACT_QUICK_GELU ? "quick GELU" : "GELU", t->eps);
}

static void print_config(const ClipConfig *c)
{
    print_tower("image tower", &c->vision);
    printf("  pictures      %lu x %lu pixels, patches of %lu, mean %.8g %.8g %.8g, std %.8g %.8g %.8g\n",
           (unsigned long)c->resolution, (unsigned long)c->resolution, (unsigned long)c->patch, c->mean[0], c->mean[1],
           c->mean[2], c->std[0], c->std[1], c->std[2]);
    printf("  parts         %sln_pre, %spatch bias, %sprojection\n", c->has_ln_pre ? "" : "no ",
           c->has_patch_bias ? "" : "no ", c->has_projection ? "" : "no ");
    if (!c->has_text) {
        printf("  text tower    none\n");
        return;
    }
    print_tower("text tower", &c->text);
    printf("  texts         up to %lu tokens of a vocabulary of %lu, joint space of %lu, logit scale %.6g\n",
           (unsigned long)c->context, (unsigned long)c->vocabulary, (unsigned long)c->embed, exp(c->logit_scale));
}

static void print_tensors(const WtsFile *file)
{
    for (size_t i = 0; i < wts_tensor_count(file); i++) {
        const WtsTensor *t = wts_tensor(file, i);
        printf("  %-40s %-4s [", t->name, wts_type_name(t->type));
        for (uint32_t k = 0; k < t->rank; k++)
            printf("%s%lu", k > 0 ? ", " : "", (unsigned long)t->shape[k]);
        printf("] crc %08lx\n", (unsigned long)t->crc);
    }
}

/* Number of weights, and the types they are stored in. */
static void print_size(const WtsFile *file)
{
    double parameters = 0;
    int types[3] = {0, 0, 0};

    for (size_t i = 0; i < wts_tensor_count(file); i++) {
        const WtsTensor *t = wts_tensor(file, i);
        parameters += (double)(t->bytes / wts_type_size(t->type));
        types[t->type] = 1;
    }
    printf("  weights       %.1f million in %lu tensors (", parameters / 1e6, (unsigned long)wts_tensor_count(file));
    for (int i = 0, first = 1; i < 3; i++)
        if (types[i]) {
            printf("%s%s", first ? "" : ", ", wts_type_name((WtsType)i));
            first = 0;
        }
    printf("), %.1f MB, fingerprint %016llx\n", (double)wts_size(file) / 1e6,
           (unsigned long long)wts_fingerprint(file));
}

static int show_weights(const char *path, int tensors, Error *e)
{
    Clip model;
    int code = model_open_named(&model, path, e);

    if (code != LAKE_OK)
        return code;
    printf("%s\n", path);
    print_config(&model.config);
    print_size(model.file);
    printf("  kernel        %s on this machine\n", kernel_current()->name);
    if (tensors)
        print_tensors(model.file);
    code = wts_verify(model.file, e);
    if (code == LAKE_OK)
        printf("  checksums     verified\n");
    clip_close(&model);
    return code;
}

static int show_detector(const char *path, Error *e)
{
    LakeDetector detector;
    int code = lake_detector_read(&detector, path, e);

    if (code != LAKE_OK)
        return code;
    summary_print(&detector, path);
    for (size_t i = 0; i < detector.normal_count; i++)
        printf("  normal        %.4f  %s\n", detector.normal_scores[i], detector.names[i]);
    printf("  checksum      verified\n");
    lake_detector_close(&detector);
    return LAKE_OK;
}

/* The first bytes say which of the two it is. */
static int show(const char *path, int tensors, Error *e)
{
    FileView view;
    int is_detector, code;

    if (strcmp(path, MODEL_BUILTIN) == 0)
        return show_weights(path, tensors, e);
    code = file_map(&view, path, e);
    if (code != LAKE_OK)
        return code;
    is_detector = view.size >= 5 && memcmp(view.data, LAKE_DETECTOR_MAGIC, 5) == 0;
    file_unmap(&view);
    return is_detector ? show_detector(path, e) : show_weights(path, tensors, e);
}

static int run(int argc, char **argv, Error *e)
{
    int tensors = 0;
    Arguments arguments;
    const Option options[] = {
        {"--tensors", OPTION_FLAG, &tensors, NULL, 0, 0, "list every tensor of a .clip file"},
    };
    int code = arguments_read(&arguments, &verb_info, options, COUNT_OF(options), argc, argv, e);

    if (code == LAKE_OK && !arguments.help)
        code = arguments.count == 1
                   ? show(arguments.items[0], tensors, e)
                   : error_set(e, LAKE_USAGE, "expected one file, found %d arguments", (int)arguments.count);
    arguments_free(&arguments);
    return code;
}
