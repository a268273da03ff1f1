/* The parts of Unicode that CLIP's tokenizer needs: UTF-8, the classes of characters that its regular expression
 * names, canonical composition (NFC) and lower case, as Python's str and unicodedata define them. The tables are in
 * unicode_data.h, which make_unicode.py writes from the Unicode Character Database and which states its version. */
#ifndef LAKE_UNICODE_H
#define LAKE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define UNI_REPLACEMENT 0xfffdu /* what stands for bytes that are no text */

/* A text as code points. */
typedef struct {
    uint32_t *points; /* [count]; NULL where nothing was decoded */
    size_t count;
} UniText;

/* Decodes size bytes of UTF-8 (RFC 3629: shortest forms, no surrogates, at most U+10FFFF). Every byte that is
 * not part of a well-formed character becomes one U+FFFD. text is freed by uni_free. */
int uni_decode(UniText *text, const char *utf8, size_t size, Error *e);
void uni_free(UniText *text);

/* The well-formed UTF-8 character (in the same sense) that the n > 0 bytes at p begin with into *c; returns its bytes, or
 * 0 where they begin with none. */
size_t uni_character(uint32_t *c, const unsigned char *p, size_t n);

/* The UTF-8 bytes of one code point (1 to 4); returns how many. */
size_t uni_encode(unsigned char out[4], uint32_t c);

int uni_is_letter(uint32_t c); /* general category L*: \p{L} */
int uni_is_number(uint32_t c); /* general category N*: \p{N} */
int uni_is_space(uint32_t c);  /* property White_Space: \s */

/* Normalisation form C (UAX #15), in time linear in the text's length. */
int uni_nfc(UniText *text, Error *e);

/* Lower case by the full mappings of SpecialCasing.txt without its language-dependent rules, as Python's str.lower:
 * U+0130 becomes two code points, and a capital sigma at a word's end becomes the final one. */
int uni_lower(UniText *text, Error *e);

#endif
