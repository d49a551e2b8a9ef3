#include "restored_tool.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/world.h"
#include "lib/io/database.h"
#include "store/euicc.h"
#include "store/schema.h"
#include "tool.h"

/* What the cards may have seen since: more packets than any SM-SR sends one card in the life of a backup. */
#define COUNTERS_AHEAD   1000000
#define NODES_AHEAD      1000 /* numbers that processes of the lost time may have had */
#define EACH_SECOND      "50"

/* No counter is used twice. */
static const struct statement COUNTERS = { "restored-counters", "UPDATE keyset SET counter=counter+?1 WHERE usage=?2", NULL };
/* (first, audits in a second) */
static const struct statement AUDITS = {
    "restored-audits",
    "INSERT INTO timer (line, name, due_ms) SELECT eid, '" SMSR_RESTORED "', ?1+1000*(row_number() OVER (ORDER BY eid)-1)/?2 FROM euicc"
    " WHERE coming=0 ON CONFLICT (line, name) DO UPDATE SET due_ms=excluded.due_ms",
    "INSERT INTO timer (line, name, due_ms) SELECT eid, '" SMSR_RESTORED
    "', $1::bigint+1000*(row_number() OVER (ORDER BY eid)-1)/$2::bigint FROM euicc"
    " WHERE coming=0 ON CONFLICT (line, name) DO UPDATE SET due_ms=excluded.due_ms"
};
static const struct statement SESSIONS = { "restored-sessions", "DELETE FROM presence", NULL };
static const struct statement NODES = { "restored-nodes", NULL, "UPDATE osprey_schema SET nodes=nodes+$1::bigint" };
static const struct statement ALIVE = { "restored-alive", NULL, "UPDATE osprey_node SET beat_ms=0" };

struct words {
    const char *config, *per_second;
};

static int usage(FILE *out, int code)
{
    fputs("osprey-sm-sr after-restore --config FILE [--per-second N]\n\n"
          "After the database was restored to an earlier time, before any SM-SR is started: counters of key sets go ahead of\n"
          "what the cards may have seen, and each eUICC is audited, " EACH_SECOND " in a second or N: the record follows the card.\n"
          "Exit code 0: done; 1: cannot be done; 2: wrong usage.\n",
          out);
    return code;
}

static bool words_read(int argc, char **argv, struct words *ret)
{
    *ret = (struct words){ .per_second = EACH_SECOND };
    for (int i = 1; i < argc; i += 2) {
        const char **value = !strcmp(argv[i], "--config")       ? &ret->config
                             : !strcmp(argv[i], "--per-second") ? &ret->per_second
                                                                : NULL;
        if (!value || i + 1 == argc)
            return false;
        *value = argv[i + 1];
    }
    return ret->config && atoi(ret->per_second) > 0;
}

static int cannot(const char *detail) { return smsr_tool_cannot("after-restore", detail); }

static void note(void *context, enum err err) { *(enum err *)context = err; }

static enum err look_ahead(struct database *d, bool postgres, int per_second)
{
    struct clock *clock = world_clock();
    const struct value counters[] = { value_int(COUNTERS_AHEAD), value_int(KEYSET_SCP80) };
    const struct value audits[] = { value_int((int64_t)clock->now_ms(clock)), value_int(per_second) };
    const struct value nodes = value_int(NODES_AHEAD);
    const struct write writes[] = {
        { .statement = &COUNTERS, .params = counters, .param_count = 2, .expect_rows = -1 },
        { .statement = &AUDITS, .params = audits, .param_count = 2, .expect_rows = -1 },
        { .statement = &SESSIONS, .expect_rows = -1 },
        { .statement = &NODES, .params = &nodes, .param_count = 1, .expect_rows = -1 },
        { .statement = &ALIVE, .expect_rows = -1 },
    };
    enum err err = ERR_BUSY;
    database_seam(d)->commit(database_seam(d), writes, ARRAY_LEN(writes) - (postgres ? 0 : 2), note, &err);
    return err;
}

static int run(const void *of, const struct config *config)
{
    const struct words *words = of;
    char detail[DATABASE_DETAIL_MAX] = "";
    enum err err = ERR_NONE;
    const char *name = config_text(config, "sm-sr", "database");
    struct database *d = database_open(name, smsr_migrations, SMSR_MIGRATIONS, NULL, &err, detail);
    if (!d)
        return cannot(*detail ? detail : err_text(err));
    err = look_ahead(d, database_is_postgres(name), atoi(words->per_second));
    int code = err == ERR_NONE ? 0 : cannot(database_detail(d));
    database_close(d);
    if (!code)
        printf("counters are ahead by %d; each eUICC is audited once an SM-SR runs, %s in a second\n", COUNTERS_AHEAD, words->per_second);
    return code;
}

int smsr_restored_main(int argc, char **argv)
{
    struct words words;
    if (argc > 1 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (!words_read(argc, argv, &words))
        return usage(stderr, 2);
    return smsr_tool("after-restore", words.config, run, &words);
}
