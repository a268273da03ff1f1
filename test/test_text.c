/* The text branch, from a class name and a prompt file to the two states, to s(p) of a picture and to its zero-shot
 * score, against PyTorch: test/golden/text.txt (made by make_text.py) for the tiny model "a". */
#include <math.h>
#include <stdio.h>

#include "lake.h"
#include "test/test.h"
#include "test/tiny_clip.h"

#define VALUES "test/golden/text.txt"
#define WEIGHTS FOLDER "/text_a.clip"
#define PROMPTS FOLDER "/text_prompts.txt"

/* Embeddings carry errors of 1e-6 (test_clip.c). The softmax multiplies differences of two cosines by exp(4.6) = 99.5
 * and has a slope of at most 1/4, so probabilities may be off by 25 times that, twice. A scale left out, states that
 * are swapped or a mean of embeddings that were not normalised are off by 1e-2 and more. */
#define LIMIT_UNIT 5e-6
#define LIMIT_PROBABILITY 1e-4

static const char prompts[] = "[normal]\n{}\nok {}\n[anomalous]\nbad {}\n{} with flaw\n[templates]\na {}.\n{} b\n";

/* The numbers called `name`, in values[most]; how many, 0 where the file has none. */
static size_t golden_values(double *values, size_t most, const char *name)
{
    char word[64];
    unsigned long count = 0;
    FILE *f = fopen(VALUES, "r");

    if (f != NULL && fscanf(f, "%*[^\n]") != 0) { /* the line that says what made it */
        fclose(f);
        return 0;
    }
    while (f != NULL && fscanf(f, "%63s %lu", word, &count) == 2) {
        int wanted = strcmp(word, name) == 0;
        for (unsigned long i = 0; i < count; i++) {
            double value;
            if (fscanf(f, "%lf", &value) == 1 && wanted && i < most)
                values[i] = value;
        }
        if (wanted)
            break;
        count = 0;
    }
    if (f != NULL)
        fclose(f);
    return count;
}

static void compare(const char *name, const float *got, size_t count, double limit)
{
    double expected[1024], worst = 0;
    size_t found = golden_values(expected, 1024, name);

    for (size_t i = 0; i < found && i < count; i++) {
        double off = fabs(got[i] - expected[i]);
        worst = off <= worst ? worst : off == off ? off : INFINITY; /* no number is the worst of errors */
    }
    check(found == count && worst <= limit, name, "%lu numbers, expected %lu; off by %g", (unsigned long)count,
          (unsigned long)found, worst);
}

/* The picture of clip_reference.py's test_pixels. */
static int make_picture(Image *image, size_t side)
{
    memset(image, 0, sizeof *image);
    image->width = image->height = (int)side;
    image->rgb = malloc(3 * side * side);
    for (size_t i = 0; image->rgb != NULL && i < 3 * side * side; i++)
        image->rgb[i] = (unsigned char)((i * (i % 97) + 13 * i) % 256);
    return image->rgb != NULL;
}

