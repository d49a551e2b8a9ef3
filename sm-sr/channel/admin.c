#include "admin.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/hex.h"
#include "lib/scp/scp81.h"
#include "lib/wire/http1.h"
#include "sm-sr/turn.h"

#define OUT_MAX         (TLS_RECORD_MAX + TLS_FLIGHT_MAX)
#define PLAIN_MAX       (TLS_RECORD_MAX + 1024u)
#define SCRIPT_HEAD_MAX 512u
#define WRITE_MAX       (TLS_RECORD_MAX - 1024u)

enum session_state { S_READING, S_ASKED, S_HELD, S_CLOSING };
struct smsr_session {
    struct smsr *smsr;
    const struct smsr_admin_peer *peer;
    void *connection;
    struct tls *tls;
    struct eid eid;
    char eid_text[EID_TEXT_SIZE];
    bool known, busy; /* busy: the card has a script */
    uint32_t generation;
    enum session_state state;
    uint64_t since_ms; /* in this state */
    uint64_t kept_ms;  /* a download keeps it until then, whatever else is done meanwhile */
    struct http1_reader http;
    uint8_t *body;
    size_t body_len, body_cap;
    struct smsr_session *next;      /* of all */
    struct smsr_session *next_same; /* in its bucket, once the eUICC is known */
    uint32_t slot;
    uint8_t head[HTTP1_HEAD_MAX];
};

static uint64_t now(const struct smsr *s) { return s->env.clock->now_ms(s->env.clock); }

