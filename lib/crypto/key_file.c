#include "key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_whole(int fd, uint8_t *buf, size_t cap, size_t *ret_len)
{
    size_t len = 0;
    ssize_t n = 0;
    while (len < cap && (n = read(fd, buf + len, cap - len)) > 0)
        len += (size_t)n;
    *ret_len = len;
    return n >= 0;
}

enum err key_file_read(const char *path, bool secret, uint8_t buf[KEY_FILE_MAX], size_t *ret_len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    enum err err = ERR_NONE;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        err = ERR_IO;
    else if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        err = ERR_DENIED;
    else if (st.st_size >= (off_t)KEY_FILE_MAX)
        err = ERR_TOO_LONG;
    else if (!read_whole(fd, buf, KEY_FILE_MAX, ret_len))
        err = ERR_IO;
    close(fd);
    return err;
}

static bool write_whole(int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR)
            return false;
        bytes = span_from(bytes, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0;
}

enum err key_file_create(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return errno == EEXIST ? ERR_EXISTS : ERR_IO;
    bool good = write_whole(fd, bytes);
    if (close(fd) != 0 || !good) {
        unlink(path);
        return ERR_IO;
    }
    return ERR_NONE;
}

enum err key_file_replace(const char *path, struct span bytes)
{
    char next[PATH_MAX];
    if (snprintf(next, sizeof next, "%s.new", path) >= (int)sizeof next)
        return ERR_TOO_LONG;
    unlink(next); /* of an attempt that was cut short */
    enum err err = key_file_create(next, bytes);
    if (err == ERR_NONE && rename(next, path) != 0) {
        unlink(next);
        err = ERR_IO;
    }
    return err;
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

struct span key_file_trimmed(struct span s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = span_from(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct span key_file_line(struct span *text)
{
    const uint8_t *end = text->len ? memchr(text->ptr, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    struct span line = span_sub(*text, 0, len);
    *text = span_from(*text, len + 1);
    return line;
}
