/* euicc/nvm/nvm_file.h: card memory in a file: read through a mapping, written with pwrite, made durable with fdatasync.
 * The only file of the card, and only programs use it. One process at a time: the file is locked. */
#ifndef OSPREY_EUICC_NVM_NVM_FILE_H
#define OSPREY_EUICC_NVM_NVM_FILE_H

#include "lib/base/env.h"

struct nvm_file {
    struct nvm nvm; /* first */
    const uint8_t *map;
    int fd;
    bool sync; /* false: fdatasync is left out (benches) */
};

/* size 0: the file must exist; otherwise it is made (mode 0600) or cut to that size. ERR_NOT_FOUND, ERR_BUSY (locked),
 * ERR_IO, ERR_BAD_LENGTH (not the size of an image). */
MUST_USE enum err nvm_file_open(struct nvm_file *f, const char *path, size_t size);
void nvm_file_close(struct nvm_file *f);

#endif
