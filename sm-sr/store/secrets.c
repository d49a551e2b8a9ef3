#include "secrets.h"

#include "sm-sr/procedures/handover_keys.h"
#include "sm-sr/turn.h"

static const struct statement KEYSET_COUNT = { "secret-keyset-count", "SELECT COUNT(*) FROM keyset", NULL };
static const struct statement KEYSET_PAGE = {
    "secret-keyset-page",
    "SELECT eid, kvn, wrapped FROM keyset WHERE eid>?1 OR (eid=?1 AND kvn>?2) ORDER BY eid, kvn LIMIT 32", NULL
};
static const struct statement KEYSET_PUT = { "secret-keyset-put",
                                             "UPDATE keyset SET wrapped=?3 WHERE eid=?1 AND kvn=?2 AND wrapped=?4",
                                             NULL };
static const struct statement OPERATION_COUNT = { "secret-operation-count",
                                                  "SELECT COUNT(*) FROM operation WHERE secret IS NOT NULL", NULL };
static const struct statement OPERATION_PAGE = { "secret-operation-page",
                                                 "SELECT eid, n, secret FROM operation WHERE secret IS NOT NULL AND "
                                                 "(eid>?1 OR (eid=?1 AND n>?2)) ORDER BY eid, n LIMIT 32",
                                                 NULL };
static const struct statement OPERATION_PUT = { "secret-operation-put",
                                                "UPDATE operation SET secret=?3 WHERE eid=?1 AND n=?2 AND secret=?4",
                                                NULL };

static struct span keyset_aad(const char *eid, int64_t kvn, char out[REWRAP_AAD_MAX])
{
    return smsr_keyset_aad(eid, (uint8_t)kvn, out);
}

static struct span operation_aad(const char *eid, int64_t n, char out[REWRAP_AAD_MAX])
{
    (void)n;
    return smsr_handover_aad(eid, out);
}

static const struct rewrap_table tables[] = {
    { "key set", &KEYSET_COUNT, &KEYSET_PAGE, &KEYSET_PUT, keyset_aad },
    { "secret of a procedure", &OPERATION_COUNT, &OPERATION_PAGE, &OPERATION_PUT, operation_aad },
};
_Static_assert(SMSR_AAD_SIZE <= REWRAP_AAD_MAX, "an identity fits");

struct rewrap smsr_secrets(const struct smsr *s)
{
    return (struct rewrap){ tables, ARRAY_LEN(tables), &s->env, s->engine };
}
