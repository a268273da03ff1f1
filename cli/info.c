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

/* The error of quantisation that a q8 tensor says of itself; clip_open has checked that it does. */
static double error_of(const WtsFile *file, const WtsTensor *t)
{
    return *(const float *)wts_companion(file, t, WTS_ERROR)->data;
}

static void print_tensors(const WtsFile *file)
{
    for (size_t i = 0; i < wts_tensor_count(file); i++) {
        const WtsTensor *t = wts_tensor(file, i);
        printf("  %-40s %-4s [", t->name, wts_type_name(t->type));
        for (uint32_t k = 0; k < t->rank; k++)
            printf("%s%lu", k > 0 ? ", " : "", (unsigned long)t->shape[k]);
        printf("] crc %08lx", (unsigned long)t->crc);
        if (t->type == WTS_Q8)
            printf(" error %.3f %%", 100 * error_of(file, t));
        printf("\n");
    }
}

/* One number of the table of errors, "-" for a matrix of another type. */
static void print_error(const WtsFile *file, const char *prefix, const char *name)
{
    const WtsTensor *t;
    char full[64];

    snprintf(full, sizeof full, "%s%s.weight", prefix, name);
    t = wts_find(file, full);
    if (t != NULL && t->type == WTS_Q8)
        printf("%10.3f", 100 * error_of(file, t));
    else
        printf("%10s", "-");
}

/* The four matrices of each block of a tower, a line per block. */
static void print_block_errors(const WtsFile *file, const char *tower, const TowerConfig *config)
{
    for (uint32_t i = 0; i < config->layers; i++) {
        static const char *const names[] = {"qkv", "attn_out", "mlp_in", "mlp_out"};
        char prefix[40];
        int width = printf("    %s.blocks.%lu", tower, (unsigned long)i);

        printf("%*s", width < 24 ? 24 - width : 0, "");
        snprintf(prefix, sizeof prefix, "%s.blocks.%lu.", tower, (unsigned long)i);
        for (size_t k = 0; k < COUNT_OF(names); k++)
            print_error(file, prefix, names[k]);
        printf("\n");
    }
}

/* What quantisation cost each matrix, where there are q8 ones. */
static void print_errors(const WtsFile *file)
{
    const ClipConfig *config = wts_config(file);
    WtsErrors errors = {0, 0, 0, ""};

    for (size_t i = 0; i < wts_tensor_count(file); i++) {
        const WtsTensor *t = wts_tensor(file, i);
        if (t->type == WTS_Q8)
            wts_errors_add(&errors, t->name, error_of(file, t));
    }
    if (errors.count == 0)
        return;
    printf("  q8 error      ||W - Wq|| / ||W|| in percent: mean %.3f, largest %.3f (%s)\n",
           100 * errors.sum / (double)errors.count, 100 * errors.largest, errors.name);
    printf("%24s%10s%10s%10s%10s\n", "", "qkv", "attn_out", "mlp_in", "mlp_out");
    print_block_errors(file, "vision", &config->vision);
    print_block_errors(file, "text", &config->text);
    for (size_t i = 0; i < wts_tensor_count(file); i++) {
        const WtsTensor *t = wts_tensor(file, i);
        if (t->type == WTS_Q8 && strstr(t->name, ".blocks.") == NULL)
            printf("    %-30s%10.3f\n", t->name, 100 * error_of(file, t));
    }
}

/* Number of weights, and the types they are stored in. */
static void print_size(const WtsFile *file)
{
    double parameters = 0;
    int types[WTS_Q8 + 1] = {0};

    for (size_t i = 0; i < wts_tensor_count(file); i++) {
        const WtsTensor *t = wts_tensor(file, i);
        parameters += (double)(t->bytes / wts_type_size(t->type));
        types[t->type] = 1;
        if (t->type == WTS_Q8)
            parameters -= t->shape[0] + 1.0; /* the scales and the error are no weights */
    }
    printf("  weights       %.1f million in %lu tensors (", parameters / 1e6, (unsigned long)wts_tensor_count(file));
    for (int i = 0, first = 1; i <= WTS_Q8; i++)
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
    print_errors(model.file);
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
