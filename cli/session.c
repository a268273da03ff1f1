/* Photos one after the other; see session.h. */
#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/inputs.h"

static int score_image(Session *s, const Image *image, Error *e)
{
    int code = lake_observe(s->eye, image, &s->tokens, e);

    if (code != LAKE_OK)
        return code;
    return s->detector != NULL ? lake_score(s->detector, &s->tokens, &s->result, e)
                               : lake_zero(s->texts, &s->tokens, s->threshold, &s->result, e);
}

static int score_photo(Session *s, const Input *input, Error *e)
{
    Image image;
    Error local;
    int code = read_photo(&image, input->path, &s->photos, s->eye->model->config.patch, &local);
    int was_read = code == LAKE_OK;

    if (was_read)
        code = score_image(s, &image, &local);
    progress_clear(&s->progress);
    if (code == LAKE_OK) {
        code = results_add(s->results, input, &image, s->detector, &s->result, e);
    } else if (code == LAKE_BAD_INPUT) {
        results_error(s->results, input->path, &local);
        code = LAKE_OK;
    } else {
        *e = local;
    }
    if (was_read)
        img_free(&image);
    return code;
}

static int score_stream(Session *s, Error *e)
{
    Input input = {NULL, 0};
    char *line = NULL;
    size_t room = 0;
    int got, code = LAKE_OK;

    while (code == LAKE_OK && (got = read_line(&line, &room, stdin)) != 0) {
        if (got < 0) {
            code = line_error(got, "standard input", e);
        } else if (line[0] != '\0') {
            input.path = line;
            input.root = (size_t)(path_base(line) - line);
            code = score_photo(s, &input, e);
            fflush(stdout);
        }
    }
    free(line);
    return code;
}

/* One argument: a file, a folder, or "-". */
static int score_argument(Session *s, const char *argument, Error *e)
{
    InputList photos = {0, 0, NULL};
    Error local;
    int code;

    if (argument[0] == '-' && argument[1] == '\0')
        return score_stream(s, e);
    code = inputs_add(&photos, argument, &local);
    if (code == LAKE_BAD_INPUT) {
        results_error(s->results, argument, &local);
        code = LAKE_OK;
    } else if (code != LAKE_OK) {
        *e = local;
    }
    for (size_t i = 0; i < photos.count && code == LAKE_OK; i++) {
        if (!is_terminal(stdout))
            progress_update(&s->progress, (double)i / (double)photos.count);
        code = score_photo(s, &photos.items[i], e);
    }
    inputs_free(&photos);
    return code;
}

int session_score(Session *session, const char *const *arguments, size_t count, Error *e)
{
    int code = LAKE_OK;

    progress_begin(&session->progress, "scoring");
    for (size_t i = 0; i < count && code == LAKE_OK; i++)
        code = score_argument(session, arguments[i], e);
    progress_clear(&session->progress);
    return code;
}
