/* The frame and the style of every page; see html.h.
 *
 * Colours are custom properties, given for light and dark. Those of series are Okabe and Ito's, which people with the
 * common colour-vision deficiencies tell apart, darkened on light ground to 3:1 against it at least (WCAG 1.4.11); text
 * has 4.5:1. */
#include "eval/html.h"

static const char *const style[] = {
    ":root{color-scheme:light dark;--ground:#fbfaf8;--card:#fff;--ink:#20242a;--quiet:#59616b;--rule:#dedad2;",
    "--accent:#005f94;--s0:#0072b2;--s1:#c4500b;--s2:#00805f;--s3:#9b4a88;--s4:#7b818a;--warm:0 114 178;",
    "--yes:#00694e;--no:#a63c06;--open:#5b5f66}",
    "@media screen and (prefers-color-scheme:dark){:root{--ground:#15181c;--card:#1d2126;--ink:#e4e6e9;",
    "--quiet:#a2a9b2;--rule:#363c44;",
    "--accent:#7cc0ee;--s0:#5db3ea;--s1:#f0894a;--s2:#35bf95;--s3:#d992c6;--s4:#8f969f;--warm:60 150 215;--yes:#4fd0a6;",
    "--no:#f79a63;--open:#b3b9c1}}",

    "*{box-sizing:border-box}",
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}",
    "body{margin:0;background:var(--ground);color:var(--ink);",
    "font:1rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}",
    "main{max-width:72rem;margin:0 auto;padding:2.5rem 1rem 4rem}",
    "h1{font-size:clamp(1.7rem,5vw,2.4rem);line-height:1.15;letter-spacing:-.015em;margin:0 0 1rem;text-wrap:balance}",
    "h2{font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;margin:3.5rem 0 .75rem;padding-top:1.25rem;",
    "border-top:1px solid var(--rule)}",
    "h3{font-size:1.15rem;line-height:1.3;margin:2.25rem 0 .5rem}",
    "h4,h5{font-size:1rem;line-height:1.35;margin:0}section.page>h4{margin:2rem 0 .25rem}",
    "p,ul,ol,dl{margin:.6rem 0;max-width:70ch}",
    ".lead{font-size:1.08rem}",
    ".quiet{color:var(--quiet)}",
    "small,.small{font-size:.875rem}",
    "a{color:var(--accent);text-underline-offset:.15em}",
    "code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.875em}",
    "pre{background:var(--card);border:1px solid var(--rule);border-radius:.4rem;padding:.8rem 1rem;overflow-x:auto;",
    "line-height:1.6;max-width:46rem}pre code{font-size:inherit}",
    "nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.25rem}",
    "dl.terms{display:grid;grid-template-columns:minmax(7.5rem,max-content) 1fr;gap:.45rem 1.25rem;max-width:78ch}",
    "dl.terms dt{font-weight:600}dl.terms dd{margin:0}",
    "@media (max-width:34rem){dl.terms{display:block}dl.terms dd{margin:0 0 .6rem}}",
    "summary{cursor:pointer;color:var(--accent);font-size:.875rem;padding:.35rem 0}",
    "figure{margin:0}figcaption{font-size:.875rem;color:var(--quiet);line-height:1.45}",
    "img{display:block;height:auto}",

    ".scroll{overflow-x:auto;margin:1rem 0;max-width:100%}",
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;line-height:1.4}",
    "caption{text-align:left;color:var(--quiet);font-size:.875rem;padding-bottom:.45rem}",
    "caption span{display:inline-block;max-width:calc(100vw - 2rem);position:sticky;left:0}",
    "th,td{padding:.34rem .6rem;text-align:right;vertical-align:baseline;border-bottom:1px solid var(--rule);",
    "white-space:nowrap}",
    "thead th{font-weight:600;vertical-align:bottom;border-bottom:1px solid var(--quiet);white-space:normal}",
    "th[scope=row],thead tr:first-child th:first-child{text-align:left;padding-left:0;position:sticky;left:0;",
    "background:var(--ground)}",
    "tbody th{font-weight:400}",
    "tfoot th,tfoot td{border-bottom:0;font-weight:600}tfoot .light th,tfoot .light td{font-weight:400;padding-top:0}",
    "td.second,th.second{color:var(--quiet)}th.group{text-align:center}",
    "table.matrix td,table.matrix thead th{text-align:center;min-width:2.6rem}",
    "table.matrix td[style]{background:rgb(var(--warm) / calc(var(--heat) * .55))}",

    ".columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1.25rem 2rem;",
    "align-items:start;margin:1rem 0}",
    ".columns.wide{grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr))}",
    ".columns.tight{gap:1rem}.topic>.columns{grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr))}",
    ".card{background:var(--card);border:1px solid var(--rule);border-radius:.5rem;padding:.9rem 1rem;break-inside:avoid}",
    ".stack{display:grid;gap:1rem}",
    ".badge{display:inline-block;font-size:.8rem;font-weight:600;line-height:1.3;padding:.12rem .55rem;border-radius:1rem;",
    "border:1.5px solid currentColor;white-space:nowrap}",
    ".yes{color:var(--yes)}.no{color:var(--no)}",
    ".open{color:var(--open);border-style:dashed}",

    "svg.chart{display:block;width:100%;max-width:29rem;height:auto;overflow:visible;font-size:11.5px;color:var(--ink)}",
    "svg.chart text{fill:currentColor;stroke:none}",
    "svg.chart .num,svg.chart .label{fill:var(--quiet);font-variant-numeric:tabular-nums}",
    "svg.chart .mid{text-anchor:middle}svg.chart .end{text-anchor:end}",
    "svg.chart .halo{paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}",
    "svg.chart path{fill:none;stroke:currentColor}",
    "svg.chart .grid{stroke:var(--rule);stroke-width:1}",
    "svg.chart .axis{stroke:var(--quiet);stroke-width:1}",
    "svg.chart .limit{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:5 3}",
    "svg.chart .line{stroke-width:2;stroke-linejoin:round}",
    "svg.chart .error{stroke-width:1.3}",
    "svg.chart .fill{fill-opacity:.4}svg.chart .fill.s0{fill:var(--s0)}svg.chart .fill.s1{fill:var(--s1)}",
    "svg.chart .fill.s2{fill:var(--s2)}svg.chart .fill.s3{fill:var(--s3)}svg.chart .fill.s4{fill:var(--s4)}",
    "svg.chart .line.s1{stroke-dasharray:7 3}svg.chart .line.s2{stroke-dasharray:2 3}",
    "svg.chart .line.s3{stroke-dasharray:9 3 2 3}svg.chart .line.s4{stroke-dasharray:4 4;stroke-width:1.3}",
    "svg.chart .s0{stroke:var(--s0)}svg.chart .s1{stroke:var(--s1)}svg.chart .s2{stroke:var(--s2)}",
    "svg.chart .s3{stroke:var(--s3)}svg.chart .s4{stroke:var(--s4)}",
    "svg.chart .mark{stroke:var(--ground);stroke-width:.8}",
    "svg.chart .mark.s0{fill:var(--s0)}svg.chart .mark.s1{fill:var(--s1)}svg.chart .mark.s2{fill:var(--s2)}",
    "svg.chart .mark.s3{fill:var(--s3)}",
    "svg.bar{display:inline-block;width:5.5rem;height:.55rem;vertical-align:baseline}",
    "ul.claims{list-style:none;padding:0;max-width:46rem}",
    "ul.claims li{display:grid;grid-template-columns:7.2rem 1fr;gap:.75rem;padding:.3rem 0;border-bottom:1px solid var(--rule)}",
    "ul.claims .badge{justify-self:start;align-self:start}",
    ".figures{font-variant-numeric:tabular-nums;margin:.5rem 0}h4 .badge{margin-left:.35rem}",
    "ul.neurons{list-style:none;margin:.2rem 0 0;padding:0;font-size:.78rem;line-height:1.45;",
    "font-variant-numeric:tabular-nums;display:grid;grid-template-columns:max-content 1fr max-content;",
    "gap:0 .6rem;align-items:center}",
    "ul.neurons li{display:contents}.file{font-weight:400;font-size:.875rem;color:var(--quiet)}",
    "ul.neurons .end{text-align:right}ul.neurons svg.bar{width:100%}",
    ".strip{display:flex;gap:.3rem;margin-bottom:.7rem}.strip img{min-width:0;width:0;border-radius:.15rem}",
    ".example p{margin:.25rem 0}.example img{max-width:100%;border-radius:.15rem;margin-bottom:.7rem}",
    "dl.terms dd{overflow-wrap:anywhere}.names{overflow-wrap:anywhere}",
    "svg.bar .ground{fill:var(--rule)}svg.bar .part{fill:var(--s0)}",

    "@media print{:root{--ground:#fff;--card:#fff;--ink:#000;--quiet:#444;--rule:#bbb}body{font-size:10.5pt}",
    "main{max-width:none;padding:0}nav{display:none}h2{break-after:avoid}h3,h4,h5{break-after:avoid}",
    "figure,table,pre,.card{break-inside:avoid}.page{break-before:page}.scroll{overflow:visible}",
    "table.matrix td{-webkit-print-color-adjust:exact;print-color-adjust:exact}}",
};

void html_page_begin(Html *h, const char *title, const char *description)
{
    html_markup(h, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
                   "<meta charset=\"utf-8\"/>\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                   "<link rel=\"icon\" href=\"data:,\"/>\n");
    html_print(h, "<title>%s</title>\n<meta name=\"description\" content=\"%s\"/>\n<style>\n", title, description);
    for (size_t i = 0; i < sizeof style / sizeof *style; i++)
        html_print(h, "%m\n", style[i]);
    html_markup(h, "</style>\n</head>\n<body>\n<main>\n");
}

void html_page_end(Html *h)
{
    html_markup(h, "</main>\n</body>\n</html>\n");
}
