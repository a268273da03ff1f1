/* Scales, ticks, frame, legend and markers of charts; see plot_internal.h. */
#include <math.h>
#include <string.h>

#include "eval/plot_internal.h"

/* ---- scales ---- */

void plot_range_begin(PlotRange *range)
{
    range->lo = HUGE_VAL;
    range->hi = -HUGE_VAL;
}

void plot_range_add(PlotRange *range, double value)
{
    if (!isfinite(value))
        return;
    range->lo = value < range->lo ? value : range->lo;
    range->hi = value > range->hi ? value : range->hi;
}

/* The least of 1, 2 and 5 times a power of ten that divides the range into at most 6 parts. */
static double round_step(double range)
{
    double power = pow(10, floor(log10(range / 6)));
    double parts = range / 6 / power;

    return power * (parts <= 1 ? 1 : parts <= 2 ? 2 : parts <= 5 ? 5 : 10);
}

/* Decimals that tell multiples of step apart. */
static int decimals_of(double step)
{
    int decimals = (int)ceil(-log10(step) - 1e-9);

    return decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
}

/* Where nothing sensible can be made of the data: 0 to 1. A range of which all numbers are about the same gets some
 * width. */
static PlotRange sound_range(const PlotRange *range)
{
    const PlotRange whole = {0, 1};
    PlotRange r = *range;
    double least = 1e-6 * (fabs(r.lo) + fabs(r.hi)) + 1e-9;

    if (!(r.lo <= r.hi) || !(fabs(r.lo) < 1e100) || !(fabs(r.hi) < 1e100))
        return whole;
    if (r.hi - r.lo < least) {
        double half = fabs(r.lo) > 0 ? fabs(r.lo) * 0.05 : 0.05;
        r.lo -= half;
        r.hi += half;
    }
    return r;
}

/* Ticks at round numbers within lo .. hi; where `widen`, these move outwards to round numbers first. */
static void round_ticks(PlotScale *s, int widen)
{
    double step = round_step(s->hi - s->lo), first;

    if (widen) {
        s->lo = floor(s->lo / step + 1e-9) * step;
        s->hi = ceil(s->hi / step - 1e-9) * step;
    }
    first = ceil(s->lo / step - 1e-9);
    while (s->tick_count < PLOT_TICKS && (first + (double)s->tick_count) * step <= s->hi + 1e-9 * step) {
        s->ticks[s->tick_count] = (first + (double)s->tick_count) * step;
        s->tick_count++;
    }
    s->decimals = decimals_of(step);
}

/* The decimals that the ticks given need, at most 3. */
static int decimals_needed(const PlotScale *s)
{
    int decimals = 0;

    for (size_t i = 0; i < s->tick_count; i++)
        for (double scaled = s->ticks[i]; decimals < 3; decimals++) {
            scaled = s->ticks[i] * pow(10, decimals);
            if (fabs(scaled - floor(scaled + 0.5)) < 1e-6)
                break;
        }
    return decimals;
}

void plot_scale(PlotScale *s, const PlotAxis *axis, const PlotRange *range, double from, double to)
{
    const PlotRange given = {axis->lo, axis->hi};
    int fixed = axis->lo < axis->hi;
    PlotRange r = sound_range(fixed ? &given : range);

    memset(s, 0, sizeof *s);
    s->from = from;
    s->to = to;
    s->logarithmic = axis->logarithmic && r.lo > 0;
    s->lo = s->logarithmic ? log(r.lo) : r.lo;
    s->hi = s->logarithmic ? log(r.hi) : r.hi;
    if (axis->tick_count == 0) {
        round_ticks(s, !fixed);
        return;
    }
    for (size_t i = 0; i < axis->tick_count && s->tick_count < PLOT_TICKS; i++)
        if (isfinite(axis->ticks[i]))
            s->ticks[s->tick_count++] = axis->ticks[i];
    s->decimals = decimals_needed(s);
}

double plot_place(const PlotScale *s, double value)
{
    double v = !s->logarithmic ? value : value > 0 ? log(value) : s->lo;
    double part = (v - s->lo) / (s->hi - s->lo);

    part = part > 1 ? 1 : part > 0 ? part : 0;
    return s->from + part * (s->to - s->from);
}

/* ---- elements ---- */

void plot_segment(Html *h, const char *classes, double x1, double y1, double x2, double y2)
{
    html_print(h, "<path class=\"%s\" d=\"M%1 %1L%1 %1\"/>", classes, x1, y1, x2, y2);
}

void plot_text(Html *h, const char *classes, double x, double y, const char *text)
{
    html_print(h, "<text class=\"%s\" x=\"%1\" y=\"%1\">%s</text>", classes, x, y, text);
}

