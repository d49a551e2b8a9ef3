/* lib/io/file.h: whole files, and the card's memory in a file. */
#ifndef OSPREY_IO_FILE_H
#define OSPREY_IO_FILE_H

#include "lib/base/arena.h"
#include "lib/base/env.h"

/* The whole file; ERR_NOT_FOUND, ERR_IO, ERR_TOO_LONG over max, ERR_NO_SPACE when the arena is full. The octet behind
 * the span is NUL. */
MUST_USE enum err file_read(const char *path, size_t max, struct arena *arena, struct span *ret);

/* Writes path.new (0600), syncs it, renames it over path and syncs the folder: path holds the old content or the new.
 */
MUST_USE enum err file_write(const char *path, struct span bytes);

/* mkdir -p, 0700. */
MUST_USE enum err file_make_folder(const char *path);

/* struct nvm over a file of exactly size octets (made and filled with FF when absent; 0600; locked, ERR_BUSY when
 * another process holds it). ERR_BAD_LENGTH when the file has another size; size 0 takes the size the file has. */
struct nvm_file;
struct nvm_file *nvm_file_open(const char *path, size_t size, enum err *ret_err);
struct nvm *nvm_file_seam(struct nvm_file *file);
void nvm_file_close(struct nvm_file *file);

#endif
