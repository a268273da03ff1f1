/* Prompt ensembles: the built-in one, a user's own, and files that are wrong. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "method/prompts.h"
#include "test/test.h"

static void test_builtin(void)
{
    char **normal, **anomalous;
    size_t normals = 0, anomalies = 0;
    Prompts prompts;
    Error e = {0, ""};

    if (!check(prompts_read(&prompts, NULL, &e) == LAKE_OK, "built-in prompts", "%s", e.text))
        return;
    prompts_sentences(&normal, &normals, &prompts, PROMPTS_NORMAL, "Metal_Nut", &e);
    prompts_sentences(&anomalous, &anomalies, &prompts, PROMPTS_ANOMALOUS, "", &e);
    if (check(normals == 154 && anomalies == 88, "22 x 7 and 22 x 4 sentences", "%lu and %lu", (unsigned long)normals,
              (unsigned long)anomalies)) {
        check(strcmp(normal[0], "a cropped photo of a metal nut.") == 0, "first sentence", "%s", normal[0]);
        check(strcmp(normal[1], "a cropped photo of a flawless metal nut.") == 0, "second sentence", "%s", normal[1]);
        check(strcmp(normal[153], "a photo of the metal nut without damage for anomaly detection.") == 0, "last sentence",
              "%s", normal[153]);
        check(strcmp(anomalous[0], "a cropped photo of a damaged object.") == 0, "no class name", "%s", anomalous[0]);
        for (size_t i = 0; i < normals; i++)
            if (strchr(normal[i], '{') != NULL || strchr(normal[i], '_') != NULL)
                check(0, "every place is filled", "%s", normal[i]);
    }
    prompts_free_sentences(normal, normals);
    prompts_free_sentences(anomalous, anomalies);
    prompts_free(&prompts);
}

static void accept(const char *name, const char *text, size_t states, const char *first)
{
    char **sentences;
    size_t count;
    Prompts prompts;
    Error e = {0, ""};

    if (!check(prompts_parse(&prompts, text, "p.txt", &e) == LAKE_OK, name, "%s", e.text))
        return;
    prompts_sentences(&sentences, &count, &prompts, PROMPTS_NORMAL, "x{}", &e);
    check(prompts.count[PROMPTS_NORMAL] == states && strcmp(sentences[0], first) == 0, name, "%lu states, '%s'",
          (unsigned long)prompts.count[PROMPTS_NORMAL], sentences[0]);
    prompts_free_sentences(sentences, count);
    prompts_free(&prompts);
}

static void refuse(const char *name, const char *text, const char *says)
{
    Prompts prompts;
    Error e = {0, ""};

    check(prompts_parse(&prompts, text, "p.txt", &e) == LAKE_BAD_INPUT && strstr(e.text, says) == e.text, name,
          "'%s' is not '%s...'", e.text, says);
}

/* States and templates multiply: a file of 2 kB could ask for more sentences than any machine encodes. */
static void test_too_many(void)
{
    char text[4096] = "[anomalous]\n{}\n[normal]\n";
    size_t at = strlen(text), i;

    for (i = 0; i < 257; i++, at += 3)
        memcpy(text + at, "{}\n", 3);
    strcpy(text + at, "[templates]\n");
    at += strlen(text + at);
    for (i = 0; i < 255; i++, at += 3)
        memcpy(text + at, "{}\n", 4);
    accept("65535 sentences", text, 257, "x{}");
    strcpy(text + at, "{}\n{}\n");
    refuse("more than 65536 sentences", text, "p.txt: 257 states in [normal] and 257 templates");
}

int main(void)
{
    const char *path = path_kind("build") == PATH_FOLDER ? "build/test_prompts.txt" : "test_prompts.txt";
    Prompts prompts;
    Error e = {0, ""};

    test_builtin();
    test_too_many();
    accept("a file", "[normal]\ngood {}\n[anomalous]\nbad {}\n[templates]\nsee: {}", 1, "see: good x{}");
    accept("spaces, comments, returns",
           "# c\r\n\r\n [normal] \r\n\t good {} \r\n fine {}\r\n[anomalous]\r\n{}\r\n[templates]\r\n{}\r\n", 2,
           "good x{}");
    accept("a section in two parts", "[normal]\n{}\n[anomalous]\n{}\n[normal]\n{} two\n[templates]\n{}\n", 2, "x{}");
    refuse("no place", "[normal]\ngood\n", "p.txt:2: expected exactly one {} in the line, found 0");
    refuse("two places", "[normal]\n\ngood {} {}\n", "p.txt:3: expected exactly one {} in the line, found 2");
    refuse("unknown section", "# x\n[abnormal]\n", "p.txt:2: unknown section '[abnormal]'");
    refuse("no section", "good {}\n[normal]\n", "p.txt:1: a sentence before the first section");
    refuse("empty section", "[normal]\n{}\n[templates]\n{}\n", "p.txt: no line in section [anomalous]");
    refuse("empty file", "", "p.txt: no line in section [normal]");
    file_save(path, "[normal]\0{}", 11, &e);
    check(prompts_read(&prompts, path, &e) == LAKE_BAD_INPUT && strstr(e.text, "not a text file") != NULL, "a byte 0",
          "%s", e.text);
    remove(path);
    check(prompts_read(&prompts, "/nonexistent.txt", &e) == LAKE_BAD_INPUT, "no file", "read");
    return 0;
}
