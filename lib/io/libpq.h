/* lib/io/libpq.h: inside lib/io only. PostgreSQL's client library, loaded when the first store of that kind is opened: with it
 * come Kerberos, LDAP and another TLS library, eighteen files that a process on SQLite need not carry. Below its functions
 * have their own names again. */
#ifndef OSPREY_IO_LIBPQ_H
#define OSPREY_IO_LIBPQ_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

struct libpq {
#define LIBPQ(name) __typeof__(name) *name;
#include "libpq.def"
#undef LIBPQ
};
extern struct libpq libpq;

/* Once loaded it stays. false: it is not there, or too old; `why` says so. */
bool libpq_load(char *why, size_t size);

#ifndef OSPREY_LIBPQ_TABLE /* only libpq.c */
#define PQclear              libpq.PQclear
#define PQcmdTuples          libpq.PQcmdTuples
#define PQconnectPoll        libpq.PQconnectPoll
#define PQconnectStartParams libpq.PQconnectStartParams
#define PQconninfoFree       libpq.PQconninfoFree
#define PQconninfoParse      libpq.PQconninfoParse
#define PQconsumeInput       libpq.PQconsumeInput
#define PQenterPipelineMode  libpq.PQenterPipelineMode
#define PQerrorMessage       libpq.PQerrorMessage
#define PQescapeLiteral      libpq.PQescapeLiteral
#define PQexitPipelineMode   libpq.PQexitPipelineMode
#define PQfinish             libpq.PQfinish
#define PQflush              libpq.PQflush
#define PQfreemem            libpq.PQfreemem
#define PQftype              libpq.PQftype
#define PQgetResult          libpq.PQgetResult
#define PQgetisnull          libpq.PQgetisnull
#define PQgetlength          libpq.PQgetlength
#define PQgetvalue           libpq.PQgetvalue
#define PQisBusy             libpq.PQisBusy
#define PQnfields            libpq.PQnfields
#define PQnotifies           libpq.PQnotifies
#define PQntuples            libpq.PQntuples
#define PQpipelineSync       libpq.PQpipelineSync
#define PQresultErrorField   libpq.PQresultErrorField
#define PQresultErrorMessage libpq.PQresultErrorMessage
#define PQresultStatus       libpq.PQresultStatus
#define PQsendPrepare        libpq.PQsendPrepare
#define PQsendQuery          libpq.PQsendQuery
#define PQsendQueryParams    libpq.PQsendQueryParams
#define PQsendQueryPrepared  libpq.PQsendQueryPrepared
#define PQsetNoticeProcessor libpq.PQsetNoticeProcessor
#define PQsetnonblocking     libpq.PQsetnonblocking
#define PQsocket             libpq.PQsocket
#define PQstatus             libpq.PQstatus
#endif

#endif
