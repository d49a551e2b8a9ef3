#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err read_all(int fd, uint8_t *out, size_t len)
{
    while (len != 0) {
        ssize_t n = read(fd, out, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        out += n, len -= (size_t)n;
    }
    return ERR_NONE;
}

static enum err write_all(int fd, struct span bytes)
{
    while (bytes.len != 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return errno == ENOSPC ? ERR_NO_SPACE : ERR_IO;
        bytes = span_from(bytes, (size_t)n);
    }
    return ERR_NONE;
}

static enum err read_open(int fd, size_t max, struct arena *arena, struct span *ret)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return ERR_IO;
    if (st.st_size < 0 || (uintmax_t)st.st_size > max)
        return ERR_TOO_LONG;
    size_t len = (size_t)st.st_size;
    uint8_t *bytes = arena_alloc(arena, len + 1);
    if (bytes == NULL)
        return ERR_NO_SPACE;
    enum err err = read_all(fd, bytes, len);
    if (err == ERR_NONE)
        *ret = (struct span){ bytes, len };
    return err;
}

enum err file_read(const char *path, size_t max, struct arena *arena, struct span *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    enum err err = read_open(fd, max, arena, ret);
    close(fd);
    return err;
}

static enum err folder_sync(const char *path)
{
    char copy[PATH_MAX];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return ERR_TOO_LONG;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    int code = fsync(fd);
    close(fd);
    return code == 0 ? ERR_NONE : ERR_IO;
}

static enum err write_new(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_IO;
    enum err err = write_all(fd, bytes);
    if (err == ERR_NONE && fsync(fd) != 0)
        err = ERR_IO;
    if (close(fd) != 0 && err == ERR_NONE)
        err = ERR_IO;
    return err;
}

enum err file_write(const char *path, struct span bytes)
{
    char fresh[PATH_MAX];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return ERR_TOO_LONG;
    enum err err = write_new(fresh, bytes);
    if (err == ERR_NONE && rename(fresh, path) != 0)
        err = ERR_IO;
    if (err != ERR_NONE) {
        unlink(fresh);
        return err;
    }
    return folder_sync(path);
}

enum err file_make_folder(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return ERR_TOO_LONG;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return ERR_IO;
    }
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? ERR_NONE : ERR_IO;
}

/* ---- the card's memory ---- */

struct nvm_file {
    struct nvm seam; /* first: the seam is the file */
    int fd;
};

static enum err nvm_read(struct nvm *nvm, size_t at, uint8_t *out, size_t len)
{
    const struct nvm_file *f = (const struct nvm_file *)nvm;
    if (at > nvm->size || len > nvm->size - at)
        return ERR_BAD_LENGTH;
    while (len != 0) {
        ssize_t n = pread(f->fd, out, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        out += n, at += (size_t)n, len -= (size_t)n;
    }
    return ERR_NONE;
}

static enum err nvm_write(struct nvm *nvm, size_t at, struct span bytes)
{
    const struct nvm_file *f = (const struct nvm_file *)nvm;
    if (at > nvm->size || bytes.len > nvm->size - at)
        return ERR_BAD_LENGTH;
    while (bytes.len != 0) {
        ssize_t n = pwrite(f->fd, bytes.ptr, bytes.len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        at += (size_t)n, bytes = span_from(bytes, (size_t)n);
    }
    return ERR_NONE;
}

static enum err nvm_sync(struct nvm *nvm)
{
    return fdatasync(((const struct nvm_file *)nvm)->fd) == 0 ? ERR_NONE : ERR_IO;
}

/* A fresh memory chip is all FF. */
static enum err nvm_format(int fd, size_t size)
{
    uint8_t blank[4096];
    memset(blank, 0xFF, sizeof blank);
    for (size_t left = size; left != 0;) {
        size_t n = left < sizeof blank ? left : sizeof blank;
        enum err err = write_all(fd, (struct span){ blank, n });
        if (err != ERR_NONE)
            return err;
        left -= n;
    }
    return fsync(fd) == 0 ? ERR_NONE : ERR_IO;
}

static enum err nvm_prepare(struct nvm_file *f, size_t size)
{
    struct stat st;
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
        return ERR_BUSY;
    if (fstat(f->fd, &st) != 0)
        return ERR_IO;
    if (st.st_size == 0 && size != 0) {
        enum err err = nvm_format(f->fd, size);
        f->seam.size = size;
        return err;
    }
    if (st.st_size == 0 || (size != 0 && (size_t)st.st_size != size))
        return ERR_BAD_LENGTH;
    f->seam.size = (size_t)st.st_size;
    return ERR_NONE;
}

struct nvm_file *nvm_file_open(const char *path, size_t size, enum err *ret_err)
{
    struct nvm_file *f = calloc(1, sizeof *f);
    if (f == NULL) {
        *ret_err = ERR_NO_MEMORY;
        return NULL;
    }
    f->seam = (struct nvm){ 0, nvm_read, nvm_write, nvm_sync };
    f->fd = open(path, O_RDWR | O_CLOEXEC | (size ? O_CREAT : 0), 0600);
    *ret_err = f->fd < 0 ? (errno == ENOENT ? ERR_NOT_FOUND : ERR_IO) : nvm_prepare(f, size);
    if (*ret_err != ERR_NONE) {
        nvm_file_close(f);
        return NULL;
    }
    return f;
}

struct nvm *nvm_file_seam(struct nvm_file *file) { return &file->seam; }

void nvm_file_close(struct nvm_file *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0)
        close(file->fd);
    free(file);
}
