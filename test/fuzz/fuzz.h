/* What the fuzz targets share. A target, fuzz_NAME.c, is one function that gives bytes to a reader and aborts where the
 * reader breaks a promise; memory errors are the sanitizers' to find. The same function runs under libFuzzer
 * (make fuzz) and, with main.c, over the files of corpus/NAME/ (make test). doc/FUZZING.md tells more.
 *
 * fuzz.c replaces base/file.c: files are bytes in memory there, so that no disk is touched and every buffer that a
 * reader gets has exactly its file's size, behind which a sanitizer sees a read. */
#ifndef LAKE_FUZZ_H
#define LAKE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "image/image.h"

/* The target. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that the reader made. */
#define PROMISE(kept) ((kept) ? (void)0 : fuzz_broken(#kept, __FILE__, __LINE__))
void fuzz_broken(const char *promise, const char *file, int line);

/* Readers promise of a failure: the code is one of those for input that is bad or too large, and the text is one line. */
#define FUZZ_ERROR {LAKE_OK, ""}
void fuzz_check(int code, const Error *e);

/* A copy of the bytes in a buffer of exactly their size, to be freed. */
unsigned char *fuzz_copy(const uint8_t *data, size_t size);

/* Puts a copy of the bytes where the library finds it as the file `path`, in place of what was there. */
void fuzz_file(const char *path, const void *data, size_t size);

/* The bytes of such a file, or of one that the library wrote; NULL where there is none. */
const unsigned char *fuzz_file_bytes(const char *path, size_t *size);

/* Removes them all. */
void fuzz_files_clear(void);

/* Files on the disk, for main.c: a whole one in a new buffer. */
int fuzz_read_disk(unsigned char **data, size_t *size, const char *path, Error *e);
int fuzz_is_folder(const char *path);

/* Decodes a picture of at most FUZZ_PIXELS pixels with img_decode and checks what came out; 1 where it is a picture,
 * which is freed by the caller. */
enum { FUZZ_PIXELS = 1 << 14 };
int fuzz_decode(Image *image, const unsigned char *data, size_t size);

#endif
