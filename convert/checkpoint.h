/* A checkpoint of another program, whatever its container: a list of tensors with names, shapes and places in mapped
 * files, read in pieces as floats. Behind it stand the readers of the containers, each of which lists the tensors of
 * one file:
 *
 *     safetensors.c   safetensors             gguf.c   GGUF
 *     pytorch*.c      PyTorch's files         shards.c an index and the files it names (safetensors or PyTorch)
 *
 * The kind of a file is told by its first bytes, never by its name. What uses a checkpoint (names.c, config.c,
 * convert.c) knows no container. */
#ifndef LAKE_CHECKPOINT_H
#define LAKE_CHECKPOINT_H

#include <stddef.h>

#include "base/error.h"
#include "base/file.h"

enum { CKPT_RANK_LIMIT = 8 };

/* The types of numbers that can be read; tensors of any other may stand in a checkpoint but not be read. They need no
 * alignment. Q8_0 is ggml's: blocks of 32 numbers, an f16 factor and 32 signed bytes. */
typedef enum { NUMBER_F16, NUMBER_BF16, NUMBER_F32, NUMBER_F64, NUMBER_Q8_0, NUMBER_OTHER } NumberType;

typedef struct {
    const char *name;
    const char *type_name;          /* as the container calls it: "F32", "I64", ...; a constant of the program */
    NumberType type;
    size_t rank;
    size_t shape[CKPT_RANK_LIMIT];  /* slowest first */
    size_t count;                   /* product of the shape; 1 for a scalar */
    size_t file;                    /* the file that holds it: an index of Checkpoint.files */
    size_t offset;                  /* of its element [0, 0, ...] in that file, in bytes */
    size_t end;                     /* its data must not reach beyond this offset in the file */
    int big_endian;                 /* 1: the most significant byte of a number comes first; not for Q8_0 */
    int strided;                    /* 0: in C order without gaps; 1: as `stride` says */
    size_t stride[CKPT_RANK_LIMIT]; /* numbers (not bytes) from one index of a side to the next */
} CkptTensor;

typedef struct {
    char *path;
    FileView view;
} CkptFile;

/* What a checkpoint, or a file beside it, says of the configuration that no tensor's shape tells. A value is unknown
 * while it is -1 (activations, end id) or 0 (the others; mean and std by std[0]). Index 0: vision, 1: text. */
typedef struct {
    int activation[2]; /* an Activation */
    float eps[2];
    long heads[2];
    float mean[3], std[3];
    long end_id; /* the id whose place the text feature is taken from; Hugging Face's eos_token_id */
} ConfigHints;

typedef struct {
    char *path;          /* of the file that was opened, in messages and to find files beside it; in a folder that was
                            given, the file chosen there */
    CkptFile *files;     /* [file_count] one, or every shard */
    size_t file_count;
    CkptTensor *tensors; /* [count] sorted by name */
    size_t count;
    size_t room;         /* of the arrays' growth */
    ConfigHints hints;   /* what the file itself says (GGUF) */
    int has_vocabulary;  /* 1: convert_vocabulary can read one from the file itself (GGUF) */
} Checkpoint;

/* Opens a file, an index of shards, or a folder that holds a file of a well-known name. LAKE_BAD_INPUT where it is none
 * of these or damaged; nothing is left open then. */
int ckpt_open(Checkpoint *checkpoint, const char *path, Error *e);
void ckpt_close(Checkpoint *checkpoint);

/* The tensor of this name, or NULL. */
const CkptTensor *ckpt_find(const Checkpoint *checkpoint, const char *name);

/* The file that holds the tensor, for messages. */
const char *ckpt_tensor_path(const Checkpoint *checkpoint, const CkptTensor *tensor);

/* out[i] = element first + i * step of the tensor in C order, i = 0 .. count - 1, which must exist. F64 is rounded to
 * float. The type must not be NUMBER_OTHER. */
void ckpt_read(float *out, const Checkpoint *checkpoint, const CkptTensor *tensor, size_t first, size_t step,
               size_t count);

/* Maps the files anew, so that the pages read so far no longer count as memory of this process. */
int ckpt_release(Checkpoint *checkpoint, Error *e);

/* Writes a shape as "[768, 512]" into text[size] and returns text. */
const char *ckpt_shape_text(char *text, size_t size, const size_t *shape, size_t rank);

/* ---- for the readers of containers ---- */

/* A reader: lists the tensors of checkpoint->files[file], which is mapped, by ckpt_add. On failure the caller closes
 * the checkpoint, so that the reader frees only what is its own. Nothing may point into what it frees: names are copied. */
typedef int CkptReader(Checkpoint *checkpoint, size_t file, Error *e);

CkptReader safetensors_list, gguf_list, pytorch_list;

/* Maps a file and appends it to checkpoint->files. */
int ckpt_add_file(Checkpoint *checkpoint, const char *path, Error *e);

/* Chooses the reader by the file's first bytes and calls it. */
int ckpt_list_file(Checkpoint *checkpoint, size_t file, Error *e);

/* Adds a tensor: all fields but `count`, and `stride` where strided is 0, are filled in. The name is copied. Refuses a
 * shape whose product overflows and data that reach beyond `end` or the file (not checked for NUMBER_OTHER). */
int ckpt_add(Checkpoint *checkpoint, const CkptTensor *tensor, Error *e);

/* Sorts the tensors by name; refuses two of one name. */
int ckpt_sort(Checkpoint *checkpoint, Error *e);

/* shards.c: opens the files that an index (files[0]) names, lists and sorts their tensors. */
int shards_list(Checkpoint *checkpoint, Error *e);

/* The first byte of the view from `at` on that is no white space, or -1. */
int ckpt_first_letter(const FileView *view, size_t at);

#endif
