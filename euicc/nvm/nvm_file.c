#include "nvm_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct nvm_file *of(struct nvm *nvm) { return (struct nvm_file *)nvm; }

static enum err file_read(struct nvm *nvm, size_t at, uint8_t *out, size_t len)
{
    if (at > nvm->size || len > nvm->size - at)
        return ERR_IO;
    memcpy(out, of(nvm)->map + at, len);
    return ERR_NONE;
}

static enum err file_write(struct nvm *nvm, size_t at, struct span bytes)
{
    if (at > nvm->size || bytes.len > nvm->size - at)
        return ERR_IO;
    while (bytes.len != 0) {
        ssize_t n = pwrite(of(nvm)->fd, bytes.ptr, bytes.len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        at += (size_t)n;
        bytes = span_from(bytes, (size_t)n);
    }
    return ERR_NONE;
}

static enum err file_sync(struct nvm *nvm)
{
    return !of(nvm)->sync || fdatasync(of(nvm)->fd) == 0 ? ERR_NONE : ERR_IO;
}

static enum err file_prepare(struct nvm_file *f, size_t size)
{
    struct stat st;
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
    if (size != 0 && (ftruncate(f->fd, 0) != 0 || ftruncate(f->fd, (off_t)size) != 0 || fsync(f->fd) != 0))
        return ERR_IO;
    if (fstat(f->fd, &st) != 0)
        return ERR_IO;
    if (!S_ISREG(st.st_mode) || st.st_size < 4096 || st.st_size > UINT32_MAX)
        return ERR_BAD_LENGTH;
    f->nvm.size = (size_t)st.st_size;
    void *map = mmap(NULL, f->nvm.size, PROT_READ, MAP_SHARED, f->fd, 0);
    if (map == MAP_FAILED)
        return ERR_IO;
    f->map = map;
    return ERR_NONE;
}

enum err nvm_file_open(struct nvm_file *f, const char *path, size_t size)
{
    *f = (struct nvm_file){ .nvm = { 0, file_read, file_write, file_sync }, .sync = true };
    f->fd = open(path, O_RDWR | O_CLOEXEC | (size ? O_CREAT : 0), 0600);
    if (f->fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    enum err err = file_prepare(f, size);
    if (err != ERR_NONE) {
        close(f->fd);
        f->fd = -1;
    }
    return err;
}

void nvm_file_close(struct nvm_file *f)
{
    if (f->map)
        munmap((void *)f->map, f->nvm.size);
    if (f->fd >= 0)
        close(f->fd);
    *f = (struct nvm_file){ .fd = -1 };
}
