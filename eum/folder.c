#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/file.h"

#define CHAIN_PEM_MAX (CHAIN_ROOTS_MAX * X509_PEM_MAX)
#define KEY_NAME_MAX  40u

const char *folder_path(const char *folder, const char *name, char out[FOLDER_PATH_MAX])
{
    int len = snprintf(out, FOLDER_PATH_MAX, "%s/%s", folder, name);
    return len > 0 && len < (int)FOLDER_PATH_MAX ? out : NULL;
}

static enum err explain(char detail[FOLDER_DETAIL_MAX], enum err err, const char *what, const char *path)
{
    if (err != ERR_NONE)
        snprintf(detail, FOLDER_DETAIL_MAX, "%s %s: %s", what, path, err_text(err));
    return err;
}

enum err folder_open(const char *folder, struct rng *rng, struct keystore_soft **ret, char detail[FOLDER_DETAIL_MAX])
{
    char path[FOLDER_PATH_MAX];
    enum err err = explain(detail, file_make_folder(folder), "folder", folder);
    if (err != ERR_NONE)
        return err;
    if (!folder_path(folder, "master.key", path))
        return explain(detail, ERR_TOO_LONG, "path", folder);
    return explain(detail, keystore_soft_open(path, true, rng, ret), "master key", path);
}

enum err folder_put(const char *folder, const char *name, struct span bytes, char detail[FOLDER_DETAIL_MAX])
{
    char path[FOLDER_PATH_MAX];
    if (!folder_path(folder, name, path))
        return explain(detail, ERR_TOO_LONG, "path", folder);
    return explain(detail, file_write(path, bytes), "writing", path);
}

enum err folder_put_pem(const char *folder, const char *name, const struct x509 *const *chain, size_t count,
                        char detail[FOLDER_DETAIL_MAX])
{
    struct arena arena;
    arena_init(&arena, CHAIN_PEM_MAX + 1024);
    struct writer w = wr_arena(&arena, CHAIN_PEM_MAX);
    for (size_t i = 0; i < count; i++)
        x509_pem(chain[i], &w);
    enum err err = w.err == ERR_NONE ? folder_put(folder, name, wr_span(&w), detail) : w.err;
    arena_release(&arena);
    return err;
}

static enum err put_plain(const char *path, const struct ec_key *key)
{
    char *pem = NULL;
    enum err err = access(path, F_OK) == 0 ? ERR_EXISTS : ec_private_pem(key, &pem);
    if (err == ERR_NONE)
        err = file_write(path, span_text(pem));
    ec_pem_free(pem);
    return err;
}

enum err folder_put_key(const char *folder, struct keystore_soft *ks, const char *name, struct ec_key *key, bool plain,
                        char detail[FOLDER_DETAIL_MAX])
{
    char path[FOLDER_PATH_MAX], file[KEY_NAME_MAX];
    snprintf(file, sizeof file, "%s.key", name);
    enum err err = keystore_soft_add(ks, name, key);
    if (err != ERR_NONE)
        return explain(detail, err, "key", name);
    if (!folder_path(folder, file, path))
        return explain(detail, ERR_TOO_LONG, "path", folder);
    return explain(detail, plain ? put_plain(path, key) : keystore_soft_save(ks, name, path), "writing", path);
}

/* ---- authorities ---- */

static enum err read_key(const char *folder, const char *name, struct folder_authority *a, char *detail)
{
    char path[FOLDER_PATH_MAX], file[KEY_NAME_MAX];
    enum err err =
        folder_path(folder, "master.key", path) ? keystore_soft_open(path, false, NULL, &a->ks) : ERR_TOO_LONG;
    if (err != ERR_NONE)
        return explain(detail, err, "master key of", folder);
    snprintf(file, sizeof file, "%s.key", name);
    err = folder_path(folder, file, path) ? keystore_soft_load(a->ks, name, path, NULL) : ERR_TOO_LONG;
    return explain(detail, err, "key", path);
}

static enum err read_certificates(const char *folder, const char *name, struct folder_authority *a, char *detail)
{
    char path[FOLDER_PATH_MAX], file[KEY_NAME_MAX];
    snprintf(file, sizeof file, "%s.pem", name);
    enum err err = folder_path(folder, file, path) ? x509_load(path, &a->certificate) : ERR_TOO_LONG;
    if (err == ERR_NONE)
        err = x509_oid(a->certificate, &a->oid);
    if (err != ERR_NONE)
        return explain(detail, err, "certificate", path);
    err = folder_path(folder, "ci.pem", path) ? trust_load(&a->trust, path) : ERR_TOO_LONG;
    return explain(detail, err, "trusted certificates", path);
}

enum err folder_authority_open(const char *folder, const char *name, struct folder_authority *ret,
                               char detail[FOLDER_DETAIL_MAX])
{
    struct folder_authority a = { 0 };
    enum err err = read_key(folder, name, &a, detail);
    if (err == ERR_NONE)
        err = read_certificates(folder, name, &a, detail);
    if (err != ERR_NONE) {
        folder_authority_done(&a);
        return err;
    }
    a.authority = (struct eum_authority){ a.certificate, keystore_soft_key(a.ks, name) };
    *ret = a;
    return ERR_NONE;
}

void folder_authority_done(struct folder_authority *a)
{
    keystore_soft_free(a->ks);
    x509_free(a->certificate);
    trust_done(&a->trust);
}