struct span smsr_admin_script(struct arena *a, const struct smsr_config *config, const struct exchange *x)
{
    struct writer w = wr_arena(a, x->script.len + SCRIPT_HEAD_MAX);
    WRITER_ON_STACK(next, 256);
    WRITER_ON_STACK(target, SCP81_TARGET_MAX);
    wr_printf(&next, "%s?c=%u", config->admin_uri, x->n);
    http1_wr_response(&w, 200);
    http1_wr_header(&w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
    http1_wr_header(&w, SCP81_HEADER_NEXT_URI, wr_span(&next));
    if (!aid_eq(&x->target, &AID_ISDR)) {
        scp81_target_write(&target, aid_span(&x->target));
        http1_wr_header(&w, SCP81_HEADER_TARGET, wr_span(&target));
    }
    http1_wr_header(&w, "Content-Type", span_text(SCP81_TYPE_COMMAND));
    http1_wr_chunked(&w, x->script);
    return wr_span(&w);
}

/* ---- finding: by slot for answers, by EID for what a procedure wants to send */

static struct smsr_session **bucket_of(const struct smsr *s, const struct eid *eid)
{
    return (struct smsr_session **)&s->session_buckets[span_hash(SPAN_OF(eid->octets)) % SMSR_SESSION_BUCKETS];
}

static void bucket_add(struct smsr_session *session)
{
    struct smsr_session **bucket = bucket_of(session->smsr, &session->eid);
    session->next_same = *bucket;
    *bucket = session;
}

static void list_remove(struct smsr_session **list, struct smsr_session *session, bool same)
{
    while (*list && *list != session)
        list = same ? &(*list)->next_same : &(*list)->next;
    if (*list)
        *list = same ? session->next_same : session->next;
}

static bool slot_take(struct smsr *s, struct smsr_session *session)
{
    for (uint32_t i = 0; i < SMSR_SESSIONS_MAX; i++) {
        uint32_t slot = (s->next_generation + i) % SMSR_SESSIONS_MAX;
        if (!s->session_slots[slot]) {
            s->session_slots[slot] = session;
            session->slot = slot;
            return true;
        }
    }
    return false;
}

/* ---- life of a session */

struct smsr_session *smsr_admin_open(struct smsr *s, const struct smsr_admin_peer *peer, void *connection)
{
    if (s->session_count >= SMSR_SESSIONS_MAX)
        return NULL;
    struct smsr_session *session = calloc(1, sizeof *session);
    if (!session || tls_server_new(s->tls, &session->tls) != ERR_NONE) {
        free(session);
        return NULL;
    }
    session->smsr = s;
    session->peer = peer;
    session->connection = connection;
    session->generation = ++s->next_generation;
    (void)!slot_take(s, session); /* there is one: fewer than SMSR_SESSIONS_MAX are open */
    session->since_ms = now(s);
    session->next = s->sessions;
    http1_reader_init(&session->http, HTTP1_REQUEST, session->head, sizeof session->head, SMSR_ADMIN_BODY_MAX);
    session->http.lenient_end = true;
    s->sessions = session;
    s->session_count++;
    s->counts.sessions++;
    return session;
}

static void session_free(struct smsr_session *session)
{
    struct smsr *s = session->smsr;
    list_remove(&s->sessions, session, false);
    if (session->known)
        list_remove(bucket_of(s, &session->eid), session, true);
    s->session_slots[session->slot] = NULL;
    s->session_count--;
    tls_free(session->tls);
    free(session->body);
    free(session);
}

void smsr_admin_lost(struct smsr_session *session) { session_free(session); }

static void session_close(struct smsr_session *session, const char *why)
{
    const struct smsr_admin_peer *peer = session->peer;
    void *connection = session->connection;
    if (why)
        log_fact(session->smsr->env.log, LOG_WARN_, session->known ? session->eid_text : NULL,
                 "administration session ends: %s", why);
    session_free(session);
    peer->close(connection);
}

void smsr_admin_close_all(struct smsr *s)
{
    while (s->sessions)
        session_close(s->sessions, NULL);
}

bool smsr_admin_busy(const struct smsr *s)
{
    for (const struct smsr_session *session = s->sessions; session; session = session->next)
        if (session->busy)
            return true;
    return false;
}

/* ---- the key for an identity, from the store */

static void note(void *context, enum err err) { *(enum err *)context = err; }

static enum err psk_load(struct smsr *s, const struct smsr_session *session, uint8_t kvn, struct span *ret,
                         uint8_t *room, struct arena *a)
{
    struct rowset *rows = ARENA_NEW(a, struct rowset);
    enum err err = ERR_BUSY;
    char aad[SMSR_AAD_SIZE];
    if (!rows)
        return ERR_NO_MEMORY;
    *rows = (struct rowset){ .arena = a };
    const struct query *q = ROWSET_WANT(rows, &SMSR_KEYSET_LOAD, value_text(session->eid_text));
    s->env.store->load(s->env.store, rows, note, &err);
    for (size_t i = 0; err == ERR_NONE && i < q->row_count; i++) {
        const struct row *row = &q->rows[i];
        struct span wrapped = row_bytes(row, 4);
        if (row_int(row, 0) != kvn || row_int(row, 1) != KEYSET_SCP81 || wrapped.len > SMSR_SCP_KEYS_MAX)
            continue;
        err = s->env.keys->unwrap(s->env.keys, smsr_keyset_aad(session->eid_text, kvn, aad), wrapped, room,
                                  SMSR_SCP_KEYS_MAX);
        *ret = (struct span){ room + 1, room[0] };
        return err;
    }
    return err == ERR_NONE ? ERR_NOT_FOUND : err;
}

/* An unknown identity gets a key that nobody has, and fails as a wrong key does: strangers learn no EIDs (RFC 4279 §2). */
static void psk_give(struct smsr_session *session)
{
    uint8_t nobody[16];
    struct smsr *s = session->smsr;
    struct scp81_identity id;
    struct span psk = SPAN_NONE;
    uint8_t room[SMSR_SCP_KEYS_MAX] = { 0 };
    struct arena a;
    arena_init(&a, 1u << 18);
    enum err err = scp81_identity_parse(span_text(tls_identity(session->tls)), &id);
    if (err == ERR_NONE && eid_from_octets(SPAN_OF(id.eid), &session->eid) == ERR_NONE &&
        span_eq(SPAN_OF(id.aid), aid_span(&AID_ISDR))) {
        eid_text(&session->eid, session->eid_text);
        err = psk_load(s, session, id.kvn, &psk, room, &a);
    } else {
        err = ERR_BAD_VALUE;
    }
    session->known = err == ERR_NONE;
    if (!session->known) {
        log_fact(s->env.log, LOG_WARN_, NULL, err == ERR_CLOSED ? "administration session while the database cannot be reached"
                                                                : "administration session with an identity that is not known here");
        s->env.rng->fill(s->env.rng, nobody, sizeof nobody);
    }
    if (tls_psk(session->tls, session->known ? psk : SPAN_OF(nobody)) != ERR_NONE)
        session->known = false;
    if (session->known)
        bucket_add(session);
    wipe(room, sizeof room);
    arena_release(&a);
}

/* ---- requests */

static bool body_add(struct smsr_session *session, struct span piece)
{
    if (session->body_len + piece.len > session->body_cap) {
        size_t cap = 2 * (session->body_len + piece.len) + 1024;
        uint8_t *grown = realloc(session->body, cap);
        if (!grown)
            return false;
        session->body = grown;
        session->body_cap = cap;
    }
    if (piece.len)
        memcpy(session->body + session->body_len, piece.ptr, piece.len);
    session->body_len += piece.len;
    return true;
}

static struct span parameter(struct span target, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i + len < target.len; i++)
        if ((target.ptr[i] == '?' || target.ptr[i] == '&') && i + 1 + len <= target.len &&
            !memcmp(target.ptr + i + 1, name, len)) {
            struct span value = span_from(target, i + 1 + len);
            const uint8_t *end = value.len ? memchr(value.ptr, '&', value.len) : NULL;
            return end ? span_sub(value, 0, (size_t)(end - value.ptr)) : value;
        }
    return SPAN_NONE;
}