static void test_picture(const Clip *model, const LakeTexts *texts, size_t resolution, LakeAttention attention,
                         int block)
{
    char prefix[48], name[64];
    LakeOptions options;
    LakeObserver eye;
    LakeTokens tokens;
    LakeResult result;
    Image image;
    Error e = {0, ""};
    float whole, larger;
    double expected[1024];

    snprintf(prefix, sizeof prefix, "%lu.%s.%d.", (unsigned long)resolution, lake_attention_name(attention), block);
    lake_defaults(&options);
    options.resolution = resolution;
    options.patch_attention = attention;
    options.semantic_block = block;
    if (lake_options_resolve(&options, model, &e) != LAKE_OK ||
        lake_observer_open(&eye, model, &options, LAKE_SEE_MEANING | LAKE_SEE_WHOLE, &e) != LAKE_OK ||
        lake_observer_tokens(&eye, &tokens, &e) != LAKE_OK ||
        lake_result_open_zero(&result, tokens.height, tokens.width, &e) != LAKE_OK ||
        !make_picture(&image, resolution)) {
        check(0, prefix, "%s", e.text);
        return;
    }
    if (check(lake_observe(&eye, &image, &tokens, &e) == LAKE_OK &&
                  lake_zero(texts, &tokens, 0.5, &result, &e) == LAKE_OK,
              prefix, "%s", e.text)) {
        size_t patches = tokens.height * tokens.width, count;
        snprintf(name, sizeof name, "%spatches", prefix);
        compare(name, tokens.patches, patches * tokens.embed, LIMIT_UNIT);
        snprintf(name, sizeof name, "%ssemantic", prefix);
        compare(name, result.semantic_map, patches, LIMIT_PROBABILITY);
        check(memcmp(result.map, result.semantic_map, patches * sizeof(float)) == 0, "zero-shot: m is s", "%s", prefix);
        count = golden_values(expected, 1024, name);
        larger = 0;
        for (size_t i = 0; i < count; i++)
            larger = expected[i] > larger ? (float)expected[i] : larger;
        snprintf(name, sizeof name, "%swhole", prefix);
        whole = (float)result.whole;
        compare(name, &whole, 1, LIMIT_PROBABILITY);
        check(fabs(result.score - fmax(larger, result.whole)) <= LIMIT_PROBABILITY &&
                  result.anomalous == (result.score > 0.5),
              "zero-shot: the larger of both is the score", "%s %g", prefix, result.score);
    }
    img_free(&image);
    lake_result_close(&result);
    lake_tokens_close(&tokens);
    lake_observer_close(&eye);
}

static void test_states(const Clip *model)
{
    LakeTexts texts;
    size_t truncated = 99;
    float cut, scale;
    Error e = {0, ""};

    if (!check(lake_texts_open(&texts, model, "\xc3\x9c_y", PROMPTS, &truncated, &e) == LAKE_OK, "a class is embedded",
               "%s", e.text))
        return;
    cut = (float)truncated;
    scale = texts.scale;
    compare("normal", texts.normal, texts.embed, LIMIT_UNIT);
    compare("anomalous", texts.anomalous, texts.embed, LIMIT_UNIT);
    compare("truncated", &cut, 1, 0);
    check(fabs(scale / exp(4.6f) - 1) < 1e-6, "logit scale", "%g", scale);
    test_picture(model, &texts, 32, LAKE_ATTENTION_VV, 3);
    test_picture(model, &texts, 48, LAKE_ATTENTION_PLAIN, 3);
    test_picture(model, &texts, 48, LAKE_ATTENTION_VV, 1);
    test_picture(model, &texts, 24, LAKE_ATTENTION_PLAIN, 2);
    lake_texts_close(&texts);
}

static void test_refusals(const Clip *model, const Clip *without_text)
{
    LakeTexts texts;
    Error e = {0, ""};

    check(lake_texts_open(&texts, without_text, "x", NULL, NULL, &e) == LAKE_USAGE &&
              strstr(e.text, "no text tower") != NULL,
          "weights without a text tower", "%s", e.text);
    check(lake_texts_open(&texts, model, "x", FOLDER "/absent.txt", NULL, &e) == LAKE_BAD_INPUT &&
              strstr(e.text, "absent.txt") != NULL,
          "a prompt file that is not there", "%s", e.text);
}

