/* The safetensors format: 8 bytes with the length of a JSON header, the header, the data of all tensors. Listing them
 * (safetensors_list, checkpoint.h) checks everything that can be checked without reading the data. */
#ifndef LAKE_SAFETENSORS_H
#define LAKE_SAFETENSORS_H

#include "convert/checkpoint.h"

/* 1 where the file begins as a safetensors file does: a length that fits, and a header that begins as an object. */
int safetensors_recognises(const FileView *view);

#endif
