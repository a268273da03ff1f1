/* What the files of the JPEG decoder share; nobody else includes this.
 *
 * A JPEG file (ITU-T T.81, "the standard" below) is decoded in three stages:
 *   jpeg_huffman.c  entropy-coded bits  -> quantised coefficients of 8x8 blocks
 *   pixels_loops.h  coefficients        -> 8x8 samples, at each component's own resolution
 *   jpeg_color.c    sample rows         -> upsampled rows -> RGB, by pixels_loops.h too
 * jpeg_headers.c reads what the markers' segments say, and jpeg.c walks from marker to marker and drives all of them.
 * Samples must come out as libjpeg-turbo's, to the bit, because that is what Pillow calls, and a model sees every bit. */
#ifndef LAKE_JPEG_INTERNAL_H
#define LAKE_JPEG_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "image/image.h"
#include "image/pixels.h"

#define JPEG_MAX_COMPONENTS 4
#define JPEG_BLOCK 64            /* coefficients or samples of one block */

/* Codes of markers (table B.1). */
enum {
    SOF0 = 0xc0, SOF2 = 0xc2, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc, SOF15 = 0xcf, RST0 = 0xd0, RST7 = 0xd7,
    SOI = 0xd8, EOI = 0xd9, SOS = 0xda, DQT = 0xdb, DNL = 0xdc, DRI = 0xdd, APP0 = 0xe0, APP14 = 0xee,
    APP15 = 0xef, COM = 0xfe, TEM = 0x01
};

/* The contents of one marker segment, behind its length. */
typedef struct {
    const unsigned char *data;
    size_t size;
} Segment;

/* One Huffman table in the form that decoding wants. Codes up to JPEG_LOOKUP_BITS long are found in one
 * step; longer ones (rare by construction) by their length. */
#define JPEG_LOOKUP_BITS 10
typedef struct {
    int defined;
    uint32_t lookup[1 << JPEG_LOOKUP_BITS]; /* entries (jpeg_huffman.c); 0: the code is longer */
    uint32_t limit[18];                     /* codes of length n, as the top n of 16 bits, are below limit[n] */
    int32_t offset[17];                     /* code of that length + offset = index into symbols */
    unsigned char symbols[256];
    int largest_symbol;
} HuffmanTable;

/* The next bits of an entropy-coded segment, most significant first. */
typedef struct {
    uint64_t buffer;           /* at the top; below them may stand more of those that follow */
    int count;                 /* bits in buffer */
    const unsigned char *next; /* the next byte to load */
} Bits;

/* What one MCU can take at most: 10 blocks of 64 symbols of 16 bits with numbers of 15 bits. */
#define JPEG_MCU_BYTES (10 * 64 * 31 / 8)
#define JPEG_CHUNK_BYTES 16384

/* An entropy-coded segment, a chunk at a time: without the 0x00 stuffed behind each 0xFF, and at the segment's end with zeros
 * behind it. So bits are loaded without looking at bytes, and reading past the end is detected after an MCU, not before every bit. */
typedef struct {
    const unsigned char *data;
    size_t size, position; /* position: the next byte to put into the chunk, or the 0xFF of the marker that ended the segment */
    int ended;
    Bits bits;
    const unsigned char *end; /* of the chunk's bytes; behind it zeros once the segment has ended */
    unsigned char chunk[JPEG_CHUNK_BYTES + JPEG_MCU_BYTES + 16];
} BitReader;

enum { UPSAMPLE_NONE, UPSAMPLE_H2V1, UPSAMPLE_H1V2, UPSAMPLE_H2V2, UPSAMPLE_BOX };

typedef struct {
    int id;
    int h, v;               /* sampling factors */
    int quant_index;
    int width, height;      /* samples that count */
    int blocks_wide;        /* blocks that cover them: what a scan of this component alone holds */
    int blocks_high;
    size_t stride;          /* blocks per stored row: whole MCUs, and an even number */
    int stored_rows;        /* block rows in coefficients: one MCU row (v), or all of them */
    int16_t *coefficients;  /* [stored_rows, stride, 64], natural order */
    unsigned char *samples; /* [2 * 8 * v, 8 * stride]: the rows of the last two MCU rows, at row index modulo 16 v */
    int upsample;
    unsigned char *line;    /* one upsampled row */
    uint16_t quant[JPEG_BLOCK]; /* natural order; fixed when the component's first scan starts */
    int quant_fixed;
    int scanned;            /* a scan has brought this component's (DC) coefficients */
    signed char known_bits[JPEG_BLOCK]; /* progressive: lowest bit known of each coefficient, -1: none, zigzag order */
    int dc_table, ac_table;
    int dc_prediction;
} Component;