/* Calls in the wrong order, and numbers that are none. */
static void test_misuse(const Clip *model)
{
    LakeOptions options;
    LakeObserver eye, other;
    LakeTokens tokens, foreign;
    LakeTexts texts;
    LakeResult result;
    Image image;
    Error e = {0, ""};

    lake_defaults(&options);
    options.resolution = 16;
    if (!check(lake_texts_open(&texts, model, "x", PROMPTS, NULL, &e) == LAKE_OK &&
                   lake_options_resolve(&options, model, &e) == LAKE_OK &&
                   lake_observer_open(&eye, model, &options, LAKE_SEE_MEANING | LAKE_SEE_WHOLE, &e) == LAKE_OK &&
                   lake_observer_open(&other, model, &options, LAKE_SEE_WHOLE, &e) == LAKE_OK &&
                   lake_observer_tokens(&eye, &tokens, &e) == LAKE_OK &&
                   lake_observer_tokens(&other, &foreign, &e) == LAKE_OK &&
                   lake_result_open_zero(&result, 2, 2, &e) == LAKE_OK && make_picture(&image, 16),
               "two observers", "%s", e.text))
        return;
    check(lake_observe(&eye, &image, &foreign, &e) == LAKE_USAGE, "tokens of another observer", "observed");
    check(foreign.patches == NULL && foreign.embedding != NULL &&
              lake_observe(&other, &image, &foreign, &e) == LAKE_OK &&
              lake_zero(&texts, &foreign, 0.5, &result, &e) == LAKE_USAGE && strstr(e.text, "patches") != NULL,
          "patches that nobody computed are not read", "%s", e.text);
    check(lake_observe(&eye, &image, &tokens, &e) == LAKE_OK && lake_zero(&texts, &tokens, 0.5, &result, &e) == LAKE_OK,
          "a picture of 2 x 2 patches", "%s", e.text);
    tokens.patches[5] = NAN;
    check(lake_zero(&texts, &tokens, 0.5, &result, &e) == LAKE_BAD_INPUT && strstr(e.text, "not finite") != NULL,
          "a patch that is no number", "%s", e.text);
    tokens.patches[5] = 0;
    tokens.embedding[5] = NAN;
    check(lake_zero(&texts, &tokens, 0.5, &result, &e) == LAKE_BAD_INPUT && strstr(e.text, "not finite") != NULL,
          "an embedding of the whole that is no number", "%s", e.text);
    img_free(&image);
    lake_result_close(&result);
    lake_tokens_close(&tokens);
    lake_tokens_close(&foreign);
    lake_observer_close(&eye);
    lake_observer_close(&other);
    lake_texts_close(&texts);
}

/* A detector with blocks that the weights do not have would be scored on memory that nothing filled. */
static void test_model_check(const Clip *model)
{
    LakeDetector d;
    float state[1] = {0};
    char path[] = "a.clip";
    Error e = {0, ""};

    memset(&d, 0, sizeof d);
    d.weights = path;
    d.fingerprint = wts_fingerprint(model->file);
    d.options.resolution = 16;
    d.height = d.width = 2;
    d.layer_count = 1;
    d.layers[0].block = 3;
    d.layers[0].width = model->config.vision.width;
    d.texts.embed = model->config.embed;
    d.texts.normal = d.texts.anomalous = state;
    d.options.semantic_block = 3;
    check(lake_check_model(&d, "d.lake", model, &e) == LAKE_OK, "a detector of these weights", "%s", e.text);
    d.options.semantic_block = 4;
    check(lake_check_model(&d, "d.lake", model, &e) == LAKE_BAD_INPUT, "a text branch at a block beyond the last",
          "taken");
    d.options.semantic_block = 3;
    d.layers[0].block = 0;
    check(lake_check_model(&d, "d.lake", model, &e) == LAKE_BAD_INPUT, "a layer of block 0", "taken");
}

static int write_prompts(Error *e)
{
    FileOut out;
    int code = file_create(&out, PROMPTS, e);

    if (code != LAKE_OK)
        return code;
    code = file_write(&out, prompts, sizeof prompts - 1, e);
    if (code == LAKE_OK)
        return file_commit(&out, e);
    file_discard(&out);
    return code;
}

int main(void)
{
    Golden g = {0};
    Clip a, b;
    Error e = {0, ""};

    if (!golden_open(&g, &e) || folder_create(FOLDER, &e) != LAKE_OK || write_prompts(&e) != LAKE_OK ||
        write_model(&g, 'a', WTS_F16, WEIGHTS, 0, &e) != LAKE_OK ||
        write_model(&g, 'b', WTS_F32, FOLDER "/text_b.clip", 0, &e) != LAKE_OK ||
        clip_open(&a, WEIGHTS, &e) != LAKE_OK || clip_open(&b, FOLDER "/text_b.clip", &e) != LAKE_OK) {
        check(0, "the tiny models are written and opened", "%s", e.text);
        return 0;
    }
    test_states(&a);
    test_refusals(&a, &b);
    test_misuse(&a);
    test_model_check(&a);
    clip_close(&a);
    clip_close(&b);
    golden_close(&g);
    return 0;
}
