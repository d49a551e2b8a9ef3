/* The batch: what came in is stored in one transaction, then answered and delivered. */
#include "smsc_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VALIDITY_DEFAULT_S (2u * 24u * 3600u)
#define LOAD_ARENA_MAX ((size_t)SMSC_STORED_MAX * 2048u)

const char SMSC_SCHEMA[] = "CREATE TABLE message ("
                           " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                           " from_ton INTEGER NOT NULL, from_npi INTEGER NOT NULL, sender TEXT NOT NULL,"
                           " to_ton INTEGER NOT NULL, to_npi INTEGER NOT NULL, receiver TEXT NOT NULL,"
                           " esm_class INTEGER NOT NULL, pid INTEGER NOT NULL, dcs INTEGER NOT NULL,"
                           " priority INTEGER NOT NULL, registered INTEGER NOT NULL,"
                           " expires_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, copies INTEGER NOT NULL,"
                           " body BLOB NOT NULL);";

static const struct statement insert_message = {
    "message_insert", "INSERT INTO message VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)", NULL
};
static const struct statement delete_message = { "message_delete", "DELETE FROM message WHERE id = ?1", NULL };
static const struct statement copies_message = { "message_copies", "UPDATE message SET copies = ?2 WHERE id = ?1",
                                                 NULL };
static const struct statement load_messages = { "message_load", "SELECT * FROM message ORDER BY id", NULL };
static const struct statement last_id = { "message_last", "SELECT seq FROM sqlite_sequence WHERE name = 'message'",
                                          NULL };

enum { INSERT_PARAMS = 16 };

/* ---- chance: of the message, not of the moment, so that a restart does not throw the dice again ---- */

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static uint64_t chance(const struct smsc *s, int64_t id, unsigned which)
{
    return mixed(s->options.seed * 0x9E3779B97F4A7C15u + (uint64_t)id * 16 + which);
}

static bool falls(const struct smsc *s, int64_t id, unsigned which, uint32_t permille)
{
    return chance(s, id, which) % 1000 < permille;
}

static void weather(struct smsc *s, struct message *m, uint64_t now)
{
    const struct smsc_options *o = &s->options;
    m->copies = falls(s, m->id, 1, o->duplicate_permille) ? 2 : 1;
    s->counts.duplicated += m->copies - 1;
    if (o->delay_max_ms != 0 && falls(s, m->id, 2, o->delay_permille)) {
        m->next_ms = now + chance(s, m->id, 3) % o->delay_max_ms;
        s->counts.delayed++;
    }
    if (falls(s, m->id, 4, o->loss_permille)) {
        m->copies = 0;
        s->counts.lost++;
    }
}

/* ---- messages coming in and going away ---- */

static void commit(struct smsc *s);

static bool fresh_add(struct smsc *s, struct message *m, struct smsc_esme *e, uint32_t sequence)
{
    if (s->fresh_count == SMSC_BATCH_MAX && !s->delivering)
        commit(s);
    if (s->fresh_count == SMSC_BATCH_MAX)
        return false;
    s->fresh[s->fresh_count++] = (struct submission){ m, e, sequence };
    return true;
}

uint32_t submit(struct smsc *s, struct smsc_esme *e, uint32_t sequence, const struct smpp_sm *sm)
{
    uint64_t now = smsc_now(s);
    if (digits_of(&sm->to)[0] == '\0')
        return SMPP_INVALID_DESTINATION;
    if (s->counts.stored + s->fresh_count >= SMSC_STORED_MAX)
        return SMPP_QUEUE_FULL;
    struct message *m = sm->message.len <= MESSAGE_MAX ? message_new(sm) : NULL;
    if (m == NULL)
        return sm->message.len > MESSAGE_MAX ? SMPP_INVALID_LENGTH : SMPP_SYSTEM_ERROR;
    m->id = s->next_id++;
    m->expires_ms = now + smpp_validity_s(sm->validity, now, s->options.validity_s) * 1000u;
    weather(s, m, now);
    if (!fresh_add(s, m, e, sequence)) {
        free(m);
        return SMPP_THROTTLED;
    }
    s->counts.submitted++;
    s->env.clock->wake_at(s->env.clock, now);
    return SMPP_OK;
}

void message_changed(struct smsc *s, struct message *m)
{
    for (size_t i = 0; i < s->changed_count; i++)
        if (s->changed[i] == m)
            return;
    if (s->changed_count < SMSC_BATCH_MAX) /* else changed_gather finds it */
        s->changed[s->changed_count++] = m;
}

static void date_text(uint64_t at_ms, char out[11])
{
    time_t seconds = (time_t)(at_ms / 1000u);
    struct tm t;
    gmtime_r(&seconds, &t);
    strftime(out, 11, "%y%m%d%H%M", &t);
}

