#include "trail_tool.h"

#include <stdio.h>

#include "lib/io/database.h"
#include "store/schema.h"
#include "tool.h"
#include "trail_book.h"

/* ---- the program */

struct words {
    bool verify;
    const char *config, *eid;
};

static int usage(FILE *out, int code)
{
    fputs("osprey-sm-sr audit-trail export --config FILE [--eid DIGITS]   every record, one JSON object a line\n"
          "osprey-sm-sr audit-trail verify --config FILE [--eid DIGITS]   finds records that were changed or removed\n\n"
          "An SQLite database must not be in use by an SM-SR: stop it, or ask a copy. Exit code 0: good; 1: cannot be\n"
          "read; 2: wrong usage; 3: the trail is not what was written.\n",
          out);
    return code;
}

static bool eid_is_text(const char *text)
{
    struct eid eid;
    return eid_from_text(span_text(text), &eid) == ERR_NONE;
}

static bool words_read(int argc, char **argv, struct words *ret)
{
    *ret = (struct words){ .verify = argc > 1 && !strcmp(argv[1], "verify") };
    if (argc < 2 || (!ret->verify && strcmp(argv[1], "export") != 0))
        return false;
    for (int i = 2; i < argc; i += 2) {
        const char **value = !strcmp(argv[i], "--config") ? &ret->config : !strcmp(argv[i], "--eid") ? &ret->eid : NULL;
        if (!value || i + 1 == argc)
            return false;
        *value = argv[i + 1];
    }
    return ret->config;
}

static int cannot(const char *detail) { return smsr_tool_cannot("audit-trail", detail); }

static int verify(struct store *store, const char *eid)
{
    struct trail_counts c;
    enum err err = smsr_trail_verify(store, eid, stdout, &c);
    if (err != ERR_NONE)
        return cannot(err_text(err));
    if (eid && !c.records && !c.old && !c.wrong) {
        printf("there is no record of %s: it is not here, or nothing was done with it yet\n", eid);
        return 0;
    }
    printf("%llu eUICC%s, %llu record%s%s: %s\n", (unsigned long long)c.euiccs, c.euiccs == 1 ? "" : "s",
           (unsigned long long)c.records, c.records == 1 ? "" : "s", c.old ? ", and older ones that nothing proves" : "", c.wrong ? "NOT what was written" : "good");
    return c.wrong ? 3 : 0;
}

static int run(const void *of, const struct config *config)
{
    const struct words *words = of;
    char detail[DATABASE_DETAIL_MAX] = "";
    enum err err = ERR_NONE;
    struct database *d = database_open(config_text(config, "sm-sr", "database"), smsr_migrations, SMSR_MIGRATIONS, NULL,
                                       &err, detail);
    if (!d)
        return cannot(*detail ? detail : err_text(err));
    int code = 0;
    if (words->verify)
        code = verify(database_seam(d), words->eid);
    else if ((err = smsr_trail_export(database_seam(d), words->eid, stdout)) != ERR_NONE)
        code = cannot(err_text(err));
    database_close(d);
    return code;
}

int smsr_trail_main(int argc, char **argv)
{
    struct words words;
    if (argc > 1 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (!words_read(argc, argv, &words))
        return usage(stderr, 2);
    if (words.eid && !eid_is_text(words.eid)) {
        smsr_tool_cannot("audit-trail", "--eid: that is no EID");
        return 2;
    }
    return smsr_tool("audit-trail", words.config, run, &words);
}
