#include "secrets.h"

#include "sm-dp/turn.h"

/* Their keys are texts alone: the number of the walk is 0 always. */
static const struct statement PACKAGE_COUNT = { "secret-package-count", "SELECT COUNT(*) FROM package", NULL };
static const struct statement PACKAGE_PAGE = {
    "secret-package-page", "SELECT iccid, 0, package FROM package WHERE iccid>?1 AND ?2=0 ORDER BY iccid LIMIT 1", NULL
};
static const struct statement PACKAGE_PUT = { "secret-package-put",
                                              "UPDATE package SET package=?3 WHERE iccid=?1 AND ?2=0 AND package=?4",
                                              NULL };
static const struct statement KEYS_COUNT = { "secret-keys-count", "SELECT COUNT(*) FROM profile WHERE keys IS NOT NULL",
                                             NULL };
static const struct statement KEYS_PAGE = {
    "secret-keys-page",
    "SELECT iccid, 0, keys FROM profile WHERE keys IS NOT NULL AND iccid>?1 AND ?2=0 ORDER BY iccid LIMIT 32", NULL
};
static const struct statement KEYS_PUT = { "secret-keys-put",
                                           "UPDATE profile SET keys=?3 WHERE iccid=?1 AND ?2=0 AND keys=?4", NULL };
static const struct statement TOKEN_COUNT = { "secret-token-count", "SELECT COUNT(*) FROM profile WHERE token IS NOT NULL", NULL };
static const struct statement TOKEN_PAGE = {
    "secret-token-page", "SELECT iccid, 0, token FROM profile WHERE token IS NOT NULL AND iccid>?1 AND ?2=0 ORDER BY iccid LIMIT 32", NULL
};
static const struct statement TOKEN_PUT = { "secret-token-put", "UPDATE profile SET token=?3 WHERE iccid=?1 AND ?2=0 AND token=?4", NULL };
static const struct statement JOB_COUNT = { "secret-job-count", "SELECT COUNT(*) FROM job WHERE secret IS NOT NULL",
                                            NULL };
static const struct statement JOB_PAGE = {
    "secret-job-page", "SELECT id, 0, secret FROM job WHERE secret IS NOT NULL AND id>?1 AND ?2=0 ORDER BY id LIMIT 32",
    NULL
};
static const struct statement JOB_PUT = { "secret-job-put",
                                          "UPDATE job SET secret=?3 WHERE id=?1 AND ?2=0 AND secret=?4", NULL };

static struct span package_aad(const char *iccid, int64_t none, char out[REWRAP_AAD_MAX])
{
    (void)none;
    return smdp_package_aad(iccid, out);
}

static struct span keys_aad(const char *iccid, int64_t none, char out[REWRAP_AAD_MAX])
{
    (void)none;
    return smdp_keys_aad(iccid, out);
}

static struct span token_aad(const char *iccid, int64_t none, char out[REWRAP_AAD_MAX])
{
    (void)none;
    return smdp_token_aad(iccid, out);
}

static struct span job_aad(const char *id, int64_t none, char out[REWRAP_AAD_MAX])
{
    (void)none, (void)out;
    return span_text(id);
}

static const struct rewrap_table tables[] = {
    { "profile package", &PACKAGE_COUNT, &PACKAGE_PAGE, &PACKAGE_PUT, package_aad },
    { "keys of an ISD-P", &KEYS_COUNT, &KEYS_PAGE, &KEYS_PUT, keys_aad },
    { "key for delete tokens", &TOKEN_COUNT, &TOKEN_PAGE, &TOKEN_PUT, token_aad },
    { "secret of a procedure", &JOB_COUNT, &JOB_PAGE, &JOB_PUT, job_aad },
};

struct rewrap smdp_secrets(const struct smdp *s)
{
    return (struct rewrap){ tables, ARRAY_LEN(tables), &s->env, s->engine };
}