/* Delivery receipt, SMPP 3.4 Appendix B. */
static void receipt(struct smsc *s, const struct message *m, const char *status)
{
    char text[160], date[11];
    int64_t id = m->id;
    bool wanted =
        (m->sm.registered_delivery & 3) == 1 || ((m->sm.registered_delivery & 3) == 2 && strcmp(status, "DELIVRD"));
    if (!wanted || m->sm.esm_class & SMPP_ESM_RECEIPT)
        return;
    date_text(smsc_now(s), date);
    int len = snprintf(text, sizeof text,
                       "id:%" PRId64 " sub:001 dlvrd:00%d submit date:%s done date:%s stat:%s err:000 text:", id,
                       strcmp(status, "DELIVRD") == 0, date, date, status);
    struct smpp_sm sm = { .from = m->sm.to, .to = m->sm.from, .esm_class = SMPP_ESM_RECEIPT,
                          .message = { (const uint8_t *)text, (size_t)len } };
    if (submit(s, NULL, 0, &sm) != SMPP_OK)
        log_fact(s->env.log, LOG_WARN_, NULL, "no room for the receipt of message %" PRId64, id);
}

/* Over: leaves the queue when that is written. */
void message_finish(struct smsc *s, struct message *m, const char *status)
{
    if (m->state == MESSAGE_OVER)
        return;
    m->state = MESSAGE_OVER;
    log_fact(s->env.log, LOG_DEBUG_, NULL, "message %" PRId64 " to %s: %s", m->id, m->sm.to.text, status);
    message_changed(s, m);
    receipt(s, m, status);
    s->env.clock->wake_at(s->env.clock, smsc_now(s));
}

/* ---- the transaction ---- */

struct batch {
    struct write writes[2 * SMSC_BATCH_MAX];
    struct value inserts[SMSC_BATCH_MAX][INSERT_PARAMS], changes[SMSC_BATCH_MAX][2];
    size_t count;
};

static void write_insert(struct batch *b, size_t i, const struct message *m)
{
    const struct smpp_sm *sm = &m->sm;
    const struct value params[INSERT_PARAMS] = {
        value_int(m->id),
        value_int(sm->from.ton),
        value_int(sm->from.npi),
        value_text(sm->from.text),
        value_int(sm->to.ton),
        value_int(sm->to.npi),
        value_text(sm->to.text),
        value_int(sm->esm_class),
        value_int(sm->pid),
        value_int(sm->dcs),
        value_int(sm->priority),
        value_int(sm->registered_delivery),
        value_int((int64_t)m->expires_ms),
        value_int((int64_t)m->next_ms),
        value_int(m->copies),
        value_blob(sm->message),
    };
    memcpy(b->inserts[i], params, sizeof params);
    b->writes[b->count++] = (struct write){ &insert_message, b->inserts[i], INSERT_PARAMS, 1 };
}

static void write_change(struct batch *b, size_t i, const struct message *m)
{
    bool over = m->state == MESSAGE_OVER;
    b->changes[i][0] = value_int(m->id);
    b->changes[i][1] = value_int(m->copies);
    b->writes[b->count++] = (struct write){ over ? &delete_message : &copies_message, b->changes[i], over ? 1 : 2, -1 };
}

/* After a commit: those stored are answered and queued, those lost on the air forgotten. */
static void fresh_done(struct smsc *s, enum err err)
{
    for (size_t i = 0; i < s->fresh_count; i++) {
        struct submission *f = &s->fresh[i];
        char id[24];
        snprintf(id, sizeof id, "%" PRId64, f->message->id);
        enum err queued = err != ERR_NONE ? err : f->message->copies == 0 ? ERR_EXPIRED : queue_add(s, f->message);
        if (f->esme != NULL)
            smpp_session_answer(&f->esme->session, f->sequence,
                                queued == ERR_NONE || queued == ERR_EXPIRED ? SMPP_OK : SMPP_QUEUE_FULL, id);
        if (queued != ERR_NONE)
            free(f->message);
    }
    s->fresh_count = 0;
}

static void changed_done(struct smsc *s)
{
    for (size_t i = 0; i < s->changed_count; i++)
        if (s->changed[i]->state == MESSAGE_OVER)
            queue_remove(s, s->changed[i]);
    s->changed_count = 0;
}

static void on_committed(void *context, enum err err)
{
    struct smsc *s = context;
    s->committing = false;
    if (err != ERR_NONE && err != ERR_NO_SPACE && err != ERR_BUSY) {
        log_fact(s->env.log, LOG_ERROR_, NULL, "the store failed: %s", err_text(err));
        if (s->options.on_fatal != NULL)
            s->options.on_fatal(s->options.context, err);
        return;
    }
    if (err != ERR_NONE)
        log_fact(s->env.log, LOG_ERROR_, NULL, "messages refused: %s", err_text(err));
    fresh_done(s, err);
    if (err == ERR_NONE)
        changed_done(s);
}

