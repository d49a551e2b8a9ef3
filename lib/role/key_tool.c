#include "key_tool.h"

#include <stdio.h>
#include <stdlib.h>

#include "keys.h"
#include "lib/base/world.h"
#include "lib/crypto/token.h"

static int usage(const struct key_tool *tool, FILE *out, int code)
{
    fprintf(out,
            "%s keys new FILE [--token URI]   makes a master key; with --token an AES key of that token seals it\n"
            "%s keys id FILE                  the id of a master key, as administration and logs name it\n"
            "%s keys rewrap --config FILE     brings the key files named there under the present master key\n\n"
            "A URI is one of RFC 7512: pkcs11:token=…;object=…?module-path=…&pin-source=file:… (docs/keys.md).\n",
            tool->program, tool->program, tool->program);
    return code;
}

static int cannot(const struct key_tool *tool, const char *about, const char *why)
{
    fprintf(stderr, "%s keys: %s: %s\n", tool->program, about, why);
    return 1;
}

static int say(const struct key_tool *tool, const char *path, enum err err, struct master_key *master, const char *why)
{
    uint32_t id = master->id;
    wipe(master, sizeof *master);
    if (err != ERR_NONE)
        return cannot(tool, path, *why ? why : err_text(err));
    printf("%08X\n", id);
    return 0;
}

static int make(const struct key_tool *tool, const char *path, const char *token)
{
    struct master_key master = { 0 };
    char why[TOKEN_DETAIL_MAX] = "";
    enum err err = master_key_create(path, token, NULL, &master, why);
    return say(tool, path, err, &master, why);
}

static int identify(const struct key_tool *tool, const char *path)
{
    struct master_key master = { 0 };
    char why[TOKEN_DETAIL_MAX] = "";
    enum err err = master_key_read(path, &master, why);
    return say(tool, path, err, &master, why);
}

static enum err rewrap_one(struct daemon *d, struct keystore_soft *store, const char *section)
{
    const char *path = config_text(d->config, section, "key");
    bool changed = false;
    enum err err = keystore_soft_rewrap_file(store, path, &changed);
    if (err != ERR_NONE)
        snprintf(d->detail, sizeof d->detail, "[%s] key %s: %s", section, path, err_text(err));
    else
        printf("%s: %s\n", path, changed ? "is under the present master key now" : "stays as it is");
    return err;
}

static int rewrap_files(const struct key_tool *tool, struct daemon *d)
{
    struct keystore_soft *store = NULL;
    enum err err = role_keystore_read(d, tool->role, &store);
    if (err == ERR_NONE)
        err = rewrap_one(d, store, "tls");
    for (const char *s = NULL; err == ERR_NONE && (s = config_next(d->config, "card", s));)
        err = rewrap_one(d, store, s);
    keystore_soft_free(store);
    return err == ERR_NONE ? 0 : cannot(tool, "rewrap", d->detail);
}

static int rewrap(const struct key_tool *tool, const char *path)
{
    size_t count = 0;
    struct daemon d = { .name = tool->program };
    struct config_option *options = daemon_options(tool->options, tool->option_count, &count);
    int code = !options || config_load(path, options, count, &d.config, d.detail) != ERR_NONE
                   ? cannot(tool, path, d.detail)
                   : rewrap_files(tool, &d);
    config_free(d.config);
    free(options);
    return code;
}

int role_key_tool(const struct key_tool *tool, int argc, char **argv)
{
    world_forbid_dumps();
    bool token = argc == 5 && !strcmp(argv[3], "--token");
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(tool, stdout, 0);
    if (argc >= 3 && !strcmp(argv[1], "new") && (argc == 3 || token))
        return make(tool, argv[2], token ? argv[4] : NULL);
    if (argc == 3 && !strcmp(argv[1], "id"))
        return identify(tool, argv[2]);
    if (argc == 4 && !strcmp(argv[1], "rewrap") && !strcmp(argv[2], "--config"))
        return rewrap(tool, argv[3]);
    return usage(tool, stderr, 2);
}