static uint32_t number(struct span digits)
{
    uint32_t n = 0;
    for (size_t i = 0; i < digits.len && i < 9 && digits.ptr[i] >= '0' && digits.ptr[i] <= '9'; i++)
        n = 10 * n + (uint32_t)(digits.ptr[i] - '0');
    return n;
}

static void request_post(struct smsr_session *session)
{
    struct smsr *s = session->smsr;
    const struct http1_head *head = &session->http.head;
    struct event *event = engine_event(s->engine, SMSR_EVENT_POST, session->eid_text);
    struct post_event *p = event ? ARENA_NEW(event->arena, struct post_event) : NULL;
    enum err err = ERR_NONE;
    session->state = S_ASKED;
    session->since_ms = now(s);
    if (!p) {
        engine_event_free(event);
        return;
    }
    struct span notification = parameter(head->target, "msg=");
    p->script = number(parameter(head->target, "c="));
    if (notification.len)
        p->notification = hex_to_arena(event->arena, notification, &err);
    if (err != ERR_NONE)
        p->notification = SPAN_NONE;
    p->status = arena_copy(event->arena, http1_header_find(head->headers, head->header_count, SCP81_HEADER_STATUS));
    p->body = arena_copy(event->arena, (struct span){ session->body, session->body_len });
    event->data = p;
    event->reply = (struct reply_ref){ SMSR_NODE_ADMIN, session->slot, session->generation };
    session->body_len = 0;
    if (engine_post(s->engine, event) != ERR_NONE)
        log_fact(s->env.log, LOG_WARN_, session->eid_text, "too busy for a session");
}

/* false: the session is closed. */
static bool read_http(struct smsr_session *session, struct span plain)
{
    struct reader in = rd_of(plain);
    struct span piece;
    for (;;) {
        switch (http1_next(&session->http, &in, &piece)) {
        case HTTP1_HEAD:
            if (session->state != S_READING) {
                session_close(session, "a request before the answer to the last one");
                return false;
            }
            break;
        case HTTP1_BODY:
            if (!body_add(session, piece)) {
                session_close(session, "no memory");
                return false;
            }
            break;
        case HTTP1_DONE:
            request_post(session);
            break;
        case HTTP1_MORE:
            return true;
        case HTTP1_FAILED:
            session_close(session, "not HTTP");
            return false;
        }
    }
}

static bool session_step(struct smsr_session *session, struct span in)
{
    uint8_t out_octets[OUT_MAX], plain_octets[PLAIN_MAX];
    struct writer out = wr_of(out_octets, sizeof out_octets), plain = wr_of(plain_octets, sizeof plain_octets);
    enum tls_state state = tls_step(session->tls, in, &out, &plain);
    char why[160];
    if (out.len)
        session->peer->send(session->connection, wr_span(&out));
    if (plain.len && !read_http(session, wr_span(&plain)))
        return false;
    if (state == TLS_WANT_PSK) {
        psk_give(session);
        return session_step(session, SPAN_NONE);
    }
    if (state == TLS_FAILED || state == TLS_CLOSED) {
        snprintf(why, sizeof why, "%s", tls_error(session->tls));
        session_close(session, state == TLS_FAILED ? why : NULL);
        return false;
    }
    return true;
}

void smsr_admin_bytes(struct smsr_session *session, struct span in)
{
    bool open = session_step(session, in);
    while (open && tls_has_more(session->tls))
        open = session_step(session, SPAN_NONE);
}

/* ---- answers */

