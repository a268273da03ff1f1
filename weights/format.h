/* The bytes of a .clip file that its reader (weights.c) and writer (writer.c) share; private to this folder.
 * FORMAT.md explains them. All numbers are little-endian. */
#ifndef LAKE_WEIGHTS_FORMAT_H
#define LAKE_WEIGHTS_FORMAT_H

#include "weights/weights.h"

#define WTS_MAGIC "\x89" "CLIP\r\n\x1a" /* a byte no text begins with, and both line ends, so that a text-mode transfer shows */
#define WTS_MAGIC_SIZE 8

#define WTS_VERSION 1u
#define WTS_BYTE_ORDER 0x01020304u

/* Offsets of the fields of the head. */
enum {
    AT_VERSION = 8,
    AT_BYTE_ORDER = 12,
    AT_FILE_SIZE = 16,
    AT_HEAD_SIZE = 24,
    AT_HEAD_CRC = 28,
    AT_TENSOR_COUNT = 32,
    AT_TOKENIZER_SIZE = 36,
    AT_CONFIG = 40,
    AT_RESERVED = 140,
    AT_TABLE = 144 /* the table of tensors, and behind it the tokenizer section */
};

/* Offsets in an entry of the table. */
enum {
    ENTRY_NAME = 0,
    ENTRY_TYPE = 64,
    ENTRY_RANK = 68,
    ENTRY_SHAPE = 72,
    ENTRY_OFFSET = 88,
    ENTRY_BYTES = 96,
    ENTRY_CRC = 104,
    ENTRY_LAYOUT = 108,
    ENTRY_SIZE = 112
};

/* The yes-or-no values of the configuration, one bit each. */
enum { FLAG_LN_PRE = 1, FLAG_PATCH_BIAS = 2, FLAG_PROJECTION = 4, FLAG_TEXT = 8, FLAGS_ALL = 15 };

#define WTS_ALIGNMENT 64 /* of the head's size and of every tensor: a cache line */

/* The multiple of WTS_ALIGNMENT at or above size; returns 0 where it does not fit. */
int wts_align(size_t size, size_t *aligned);

/* Refuses a tensor whose name, type, rank or shape cannot stand in a file; the message begins with `path`. */
int wts_check_tensor(const WtsTensor *tensor, const char *path, Error *e);

/* The product of the shape times the size of a number into *bytes; returns 0 where it does not fit. */
int wts_tensor_bytes(const WtsTensor *tensor, size_t *bytes);

/* name + suffix into out; returns 0 where they are longer than a name. */
int wts_companion_name(char out[64], const char *name, const char *suffix);

/* CRC-32 of a head, its own checksum field taken as 0. */
uint32_t wts_head_crc(const unsigned char *head, size_t size);

#endif
