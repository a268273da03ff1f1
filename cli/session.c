/* Photos one after the other; see session.h. */
#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/inputs.h"
#include "cli/photos.h"

static int score_image(Session *s, const Image *image, Error *e)
{
    int code = lake_observe(s->eye, image, &s->tokens, e);

    if (code != LAKE_OK)
        return code;
    return s->detector != NULL ? lake_score(s->detector, &s->tokens, &s->result, e)
                               : lake_zero(s->texts, &s->tokens, s->threshold, &s->result, e);
}

/* A photo that was read, or could not be: `reading` is what reading it returned, with `why` where that is no LAKE_OK. */
static int score_photo(Session *s, const Input *input, Image *image, int reading, const Error *why, Error *e)
{
    Error local = *why;
    int code = reading == LAKE_OK ? score_image(s, image, &local) : reading;

    progress_clear(&s->progress);
    if (code == LAKE_OK) {
        code = results_add(s->results, input, image, s->detector, &s->result, e);
    } else if (code == LAKE_BAD_INPUT) {
        results_error(s->results, input->path, &local);
        code = LAKE_OK;
    } else {
        *e = local;
    }
    if (reading == LAKE_OK)
        img_free(image);
    return code;
}

static int score_stream(Session *s, Error *e)
{
    Input input = {NULL, 0};
    char *line = NULL;
    size_t room = 0;
    int got, reading, code = LAKE_OK;
    Error why = {LAKE_OK, ""};
    Image image;

    while (code == LAKE_OK && (got = read_line(&line, &room, stdin)) != 0) {
        if (got < 0) {
            code = line_error(got, "standard input", e);
        } else if (line[0] != '\0') {
            input.path = line;
            input.root = (size_t)(path_base(line) - line);
            reading = read_photo(&image, input.path, &s->photos, s->eye->model->config.patch, &why);
            code = score_photo(s, &input, &image, reading, &why, e);
            fflush(stdout);
        }
    }
    free(line);
    return code;
}

/* The photos that arguments have named so far; the list is empty then. */
static int score_list(Session *s, InputList *photos, Error *e)
{
    PhotoReader reader;
    int code = LAKE_OK;

    photo_reader_open(&reader, photos, &s->photos, s->eye->model->config.patch);
    for (size_t i = 0; i < photos->count && code == LAKE_OK; i++) {
        Error why = {LAKE_OK, ""};
        Image image;
        int reading;
        if (!is_terminal(stdout))
            progress_update(&s->progress, (double)i / (double)photos->count);
        reading = photo_reader_next(&reader, &image, &why);
        code = score_photo(s, &photos->items[i], &image, reading, &why, e);
    }
    photo_reader_close(&reader);
    inputs_free(photos);
    memset(photos, 0, sizeof *photos);
    return code;
}

/* Adds what an argument names to the list; before an answer that cannot wait, the list is scored. */
static int take_argument(Session *s, InputList *photos, const char *argument, Error *e)
{
    Error local;
    int code;

    if (argument[0] == '-' && argument[1] == '\0') {
        code = score_list(s, photos, e);
        return code == LAKE_OK ? score_stream(s, e) : code;
    }
    code = inputs_add(photos, argument, &local);
    if (code == LAKE_BAD_INPUT) {
        code = score_list(s, photos, e);
        results_error(s->results, argument, &local);
    } else if (code != LAKE_OK) {
        *e = local;
    }
    return code;
}

int session_score(Session *session, const char *const *arguments, size_t count, Error *e)
{
    InputList photos = {0, 0, NULL};
    int code = LAKE_OK;

    progress_begin(&session->progress, "scoring");
    for (size_t i = 0; i < count && code == LAKE_OK; i++)
        code = take_argument(session, &photos, arguments[i], e);
    if (code == LAKE_OK)
        code = score_list(session, &photos, e);
    inputs_free(&photos);
    progress_clear(&session->progress);
    return code;
}
