#include "sqlite_wal.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GATHER_MAX (96u << 10) /* one write of SQLite's own VFS takes less than 128 kB */

/* The file of SQLite's own VFS stands behind it. */
struct wal_file {
    sqlite3_file seam;
    uint8_t *octets;
    size_t len;
    sqlite3_int64 at; /* of the first octet */
};

static sqlite3_vfs *standard, gathering;

static sqlite3_file *real_of(sqlite3_file *file) { return (sqlite3_file *)(void *)((struct wal_file *)(void *)file + 1); }

/* What cannot be written is forgotten: SQLite takes the transaction back and begins at the same place again. */
static int flush(sqlite3_file *file)
{
    struct wal_file *f = (struct wal_file *)(void *)file;
    sqlite3_file *real = real_of(file);
    size_t len = f->len;
    f->len = 0;
    return len ? real->pMethods->xWrite(real, f->octets, (int)len, f->at) : SQLITE_OK;
}

static int wal_write(sqlite3_file *file, const void *octets, int len, sqlite3_int64 at)
{
    struct wal_file *f = (struct wal_file *)(void *)file;
    sqlite3_file *real = real_of(file);
    if (f->len && (at != f->at + (sqlite3_int64)f->len || f->len + (size_t)len > GATHER_MAX)) {
        int code = flush(file);
        if (code != SQLITE_OK)
            return code;
    }
    if ((size_t)len > GATHER_MAX)
        return real->pMethods->xWrite(real, octets, len, at);
    if (!f->len)
        f->at = at;
    memcpy(f->octets + f->len, octets, (size_t)len);
    f->len += (size_t)len;
    return SQLITE_OK;
}

static int wal_read(sqlite3_file *file, void *octets, int len, sqlite3_int64 at)
{
    int code = flush(file);
    return code == SQLITE_OK ? real_of(file)->pMethods->xRead(real_of(file), octets, len, at) : code;
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = flush(file);
    return code == SQLITE_OK ? real_of(file)->pMethods->xTruncate(real_of(file), size) : code;
}

static int wal_sync(sqlite3_file *file, int flags)
{
    int code = flush(file);
    return code == SQLITE_OK ? real_of(file)->pMethods->xSync(real_of(file), flags) : code;
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    int code = flush(file);
    return code == SQLITE_OK ? real_of(file)->pMethods->xFileSize(real_of(file), ret) : code;
}

static int wal_close(sqlite3_file *file)
{
    int flushed = flush(file), code = real_of(file)->pMethods->xClose(real_of(file));
    free(((struct wal_file *)(void *)file)->octets);
    return flushed != SQLITE_OK ? flushed : code;
}

/* Nobody else has the log: the store is opened with locking_mode=EXCLUSIVE. */
static int wal_lock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xLock(real_of(file), level); }
static int wal_unlock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xUnlock(real_of(file), level); }
static int wal_reserved(sqlite3_file *file, int *ret)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}
static int wal_control(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}
static int wal_sector(sqlite3_file *file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }
static int wal_traits(sqlite3_file *file) { return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file)); }

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_reserved,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector,
    .xDeviceCharacteristics = wal_traits,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL))
        return standard->xOpen(standard, name, file, flags, ret_flags);
    struct wal_file *f = (struct wal_file *)(void *)file;
    *f = (struct wal_file){ .octets = malloc(GATHER_MAX) };
    int code = f->octets ? standard->xOpen(standard, name, real_of(file), flags, ret_flags) : SQLITE_NOMEM;
    if (code == SQLITE_OK)
        f->seam.pMethods = &wal_methods;
    else
        free(f->octets);
    return code;
}

const char *sqlite_wal_vfs(void)
{
    if (standard)
        return gathering.zName;
    sqlite3_vfs *found = sqlite3_vfs_find(NULL);
    if (!found)
        return NULL;
    gathering = *found;
    gathering.zName = "osprey";
    gathering.szOsFile = (int)sizeof(struct wal_file) + found->szOsFile;
    gathering.xOpen = vfs_open;
    gathering.pNext = NULL;
    if (sqlite3_vfs_register(&gathering, 0) != SQLITE_OK)
        return NULL;
    standard = found;
    return gathering.zName;
}
