/* Prints what the readers of data sets make of their input, for test_layouts.py, which compiles it:
 *
 *     show_dataset list LAYOUT ROOT                 root, notes, categories with their images
 *     show_dataset shots LAYOUT ROOT WANTED SEED slice|random      the images drawn, of each category
 *     show_dataset mask HEIGHT WIDTH FILE...        the masks, a digit for each pixel
 *     show_dataset csv FILE...                      tables: line and fields of each row, in hexadecimal
 *
 * Fields are separated by tabs; an error is a line "error CODE TEXT". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "eval/datasets.h"

static void print_error(const Error *e)
{
    printf("error\t%d\t%s\n", e->code, e->text);
}

static void print_images(const char *part, const DatasetImage *images, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s\t%d\t%s\t%s\t%s\n", part, images[i].anomalous, images[i].kind, images[i].path,
               images[i].mask != NULL ? images[i].mask : "-");
}

static int collect(DatasetCollection *all, char **arguments)
{
    DatasetLayout layout;
    Error e = {0, ""};
    int code = dataset_parse_layout(&layout, arguments[0], &e);

    if (code == LAKE_OK)
        code = dataset_collect(all, layout, arguments[1], &e);
    if (code != LAKE_OK)
        print_error(&e);
    return code == LAKE_OK;
}

static void list(char **arguments)
{
    DatasetCollection all;

    if (!collect(&all, arguments))
        return;
    printf("root\t%s\n", all.root);
    for (size_t i = 0; i < all.note_count; i++)
        printf("note\t%s\n", all.notes[i]);
    for (size_t i = 0; i < all.count; i++) {
        printf("category\t%s\n", all.categories[i].category);
        print_images("train", all.categories[i].train, all.categories[i].train_count);
        print_images("test", all.categories[i].test, all.categories[i].test_count);
    }
    dataset_collection_free(&all);
}

static void shots(char **arguments)
{
    const size_t wanted = strcmp(arguments[2], "all") == 0 ? DATASET_ALL_SHOTS : (size_t)strtoul(arguments[2], NULL, 10);
    const DatasetDraw draw = strcmp(arguments[4], "random") == 0 ? DATASET_RANDOM : DATASET_SLICE;
    DatasetCollection all;
    Error e = {0, ""};

    if (!collect(&all, arguments))
        return;
    for (size_t i = 0; i < all.count; i++) {
        const Dataset *set = &all.categories[i];
        size_t *chosen = calloc(set->train_count + 1, sizeof *chosen), count;
        if (chosen == NULL)
            break;
        if (dataset_shots(chosen, &count, set, wanted, strtoull(arguments[3], NULL, 10), draw, &e) != LAKE_OK)
            print_error(&e);
        for (size_t k = 0; k < count; k++)
            printf("shot\t%s\n", set->train[chosen[k]].path);
        free(chosen);
    }
    dataset_collection_free(&all);
}

static void mask(char **arguments)
{
    const size_t height = (size_t)strtoul(arguments[0], NULL, 10), width = (size_t)strtoul(arguments[1], NULL, 10);
    unsigned char *pixels = malloc(height * width + 1);

    for (arguments += 2; pixels != NULL && *arguments != NULL; arguments++) {
        Error e = {0, ""};
        if (dataset_mask_read(pixels, height, width, *arguments, &e) != LAKE_OK) {
            print_error(&e);
            continue;
        }
        for (size_t i = 0; i < height * width; i++)
            putchar('0' + pixels[i]);
        putchar('\n');
    }
    free(pixels);
}

static void print_field(const char *field)
{
    for (; *field != '\0'; field++)
        printf("%02x", (unsigned char)*field);
}

static void table(const char *path)
{
    Csv csv;
    Error e = {0, ""};

    if (csv_read(&csv, path, &e) != LAKE_OK) {
        print_error(&e);
        return;
    }
    for (size_t column = 0; column < csv.columns; column++) {
        print_field(csv_name(&csv, column));
        printf(column + 1 < csv.columns ? "," : ";");
    }
    for (size_t row = 0; row < csv.rows; row++) {
        printf("%u:", csv_line(&csv, row));
        for (size_t column = 0; column < csv.columns; column++) {
            print_field(csv_field(&csv, row, column));
            printf(column + 1 < csv.columns ? "," : ";");
        }
    }
    printf("\n");
    csv_free(&csv);
}

int main(int count, char **arguments)
{
    if (count == 4 && strcmp(arguments[1], "list") == 0)
        list(arguments + 2);
    else if (count == 7 && strcmp(arguments[1], "shots") == 0)
        shots(arguments + 2);
    else if (count > 4 && strcmp(arguments[1], "mask") == 0)
        mask(arguments + 2);
    else if (count > 2 && strcmp(arguments[1], "csv") == 0)
        for (char **path = arguments + 2; *path != NULL; path++)
            table(*path);
    else
        return 2;
    return 0;
}
