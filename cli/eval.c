/* lake eval: many methods on a data set, as a table and a page. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/eval_plan.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "eval/record.h"
#include "eval/report.h"

static int run(int argc, char **argv, Error *e);

const Verb verb_eval = {
    "eval", "LAYOUT ROOT -o RESULTS.csv [--weights W] [--shots 1,2,4] [--seeds 3] [--html PAGE.html]",
    "measure LAKE and other methods on a data set",
    "LAYOUT: mvtec, visa, btad, bmad, bmad-valid or folder (good/ beside others, or a table image,label,mask).\n"
    "AXIS: neurons layers lambda pooling norm select distance coreset trim shots contaminate.\n"
    "What is finished is in RESULTS.parts/ and is not done again when the same line is run again.\n"
    "Example: lake eval mvtec mvtec/ --weights vit_l14.clip --shots 1,2,4 --seeds 3 -o mvtec.csv --html mvtec.html\n"
    "         --sweep neurons=10,25,50,100,200,all lambda=0:1:0.1 contaminate=0,1,2,4",
    run};

/* What is said while it goes on. */
typedef struct {
    Progress bar;
} Screen;

static void show_progress(void *context, double share)
{
    progress_update(&((Screen *)context)->bar, share);
}

static void show_note(void *context, const char *text)
{
    progress_clear(&((Screen *)context)->bar);
    fprintf(stderr, "lake eval: note: %s\n", text);
}

/* ---- what came of it ---- */

/* A cell of a table for people: the number, or a dash. */
static void print_cell(const char *field, int width)
{
    if (field[0] != '\0')
        printf("  %*.4f", width, strtod(field, NULL));
    else
        printf("  %*s", width, "-");
}

/* The mean rows of the table that was just written, a line per method and number of shots. */
static int print_means(const char *path, Error *e)
{
    enum {
        CATEGORY = 1,
        SHOTS,
        SEED,
        METHOD,
        MEASURES,
        GOOD = MEASURES + RECORD_MEASURES + 4,
        BAD,
        FALSE_ALARMS,
        MISSES
    };
    int width = 8, code;
    Csv table;

    code = csv_read(&table, path, e);
    if (code != LAKE_OK)
        return code;
    for (size_t i = 0; i < table.rows; i++)
        if ((int)strlen(csv_field(&table, i, METHOD)) > width)
            width = (int)strlen(csv_field(&table, i, METHOD));
    printf("%-*s  shots  image AUROC      AP  F1-max  pixel AUROC      AP  F1-max     PRO  false alarms  missed\n",
           width, "method");
    for (size_t i = 0; i < table.rows; i++) {
        if (strcmp(csv_field(&table, i, CATEGORY), "mean") != 0 || csv_field(&table, i, SEED)[0] != '\0')
            continue;
        printf("%-*s  %5s", width, csv_field(&table, i, METHOD), csv_field(&table, i, SHOTS));
        for (int m = 0; m < RECORD_MEASURES; m++)
            print_cell(csv_field(&table, i, (size_t)(MEASURES + m)),
                       m == RECORD_IMAGE_AUROC || m == RECORD_PIXEL_AUROC ? 11 : 6);
        printf("  %s of %s, %s of %s\n", csv_field(&table, i, FALSE_ALARMS), csv_field(&table, i, GOOD),
               csv_field(&table, i, MISSES), csv_field(&table, i, BAD));
    }
    csv_free(&table);
    return LAKE_OK;
}

static size_t count_skipped(const Record *record)
{
    size_t count = 0;

    for (size_t u = 0; u < record->unit_count; u++)
        count += record->units[u].skipped_count;
    return count;
}

static int write_results(const Record *record, const EvalPlan *p, Error *e)
{
    int code = record_write_table(record, p->output, e);

    if (code == LAKE_OK && p->html != NULL)
        code = report_write(record, p->html, e);
    if (code == LAKE_OK)
        code = print_means(p->output, e);
    if (code != LAKE_OK)
        return code;
    printf("\nEvery measurement is in %s%s%s; scores, draws and neurons are in %s\n", p->output,
           p->html != NULL ? ", and as a page in " : "", p->html != NULL ? p->html : "", p->run.parts);
    if (count_skipped(record) > 0)
        return error_set(e, LAKE_BAD_INPUT,
                         "pictures that could not be read, or methods that the pictures do not allow, were left out: "
                         "the column "
                         "'skipped' of %s counts the pictures, skipped.csv in %s names all",
                         p->output, p->run.parts);
    return LAKE_OK;
}

static int gather(const EvalPlan *p, const RunUnit *units, size_t count, Error *e)
{
    size_t missing = 0, first = 0;
    Record record;
    int code;

    for (size_t i = count; i-- > 0;)
        if (!run_is_finished(&p->run, &units[i])) {
            missing++;
            first = i;
        }
    if (missing > 0) {
        char *folder = run_unit_folder(&p->run, &units[first]);
        code = error_set(e, LAKE_BAD_INPUT,
                         "%lu of %lu parts are not finished, the first is %s: run the missing shares, or the "
                         "same line without --gather",
                         (unsigned long)missing, (unsigned long)count, folder != NULL ? folder : "");
        free(folder);
        return code;
    }
    code = record_read(&record, p->run.parts, e);
    if (code != LAKE_OK)
        return code;
    code = write_results(&record, p, e);
    record_close(&record);
    return code;
}

