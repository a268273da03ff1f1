/* The demo's page: frame, introduction, how to read it, how it was made; see demo_page.h. */
#include "eval/demo_page.h"

#include <string.h>

#include "eval/demo_page_internal.h"

/* What the command calls the model inside the program (cli/model.h). */
#define BUILT_IN "builtin:demo"

static int is_built_in(const DemoResults *r)
{
    return strcmp(r->model, BUILT_IN) == 0;
}

static void introduction(Html *h, const DemoResults *r)
{
    size_t shown = 0;

    for (size_t i = 0; i < r->category_count; i++)
        shown += r->categories[i].test_count;
    html_markup(h, "<h1>LAKE: finding defects with a frozen model and four good pictures</h1>\n"
                   "<p class=\"lead\">LAKE (Latent Anomaly Knowledge Excavation, "
                   "<a href=\"https://arxiv.org/abs/2604.07802\">arXiv 2604.07802</a>) looks for defects in photos with "
                   "CLIP, a model "
                   "of images and texts that stays as it is: nothing is trained. It shows the model a few pictures of good "
                   "parts, keeps "
                   "the few of its channels (&#8220;neurons&#8221;) that vary most on them, and remembers what every patch "
                   "of a good "
                   "picture looks like in these. A patch of a new picture is then as suspicious as it is far from "
                   "everything "
                   "remembered, and sentences such as &#8220;a photo of a damaged gear&#8221; have a say too.</p>\n");
    html_print(h, "<p>This page is one run of <code>lake demo</code>: %z kinds of products, %z test pictures, %s%s. Every "
                  "figure was computed by that run, also those that speak against the method.</p>\n",
               r->category_count, shown, is_built_in(r) ? "the small model inside the program" : "the model ",
               is_built_in(r) ? "" : r->model);
    html_markup(h, "<nav aria-label=\"Sections\"><ul><li><a href=\"#reading\">How to read this page</a></li>"
                   "<li><a href=\"#results\">1. How well it works</a></li><li><a href=\"#categories\">2. Picture by "
                   "picture</a></li>"
                   "<li><a href=\"#claims\">3. The claims</a></li><li><a href=\"#made\">4. How it was "
                   "made</a></li></ul></nav>\n");
}

static void term(Html *h, const char *name, const char *meaning)
{
    html_print(h, "<dt>%s</dt><dd>%s</dd>\n", name, meaning);
}

static void how_to_read(Html *h)
{
    html_markup(h, "<section id=\"reading\">\n<h2>How to read this page</h2>\n<dl class=\"terms\">\n");
    term(h, "Score", "of a picture: that of its worst patch. Distance alone gives 0 for a patch as remembered and 0.5 at "
                     "the edge "
                     "of normal, and stays below 1; the texts, where the model has them, are mixed in with weight 0.3.");
    term(h, "Threshold", "A picture is called anomalous where its score is above. The detector sets it from the good "
                         "pictures "
                         "alone: each is judged by the others, and the largest score, plus a tenth, is the limit.");
    term(h, "Few-shot", "The detector has seen four good pictures of the product. Figures are means over three draws of "
                        "four.");
    term(h, "Zero-shot", "It has seen none: sentences about good and damaged products are all it has.");
    term(h, "Image AUROC", "The chance that a random defective picture scores above a random normal one. 1 is perfect, 0.5 "
                           "is "
                           "guessing. AP, average precision, weighs the top of the ranking more.");
    term(h, "Pixel AUROC", "The same for pixels of the maps. PRO asks how much of each single defect is covered, up to 30 "
                           "% of "
                           "normal pixels flagged, so small defects count as much as large ones.");
    term(h, "False alarm, miss", "A normal picture called anomalous; a defective picture called normal.");
    term(h, "\302\261", "The standard error of a mean over categories. A difference below two of them may be chance.");
    term(h, HTML_MISSING, "Not defined, or not measured.");
    html_markup(h, "</dl>\n</section>\n");
}

static void fact(Html *h, const char *name, size_t value, const char *unit)
{
    html_print(h, "<dt>%s</dt><dd>%z%s</dd>\n", name, value, unit);
}

