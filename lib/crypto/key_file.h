/* lib/crypto/key_file.h: inside lib/crypto and for its key tools: small files with secrets in them. */
#ifndef OSPREY_CRYPTO_KEY_FILE_H
#define OSPREY_CRYPTO_KEY_FILE_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define KEY_FILE_MAX 16384u

/* secret: group and others must not be able to read it (ERR_DENIED). The caller wipes buf. ERR_NOT_FOUND, ERR_IO,
 * ERR_TOO_LONG. */
MUST_USE enum err key_file_read(const char *path, bool secret, uint8_t buf[KEY_FILE_MAX], size_t *ret_len);
/* Mode 0600, on disk when it returns, over nothing that exists (ERR_EXISTS). */
MUST_USE enum err key_file_create(const char *path, struct span bytes);
/* The same in the place of a file that exists: the old one, or the new one, never a part. */
MUST_USE enum err key_file_replace(const char *path, struct span bytes);

/* Text files of lines: blanks and line ends around it are no part of a value. */
struct span key_file_trimmed(struct span s);
/* Takes the next line, without its end, off the text. */
struct span key_file_line(struct span *text);

#endif