static bool session_write(struct smsr_session *session, struct span bytes)
{
    uint8_t out_octets[WRITE_MAX + 4 * TLS_OVERHEAD];
    while (bytes.len) {
        struct span piece = span_sub(bytes, 0, WRITE_MAX);
        struct writer out = wr_of(out_octets, sizeof out_octets);
        if (tls_write(session->tls, piece, &out) != ERR_NONE)
            return false;
        session->peer->send(session->connection, wr_span(&out));
        bytes = span_from(bytes, piece.len);
    }
    return true;
}

static void session_end(struct smsr_session *session)
{
    WRITER_ON_STACK(w, 512);
    http1_wr_response(&w, 204);
    http1_wr_header(&w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
    http1_wr_no_body(&w);
    session->state = S_READING;
    session->busy = false;
    session->since_ms = now(session->smsr);
    session_write(session, wr_span(&w));
}

static struct smsr_session *session_of(struct smsr *s, struct reply_ref ref)
{
    struct smsr_session *session = ref.slot < SMSR_SESSIONS_MAX ? s->session_slots[ref.slot] : NULL;
    bool waits = session && session->generation == ref.generation &&
                 (session->state == S_ASKED || session->state == S_HELD);
    return waits ? session : NULL;
}

void smsr_script_lost(struct smsr *s, const char *line)
{
    struct event *event = *line ? engine_event(s->engine, SMSR_EVENT_SESSION_LOST, line) : NULL;
    if (event && engine_post(s->engine, event) != ERR_NONE)
        log_fact(s->env.log, LOG_WARN_, line, "too busy");
}

static void session_hold(struct smsr_session *session, uint64_t until_ms)
{
    struct smsr *s = session->smsr;
    session->state = S_HELD;
    session->since_ms = now(s);
    session->kept_ms = until_ms;
    if (until_ms < s->tick_ms)
        s->tick_ms = until_ms;
    s->env.clock->wake_at(s->env.clock, until_ms);
}

void smsr_admin_reply(struct smsr *s, const struct effect *effect)
{
    struct smsr_session *session = session_of(s, effect->reply);
    if (!session) {
        if (effect->status == 200)
            smsr_script_lost(s, effect->line);
    } else if (effect->status == SMSR_ADMIN_HOLD) {
        session_hold(session, now(s) + s->config.hold_ms);
    } else if (effect->status == SMSR_ADMIN_DONE && now(s) < session->kept_ms) {
        session_hold(session, session->kept_ms);
    } else if (effect->status == 200) {
        session->state = S_READING;
        session->busy = true;
        session->since_ms = now(s);
        if (!session_write(session, effect->body)) {
            session_close(session, "cannot write");
            smsr_script_lost(s, effect->line);
        }
    } else {
        session_end(session);
    }
}

struct reply_ref smsr_session_waiting(const struct smsr *s, const struct eid *eid)
{
    for (const struct smsr_session *session = *bucket_of(s, eid); session; session = session->next_same)
        if (session->state == S_HELD && eid_eq(&session->eid, eid))
            return (struct reply_ref){ SMSR_NODE_ADMIN, session->slot, session->generation };
    return (struct reply_ref){ 0 };
}

bool smsr_session_works(const struct smsr *s, const struct eid *eid)
{
    for (const struct smsr_session *session = *bucket_of(s, eid); session; session = session->next_same)
        if (session->state == S_READING && session->busy && eid_eq(&session->eid, eid))
            return true;
    return false;
}

/* When this session is to be looked at again. */
static uint64_t session_due(const struct smsr_session *session)
{
    return session->state == S_HELD ? session->kept_ms : session->since_ms + SMSR_ADMIN_IDLE_MS;
}

/* All sessions are looked at only when the earliest of them is due. */
void smsr_tick(struct smsr *s)
{
    uint64_t at = now(s), due = UINT64_MAX;
    struct smsr_session *next;
    if (at < s->tick_ms)
        return;
    for (struct smsr_session *session = s->sessions; session; session = next) {
        next = session->next;
        if (session_due(session) > at)
            due = session_due(session) < due ? session_due(session) : due;
        else if (session->state == S_HELD)
            session_end(session);
        else if (session->state == S_READING)
            session_close(session, NULL);
    }
    s->tick_ms = due == UINT64_MAX ? at + SMSR_ADMIN_IDLE_MS : due;
    if (due != UINT64_MAX)
        s->env.clock->wake_at(s->env.clock, due);
}
