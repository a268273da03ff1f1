/* The parts of the reader of PyTorch's files, which hold a pickle that describes tensors, and storages, the numbers
 * that tensors are views of. pytorch.c finds the tensors in a pickle; pytorch_zip.c and pytorch_old.c know where the two
 * forms of files keep pickle and storages. */
#ifndef LAKE_PYTORCH_H
#define LAKE_PYTORCH_H

#include "convert/checkpoint.h"
#include "convert/pickle.h"

enum { PYTORCH_NAME_SIZE = 512 }; /* of a tensor's dotted name, and of an entry's */

/* The bytes of a storage in the file. */
typedef struct {
    int found; /* 0: there is none of this key */
    size_t begin, size;
} PytorchStorage;

typedef struct PytorchFile PytorchFile;

/* Finds the storage of a key and checks its bytes. */
typedef int PytorchFind(PytorchStorage *storage, PytorchFile *f, const char *key);

/* What both forms have in common; the first member of their own structures. */
struct PytorchFile {
    Checkpoint *checkpoint;
    size_t file;
    const char *path;
    Error *e;
    PytorchFind *find;
    int big_endian;               /* 1: so are the numbers of all storages */
    size_t steps;                 /* values looked at */
    char name[PYTORCH_NAME_SIZE]; /* of the value in work */
};

/* 1 for a function or class that a checkpoint's pickle may speak of: what makes tensors and storages, and what people
 * keep beside tensors. */
int pytorch_allows(const char *global);

/* Bytes of one number of a storage by its class, "torch.FloatStorage"; 0 where it is none. */
size_t pytorch_number_size(const char *global);

/* Adds all tensors of the checkpoint whose pickle has this root. */
int pytorch_tensors(PytorchFile *f, const Pickle *root);

CkptReader pytorch_zip_list, pytorch_old_list;

#endif
