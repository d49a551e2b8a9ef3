/* lib/io/sqlite_wal.h: SQLite writes each page of its write-ahead log with two system calls, of 24 and 4,096 octets, one
 * behind the other. Through this VFS a transaction's pages are one write, made when SQLite asks for the sync (or reads).
 * What is durable when does not change: nothing is before the sync, in either case. */
#ifndef OSPREY_IO_SQLITE_WAL_H
#define OSPREY_IO_SQLITE_WAL_H

/* The name for sqlite3_open_v2; registered at the first call. NULL: SQLite has no memory, or no VFS. */
const char *sqlite_wal_vfs(void);

#endif
