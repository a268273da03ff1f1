/* HTML's character references: &amp; &eacute &#233; &#xE9; */
#ifndef LAKE_ENTITIES_H
#define LAKE_ENTITIES_H

#include "base/unicode.h"

/* Replaces every character reference by what it stands for, once, from left to right, in place, exactly as Python's
 * html.unescape does (a reference never grows). It cannot fail: what is no reference stays. */
void entities_unescape(UniText *text);

#endif