/* ---- doing it ---- */

static int measure(EvalPlan *p, Error *e)
{
    size_t count, first = 0, some;
    RunUnit *units;
    Screen screen;
    int code;

    p->run.progress = show_progress;
    p->run.note = show_note;
    p->run.context = &screen;
    progress_begin(&screen.bar, "evaluating");
    code = run_begin(&p->run, e);
    if (code == LAKE_OK)
        code = run_units(&units, &count, &p->run, e);
    if (code != LAKE_OK)
        return code;
    some = count;
    if (p->shares > 0)
        run_share(&first, &some, count, p->share, p->shares);
    if (!p->gather)
        code = run_do(&p->run, units + first, some, e);
    progress_clear(&screen.bar);
    if (code == LAKE_OK && p->shares > 0)
        printf("share %lu of %lu: %lu of %lu parts are in %s; --gather in place of --shard joins them\n",
               (unsigned long)p->share, (unsigned long)p->shares, (unsigned long)some, (unsigned long)count,
               p->run.parts);
    else if (code == LAKE_OK)
        code = gather(p, units, count, e);
    free(units);
    return code;
}

/* Whether the results can be written, before long work. */
static int check_outputs(const EvalPlan *p, Error *e)
{
    int code = output_check(p->output, "dataset,", ".csv", e);

    if (code == LAKE_OK)
        code = file_check_output(p->output, e);
    if (code == LAKE_OK && p->html != NULL)
        code = output_check(p->html, "<!DOCTYPE html>", ".html", e);
    if (code == LAKE_OK && p->html != NULL)
        code = file_check_output(p->html, e);
    return code;
}

static int run(int argc, char **argv, Error *e)
{
    EvalRequest r;
    Arguments arguments;
    EvalPlan plan;
    const Option options[] = {
        {"-o", OPTION_TEXT, &r.output, "RESULTS.csv", 0, 0, "the table to write; its parts go to RESULTS.parts/"},
        {"--html", OPTION_TEXT, &r.html, "FILE", 0, 0, "the results as a page, too"},
        MODEL_OPTION(r.weights),
        {"--name", OPTION_TEXT, &r.name, "NAME", 0, 0, "what the data set is called in the results (default: LAYOUT)"},
        {"--categories", OPTION_TEXT, &r.categories, "A,B", 0, 0, "only these (default: all)"},
        {"--shots", OPTION_TEXT, &r.shots, "1,2,4", 0, 0, "normal pictures; 0: none, all: every one (default 4)"},
        {"--seeds", OPTION_COUNT, &r.seeds, "N", 0, 0, "draws of each number of shots (default 1)"},
        {"--draw", OPTION_CHOICE, &r.draw, "slice|random", 0, 0,
         "one draw after the other, or shuffled (default slice)"},
        {"--methods", OPTION_TEXT, &r.methods, "lake,zero", 0, 0, "which ones (default all; a wrong name lists them)"},
        {"--sweep", OPTION_TEXTS, &r.sweeps, "AXIS=A,B,..", 0, 0,
         "LAKE with other values, one axis at a time; further ones may follow"},
        {"--pixels", OPTION_TEXT, &r.pixels, "original|N|none", 0, 0,
         "compare maps and masks at this size (default original)"},
        {"--pro", OPTION_CHOICE, &r.pro, "exact|200", 0, 0, "PRO at every threshold, or at 200 (default exact)"},
        {"--examples", OPTION_COUNT, &r.examples, "N", 0, 0,
         "pictures of the worst mistakes, of each kind (default 3)"},
        {"--shard", OPTION_TEXT, &r.shard, "I/N", 0, 0, "do only share I of N; all see one RESULTS.parts/"},
        {"--gather", OPTION_FLAG, &r.gather, NULL, 0, 0, "join the parts of all shares"},
        {"--no-text", OPTION_FLAG, &r.no_text, NULL, 0, 0, "leave the text branch out"},
        SETTINGS_TEXT(r.settings),
        SETTINGS_FIT(r.settings),
        {"--threshold", OPTION_TEXT, &r.settings.threshold, "auto|fpr=Q", 0, 0, "of the decisions (default auto)"},
        SETTINGS_MODEL(r.settings),
        {"--exif", OPTION_FLAG, &r.settings.photos.exif, NULL, 0, 0, "turn photos as their EXIF orientation says"},
        {"--seed", OPTION_COUNT, &r.settings.seed, "N", 0, 0, "of random selection and coreset"},
    };
    int code;

    eval_request_defaults(&r);
    code = arguments_read(&arguments, &verb_eval, options, COUNT_OF(options), argc, argv, e);
    if (code == LAKE_OK && !arguments.help) {
        code = eval_plan_open(&plan, &r, &arguments, e);
        if (code == LAKE_OK) {
            code = check_outputs(&plan, e);
            if (code == LAKE_OK)
                code = measure(&plan, e);
            eval_plan_close(&plan);
        }
    }
    arguments_free(&arguments);
    return code;
}