/* Finished messages that found no room among the changed ones are found again here. */
static void changed_gather(struct smsc *s)
{
    for (size_t i = 0; i < DESTINATIONS && s->changed_count < SMSC_BATCH_MAX; i++)
        for (struct destination *d = s->buckets[i]; d != NULL; d = d->next)
            for (struct message *m = d->first; m != NULL; m = m->next)
                if (m->state == MESSAGE_OVER)
                    message_changed(s, m);
}

static void commit(struct smsc *s)
{
    static struct batch batch; /* its content is used inside commit() only */
    struct batch *b = &batch;
    if (s->committing || s->fresh_count + s->changed_count == 0)
        return;
    b->count = 0;
    for (size_t i = 0; i < s->fresh_count; i++)
        if (s->fresh[i].message->copies != 0)
            write_insert(b, i, s->fresh[i].message);
    for (size_t i = 0; i < s->changed_count; i++)
        write_change(b, i, s->changed[i]);
    bool full = s->changed_count == SMSC_BATCH_MAX;
    s->committing = true;
    s->env.store->commit(s->env.store, b->writes, b->count, on_committed, s);
    if (full)
        changed_gather(s);
}

void smsc_run(struct smsc *s)
{
    uint64_t now = smsc_now(s), due = UINT64_MAX;
    commit(s);
    esmes_tick(s, now, &due);
    queue_mark_due(s, now);
    s->delivering = true;
    queue_deliver(s, now);
    s->delivering = false;
    esmes_sweep(s);
    if (s->scan_ms < due)
        due = s->scan_ms;
    if (s->fresh_count + s->changed_count != 0)
        due = now;
    if (due != UINT64_MAX)
        s->env.clock->wake_at(s->env.clock, due);
}

/* ---- the start ---- */

static void on_loaded(void *context, enum err err) { *(enum err *)context = err; }

static void row_address(const struct row *row, size_t column, struct smpp_address *a)
{
    a->ton = (uint8_t)row_int(row, column);
    a->npi = (uint8_t)row_int(row, column + 1);
    row_text(row, column + 2, a->text, sizeof a->text);
}

static enum err message_load(struct smsc *s, const struct row *row)
{
    struct smpp_sm sm = { .esm_class = (uint8_t)row_int(row, 7), .pid = (uint8_t)row_int(row, 8),
                          .dcs = (uint8_t)row_int(row, 9), .priority = (uint8_t)row_int(row, 10),
                          .registered_delivery = (uint8_t)row_int(row, 11), .message = row_bytes(row, 15) };
    row_address(row, 1, &sm.from);
    row_address(row, 4, &sm.to);
    struct message *m = message_new(&sm);
    if (m == NULL)
        return ERR_NO_MEMORY;
    m->id = row_int(row, 0);
    m->expires_ms = (uint64_t)row_int(row, 12);
    m->next_ms = (uint64_t)row_int(row, 13);
    m->copies = (uint32_t)row_int(row, 14);
    return queue_add(s, m);
}

static enum err load(struct smsc *s)
{
    struct arena arena;
    arena_init(&arena, LOAD_ARENA_MAX);
    struct rowset rows = { .arena = &arena };
    const struct query *messages = rowset_want(&rows, &load_messages, NULL, 0);
    const struct query *last = rowset_want(&rows, &last_id, NULL, 0);
    enum err err = ERR_IO;
    s->env.store->load(s->env.store, &rows, on_loaded, &err);
    for (size_t i = 0; err == ERR_NONE && i < messages->row_count; i++)
        err = message_load(s, &messages->rows[i]);
    if (err == ERR_NONE)
        s->next_id = last->row_count ? row_int(&last->rows[0], 0) + 1 : 1;
    arena_release(&arena);
    return err;
}

enum err smsc_new(const struct smsc_options *options, const struct env *env, struct smsc **ret)
{
    struct smsc *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NO_MEMORY;
    s->options = *options;
    s->env = *env;
    s->scan_ms = 0;
    if (s->options.validity_s == 0)
        s->options.validity_s = VALIDITY_DEFAULT_S;
    enum err err = load(s);
    if (err != ERR_NONE) {
        smsc_free(s);
        return err;
    }
    *ret = s;
    return ERR_NONE;
}

void smsc_free(struct smsc *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->fresh_count; i++)
        free(s->fresh[i].message);
    queue_free(s);
    while (s->esmes != NULL) {
        struct smsc_esme *e = s->esmes;
        s->esmes = e->next;
        free(e);
    }
    free(s);
}

struct smsc_counts smsc_counts(const struct smsc *s) { return s->counts; }