static void number_text(Html *h, const char *classes, double x, double y, double value, int decimals)
{
    html_print(h, "<text class=\"%s\" x=\"%1\" y=\"%1\">", classes, x, y);
    html_number(h, value, decimals);
    html_markup(h, "</text>");
}

/* About how wide a number is drawn. */
static double number_width(double value, int decimals)
{
    double digits = fabs(value) < 10 ? 1 : floor(log10(fabs(value))) + 1;

    return 6.5 * ((value < 0) + digits + (decimals > 0) + decimals);
}

/* Markers of about equal area. */
void plot_mark(Html *h, int style, double x, double y)
{
    switch (style) {
    case PLOT_BLUE:
        html_print(h, "<circle class=\"mark s0\" cx=\"%1\" cy=\"%1\" r=\"3.4\"/>", x, y);
        break;
    case PLOT_ORANGE:
        html_print(h, "<path class=\"mark s1\" d=\"M%1 %1l4.4 4.4l-4.4 4.4l-4.4 -4.4z\"/>", x, y - 4.4);
        break;
    case PLOT_GREEN:
        html_print(h, "<path class=\"mark s2\" d=\"M%1 %1l4.4 7.4h-8.8z\"/>", x, y - 4.6);
        break;
    case PLOT_PURPLE:
        html_print(h, "<path class=\"mark s3\" d=\"M%1 %1h6v6h-6z\"/>", x - 3, y - 3);
        break;
    default:
        break;
    }
}

void plot_begin(Html *h, const char *title, double height)
{
    html_print(h, "<svg class=\"chart\" viewBox=\"0 0 %d %0\" role=\"img\" aria-label=\"%s\" "
                  "xmlns=\"http://www.w3.org/2000/svg\">", PLOT_WIDTH, height, title);
}

void plot_end(Html *h)
{
    html_markup(h, "</svg>\n");
}

/* A number that would meet the one before it is left out. */
void plot_axis_below(Html *h, const PlotScale *x, const PlotAxis *axis, double top, double bottom)
{
    double free_from = -HUGE_VAL;

    for (size_t i = 0; i < x->tick_count; i++) {
        double place = plot_place(x, x->ticks[i]), half = number_width(x->ticks[i], x->decimals) / 2;
        plot_segment(h, "grid", place, top, place, bottom);
        if (place - half < free_from)
            continue;
        number_text(h, "num mid", place, bottom + 14, x->ticks[i], x->decimals);
        free_from = place + half + 2;
    }
    plot_segment(h, "axis", x->from, bottom, x->to, bottom);
    if (axis->label != NULL)
        plot_text(h, "label mid", (x->from + x->to) / 2, bottom + 30, axis->label);
}

void plot_axis_left(Html *h, const PlotScale *y, double left, double right)
{
    for (size_t i = 0; i < y->tick_count; i++) {
        double place = plot_place(y, y->ticks[i]);
        plot_segment(h, "grid", left, place, right, place);
        number_text(h, "num end", left - 6, place + 4, y->ticks[i], y->decimals);
    }
}

/* By its characters, of which UTF-8's continuation bytes are none. */
double plot_text_width(const char *text)
{
    double width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80 ? 6.5 : 0;
    return width;
}

double plot_legend(Html *h, const PlotKey *keys, size_t count, double top)
{
    static const char *const lines[] = {"line s0", "line s1", "line s2", "line s3", "line s4"};
    double x = 4, y = top;

    for (size_t i = 0; i < count; i++) {
        double width = 26 + plot_text_width(keys[i].label) + 12;
        if (x > 4 && x + width > PLOT_WIDTH) {
            x = 4;
            y += PLOT_LINE;
        }
        if (keys[i].fill)
            html_print(h, "<path class=\"fill s%d\" d=\"M%1 %1h20v10h-20z\"/>", keys[i].style, x, y + 3);
        if (keys[i].line)
            plot_segment(h, lines[keys[i].style], x, y + 8, x + 20, y + 8);
        if (keys[i].mark)
            plot_mark(h, keys[i].style, x + 10, y + 8);
        plot_text(h, "label", x + 26, y + 12, keys[i].label);
        x += width;
    }
    return count > 0 ? y + PLOT_LINE : top;
}

void plot_threshold(Html *h, const PlotStrip *plot, const PlotScale *x, double top, double bottom)
{
    double place;
    int at_right;

    if (!isfinite(plot->threshold))
        return;
    place = plot_place(x, plot->threshold);
    at_right = place > PLOT_WIDTH / 2.0;
    plot_segment(h, "limit", place, top, place, bottom);
    if (plot->threshold_label != NULL)
        plot_text(h, at_right ? "label end" : "label", at_right ? place + 3 : place - 3, top - 4,
                  plot->threshold_label);
}