static void model_facts(Html *h, const DemoResults *r)
{
    const DemoCategory *first = &r->categories[0];

    html_print(h, "<h3>Model and options</h3>\n<dl class=\"terms\">\n<dt>Model</dt><dd>%s</dd>\n", r->model);
    fact(h, "Width", r->width, " channels per patch");
    fact(h, "Depth", r->depth, " blocks");
    html_print(h, "<dt>Resolution</dt><dd>%z &#215; %z pixels in %z &#215; %z patches of %z pixels; in the experiments on "
                  "neurons and on contaminated normals, hundreds of fits, %z &#215; %z pixels as in training</dd>\n",
               r->resolution, r->resolution, r->grid, r->grid, r->patch, r->trained_resolution, r->trained_resolution);
    if (r->has_text)
        fact(h, "Joint space", r->embed, " dimensions, of pictures and texts");
    html_print(h, "<dt>Neurons</dt><dd>%z per layer, those of most variance; %z in the experiments on "
                  "neurons</dd>\n<dt>Layers</dt><dd>",
               r->neurons, r->sparse);
    for (size_t l = 0; l < first->layer_count; l++)
        html_print(h, "%mblock %d", l > 0 ? ", " : "", first->layers[l].block);
    html_markup(h, "</dd>\n<dt>All else</dt><dd>as <code>lake fit --help</code> lists the defaults</dd>\n</dl>\n");
}

static void origin(Html *h, const DemoResults *r)
{
    html_markup(h, "<p>The pictures are drawn by programs of this project, products and defects alike. They are no "
                   "photographs, so "
                   "figures on them say how the method behaves, not how it fares in a factory.</p>\n");
    if (is_built_in(r))
        html_markup(h, "<p>The model inside the program is a small CLIP, <strong>not OpenAI&#8217;s</strong>: this project "
                       "trained it "
                       "from scratch on drawn pictures with captions. The product kinds shown here were kept out of its "
                       "training. "
                       "It knows far less of the world than the CLIP that the paper uses, and the paper&#8217;s figures on "
                       "photographs "
                       "are neither confirmed nor refuted by this page.</p>\n");
    else
        html_print(h, "<p>The model is not the one inside the program but %s, as <code>--weights</code> named it.</p>\n",
                   r->model);
    html_markup(h, "<p>Nothing on this page depends on time or on the number of threads: the same program on the same "
                   "model writes the "
                   "same page. results.csv beside it has every measurement.</p>\n");
}

static void commands(Html *h)
{
    html_markup(h, "<h3>The same on your own photos</h3>\n<p>Put photos of good parts into one folder, those to be judged "
                   "into "
                   "another. The first command makes a detector, the second judges, names the neurons behind each verdict "
                   "and writes "
                   "the maps over the photos; the third does without good photos.</p>\n"
                   "<pre><code>lake fit good/ --class \"metal nut\" -o nut.lake\n"
                   "lake score nut.lake new/ --explain --overlays out/\n"
                   "lake zero new/ --class \"metal nut\" --overlays out/</code></pre>\n"
                   "<p>These use the small demo model. For real work convert a real CLIP, which you fetch yourself, and "
                   "name it "
                   "in <code>--weights</code> or <code>LAKE_WEIGHTS</code>:</p>\n"
                   "<pre><code>lake convert model.safetensors --vocab bpe_simple_vocab_16e6.txt.gz -o vit_b16.clip\n"
                   "lake fit good/ --class \"metal nut\" --weights vit_b16.clip -o nut.lake\n"
                   "lake demo --weights vit_b16.clip -o demo-b16</code></pre>\n"
                   "<p>The last line writes this page anew with that model. <code>doc/METHOD.md</code> has every equation "
                   "and the "
                   "function that computes it.</p>\n");
}

static void how_made(Html *h, const DemoResults *r)
{
    html_markup(h, "<section id=\"made\">\n<h2>4. How it was made</h2>\n");
    origin(h, r);
    commands(h);
    model_facts(h, r);
    html_markup(h, "</section>\n");
}

int demo_page_write(const DemoResults *results, const char *path, Error *e)
{
    Html h;
    int code;

    html_open(&h);
    html_page_begin(&h, "LAKE, demonstrated",
                    "What LAKE finds with a frozen model and four good pictures: results, pictures, and the paper's claims "
                    "put to the "
                    "test.");
    introduction(&h, results);
    how_to_read(&h);
    demo_page_results(&h, results);
    demo_page_categories(&h, results);
    demo_page_claims(&h, results);
    how_made(&h, results);
    html_page_end(&h);
    code = html_save(&h, path, e);
    html_close(&h);
    return code;
}