/* The parameters of one scan header, and what decoding carries from block to block. */
typedef struct {
    int count;                               /* components */
    Component *component[JPEG_MAX_COMPONENTS];
    int first, last;                         /* spectral selection, zigzag positions (Ss, Se) */
    int high, low;                           /* successive approximation (Ah, Al) */
    uint32_t end_of_band_run;                /* blocks whose band is known to hold no new coefficients */
    int mcus_to_restart;
    int restarts;                            /* markers met: they count modulo 8 */
} Scan;

enum { COLOR_GREY, COLOR_RGB, COLOR_YCC, COLOR_CMYK, COLOR_YCCK };

typedef struct {
    const unsigned char *data;
    size_t size, position;
    const char *name;       /* for messages */
    size_t max_pixels;
    Error *error;

    int width, height;      /* 0 until the frame header was read */
    int progressive;
    int component_count;
    Component component[JPEG_MAX_COMPONENTS];
    int max_h, max_v;
    int mcus_wide, mcus_high;
    int stream;             /* 1: one scan holds everything, rows are finished as they come; 0: coefficients are kept */
    int color;
    int has_jfif, adobe_transform; /* -1: no Adobe marker */

    int quant_defined[4];
    uint16_t quant[4][JPEG_BLOCK]; /* natural order */
    HuffmanTable dc[4], ac[4];
    int restart_interval;   /* in MCUs; 0: none */
    Scan scan;
    BitReader reader;
    const Pixels *pixels;
    Image image;
} Jpeg;

/* The content of the segments behind their lengths into j, checked. A scan header comes after the frame header. */
int jpeg_read_quantisation(Jpeg *j, Segment s);
int jpeg_read_huffman(Jpeg *j, Segment s);
int jpeg_read_frame(Jpeg *j, int marker, Segment s);
int jpeg_read_scan(Jpeg *j, Segment s);
/* JFIF's and Adobe's marks say how colours are stored. */
void jpeg_read_application(Jpeg *j, int marker, Segment s);

/* Messages; they return LAKE_BAD_INPUT. */
int jpeg_corrupt(Jpeg *j, const char *what);
int jpeg_truncated(Jpeg *j);
int jpeg_unsupported(Jpeg *j, const char *what);

/* Zigzag position -> place in the block, row by row (the standard, figure A.6). */
extern const unsigned char jpeg_natural_order[JPEG_BLOCK];

/* Builds a table from the 16 counts of code lengths and the symbols in order of their codes (annex C).
 * Returns 0 where the counts describe no prefix code. */
int huffman_build(HuffmanTable *table, const unsigned char counts[16], const unsigned char *symbols, int symbol_count);

/* The tables of annex K.3, which a file without tables of its own means (frames of Motion JPEG cameras). */
void huffman_standard(HuffmanTable dc[2], HuffmanTable ac[2]);

/* Starts reading bits at a byte position, with nothing buffered. */
void bits_start(BitReader *reader, const unsigned char *data, size_t size, size_t position);
/* Makes sure that an MCU can be decoded without looking at the chunk's end. */
void bits_prepare(BitReader *reader);
/* 1 where more bits were taken than the segment has. */
int bits_overrun(const BitReader *reader);
/* Bytes of the chunk that were not loaded yet. */
size_t bits_unread(const BitReader *reader);

/* Decodes one block of the scan into its coefficients: the whole of it in sequential files, a band or one more bit in
 * progressive ones. Returns 1, or 0 where the bits are no valid code. */
int huffman_block(Jpeg *j, Component *c, int16_t *block);

/* Picks each component's way of upsampling. Returns 0 where a ratio is not a whole number. */
int upsample_choose(Jpeg *j);
/* Writes picture rows first to end - 1 from the components' samples. */
void color_rows(Jpeg *j, int first, int end);

#endif
