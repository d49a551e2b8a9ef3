/* osprey-hlr: a small HLR and AuC for labs, over GSUP. Sequence numbers are stored before a vector leaves. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/daemon/daemon.h"
#include "lib/io/sqlite.h"
#include "lib/io/tcp.h"
#include "subscribers.h"

#define HLR_LINKS_MAX 256u

static const struct config_option options[] = {
    { "gsup", "listen", CONFIG_ADDRESS, "127.0.0.1:4222", false, "where serving networks connect" },
    { "subscribers", "file", CONFIG_PATH, NULL, true, "one section [subscriber IMSI] each; read again for an unknown IMSI" },
    { "subscribers", "also", CONFIG_PATH, NULL, false, "a second such file, as an SM-DP writes it; need not exist" },
    { "store", "file", CONFIG_PATH, "hlr.db", false, "the sequence numbers" },
};

static const char help[] =
    "  Answers SendAuthenticationInfo (Milenage, TUAK or the XOR test algorithm; resynchronisation) and UpdateLocation,\n"
    "  which says the subscriber's MSISDN. osmo-hlr can stand in its place.\n"
    "  A subscriber:  [subscriber 001010000000001]  algorithm = milenage  k = …  opc = …  msisdn = 882…\n";

static const struct migration migrations[] = {
    { "0001_sqn", "CREATE TABLE sqn (imsi TEXT PRIMARY KEY, sqn INTEGER NOT NULL);" },
};
static const struct statement SQN_GET = { "sqn-get", "SELECT sqn FROM sqn WHERE imsi=?1", NULL };
static const struct statement SQN_PUT = {
    "sqn-put", "INSERT INTO sqn (imsi, sqn) VALUES (?1, ?2) ON CONFLICT (imsi) DO UPDATE SET sqn=?2", NULL
};

struct hlr;
struct link {
    struct hlr *hlr;
    struct tcp_conn *conn;
    struct gsup_link gsup;
    char waiting[GSUP_IMSI_MAX]; /* whose InsertSubscriberData is not acknowledged yet */
};
struct hlr {
    struct daemon *daemon;
    struct sqlite_store *store;
    struct config *subscribers, *also;
    struct tcp_server *server;
    struct link links[HLR_LINKS_MAX];
};

/* ---- subscribers and their sequence numbers ---- */

static enum err load_file(const char *path, struct config **ret, char *detail)
{
    struct config *fresh;
    enum err err = config_load(path, subscriber_options, subscriber_option_count, &fresh, detail);
    if (err != ERR_NONE)
        return err;
    err = subscribers_check(fresh, detail);
    if (err != ERR_NONE) {
        config_free(fresh);
        return err;
    }
    config_free(*ret);
    *ret = fresh;
    return ERR_NONE;
}

static enum err load_subscribers(struct hlr *h, char *detail)
{
    const char *also = config_text(h->daemon->config, "subscribers", "also");
    enum err err = load_file(config_text(h->daemon->config, "subscribers", "file"), &h->subscribers, detail);
    if (err == ERR_NONE && also && access(also, F_OK) == 0)
        err = load_file(also, &h->also, detail);
    return err;
}

static enum err look_up(const struct hlr *h, const char *imsi, struct subscriber *ret)
{
    enum err err = subscriber_find(h->subscribers, imsi, ret);
    return err == ERR_NOT_FOUND && h->also ? subscriber_find(h->also, imsi, ret) : err;
}

static enum err find(struct hlr *h, const char *imsi, struct subscriber *ret)
{
    char detail[CONFIG_DETAIL_MAX];
    enum err err = look_up(h, imsi, ret);
    if (err != ERR_NOT_FOUND)
        return err;
    err = load_subscribers(h, detail);
    if (err != ERR_NONE) {
        log_fact(h->daemon->log, LOG_WARN_, NULL, "the subscribers cannot be read again: %s", detail);
        return ERR_NOT_FOUND;
    }
    return look_up(h, imsi, ret);
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

static enum err load_sqn(struct hlr *h, const char *imsi, uint64_t *ret)
{
    ARENA_ON_STACK(arena, 4096);
    struct rowset rows = { .arena = &arena };
    struct store *store = sqlite_store_seam(h->store);
    enum err err = ERR_BUSY;
    struct value key = value_text(imsi);
    const struct query *q = rowset_want(&rows, &SQN_GET, &key, 1);
    store->load(store, &rows, note, &err);
    if (err == ERR_NONE)
        *ret = q && q->row_count ? (uint64_t)row_int(&q->rows[0], 0) : AUC_SQN_STEP;
    return err;
}

static enum err store_sqn(struct hlr *h, const char *imsi, uint64_t sqn)
{
    struct value params[] = { value_text(imsi), value_int((int64_t)sqn) };
    struct write write = { .statement = &SQN_PUT, .params = params, .param_count = 2, .expect_rows = 1 };
    struct store *store = sqlite_store_seam(h->store);
    enum err err = ERR_BUSY;
    store->commit(store, &write, 1, note, &err);
    return err;
}

/* ---- the procedures ---- */

static void answer(struct link *l, const struct gsup_message *m)
{
    if (gsup_link_send(&l->gsup, m) != ERR_NONE)
        log_fact(l->hlr->daemon->log, LOG_WARN_, m->imsi, "%s cannot be sent", gsup_type_name(m->type));
}

static void refuse(struct link *l, const struct gsup_message *request, uint8_t cause)
{
    struct gsup_message m = { .type = (enum gsup_type)(request->type | 1), .has_cause = true, .cause = cause };
    memcpy(m.imsi, request->imsi, sizeof m.imsi);
    log_fact(l->hlr->daemon->log, LOG_INFO_, m.imsi, "%s refused: %s", gsup_type_name(request->type), gsup_cause_text(cause));
    answer(l, &m);
}

static enum err make_vectors(struct hlr *h, struct subscriber *s, const struct gsup_message *request, struct gsup_message *m)
{
    enum err err = load_sqn(h, request->imsi, &s->auc.sqn);
    if (err == ERR_NONE && request->resync)
        err = auc_resynchronise(&s->auc, request->rand, request->auts);
    for (m->vector_count = 0; err == ERR_NONE && m->vector_count < GSUP_VECTORS_MAX;) {
        err = auc_vector(&s->auc, h->daemon->rng, &m->vectors[m->vector_count]);
        m->vector_count += err == ERR_NONE;
    }
    return err == ERR_NONE ? store_sqn(h, request->imsi, s->auc.sqn) : err;
}

static void auth_info(struct link *l, const struct gsup_message *request)
{
    struct gsup_message m = { .type = GSUP_AUTH_INFO_RESULT };
    struct subscriber s;
    enum err err = find(l->hlr, request->imsi, &s);
    if (err == ERR_NONE) {
        memcpy(m.imsi, request->imsi, sizeof m.imsi);
        err = make_vectors(l->hlr, &s, request, &m);
    }
    wipe(&s, sizeof s);
    if (err == ERR_NONE) {
        log_fact(l->hlr->daemon->log, LOG_INFO_, m.imsi, "%zu vectors%s", m.vector_count, request->resync ? ", resynchronised" : "");
        answer(l, &m);
    } else {
        log_fact(l->hlr->daemon->log, LOG_WARN_, request->imsi, "no vectors: %s", err_text(err));
        refuse(l, request, err == ERR_NOT_FOUND ? GSUP_CAUSE_IMSI_UNKNOWN : GSUP_CAUSE_NETWORK_FAILURE);
    }
    wipe(&m, sizeof m);
}

static void update_location(struct link *l, const struct gsup_message *request)
{
    struct gsup_message m = { .type = GSUP_INSERT_DATA_REQUEST, .domain = request->domain };
    struct subscriber s;
    enum err err = find(l->hlr, request->imsi, &s);
    if (err != ERR_NONE || s.refused) {
        refuse(l, request, err != ERR_NONE ? GSUP_CAUSE_IMSI_UNKNOWN : GSUP_CAUSE_PLMN_NOT_ALLOWED);
    } else {
        memcpy(m.imsi, request->imsi, sizeof m.imsi);
        memcpy(m.msisdn, s.msisdn, sizeof m.msisdn);
        memcpy(l->waiting, m.imsi, sizeof l->waiting);
        answer(l, &m);
    }
    wipe(&s, sizeof s);
}

static void data_inserted(struct link *l, const struct gsup_message *m)
{
    struct gsup_message result = { .type = GSUP_UPDATE_LOCATION_RESULT };
    if (strcmp(l->waiting, m->imsi))
        return;
    l->waiting[0] = '\0';
    memcpy(result.imsi, m->imsi, sizeof result.imsi);
    log_fact(l->hlr->daemon->log, LOG_INFO_, m->imsi, "location updated");
    answer(l, &result);
}

static void data_refused(struct link *l, const struct gsup_message *m)
{
    struct gsup_message request = { .type = GSUP_UPDATE_LOCATION_REQUEST };
    if (strcmp(l->waiting, m->imsi))
        return;
    l->waiting[0] = '\0';
    memcpy(request.imsi, m->imsi, sizeof request.imsi);
    refuse(l, &request, GSUP_CAUSE_NETWORK_FAILURE);
}

static void purge(struct link *l, const struct gsup_message *request)
{
    struct gsup_message m = { .type = GSUP_PURGE_RESULT };
    memcpy(m.imsi, request->imsi, sizeof m.imsi);
    answer(l, &m);
}

static void on_message(void *context, const struct gsup_message *m)
{
    struct link *l = context;
    switch (m->type) {
    case GSUP_AUTH_INFO_REQUEST: auth_info(l, m); break;
    case GSUP_UPDATE_LOCATION_REQUEST: update_location(l, m); break;
    case GSUP_INSERT_DATA_RESULT: data_inserted(l, m); break;
    case GSUP_INSERT_DATA_ERROR: data_refused(l, m); break;
    case GSUP_PURGE_REQUEST: purge(l, m); break;
    default: log_fact(l->hlr->daemon->log, LOG_WARN_, m->imsi, "%s is not served", gsup_type_name(m->type)); break;
    }
}

/* ---- connections ---- */

static void send_bytes(void *context, struct span bytes)
{
    struct link *l = context;
    if (l->conn && tcp_send(l->conn, bytes) != ERR_NONE)
        log_fact(l->hlr->daemon->log, LOG_WARN_, NULL, "%s does not read", l->gsup.name);
}

static void on_ready(void *context)
{
    struct link *l = context;
    log_fact(l->hlr->daemon->log, LOG_INFO_, NULL, "serving network %s", l->gsup.name);
}

static void on_open(void *context, struct tcp_conn *conn)
{
    struct hlr *h = context;
    struct link *l = NULL;
    for (size_t i = 0; !l && i < HLR_LINKS_MAX; i++)
        if (!h->links[i].conn)
            l = &h->links[i];
    if (!l) {
        log_fact(h->daemon->log, LOG_WARN_, NULL, "too many serving networks");
        tcp_conn_close(conn);
        return;
    }
    *l = (struct link){ .hlr = h, .conn = conn };
    l->gsup = (struct gsup_link){ .server = true, .send = send_bytes, .on_ready = on_ready, .on_message = on_message, .context = l };
    tcp_conn_set_context(conn, l);
    gsup_link_start(&l->gsup);
}

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct link *l = context;
    enum err err = ERR_NONE;
    size_t taken = gsup_link_input(&l->gsup, in, &err);
    if (err != ERR_NONE) {
        log_fact(l->hlr->daemon->log, LOG_WARN_, NULL, "%s does not speak GSUP: %s", tcp_conn_peer(conn), err_text(err));
        tcp_conn_close(conn);
        l->conn = NULL;
    }
    return taken;
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct link *l = context;
    (void)conn;
    (void)err;
    (void)why;
    l->conn = NULL;
}

/* ---- the program ---- */

static void hlr_close(void *role)
{
    struct hlr *h = role;
    for (size_t i = 0; i < HLR_LINKS_MAX; i++)
        if (h->links[i].conn)
            tcp_conn_close(h->links[i].conn);
    tcp_server_free(h->server);
    sqlite_store_close(h->store);
    config_free(h->subscribers);
    config_free(h->also);
    free(h);
}

static enum err listen_gsup(struct hlr *h)
{
    static const struct tcp_handler handler = { on_open, on_bytes, on_closed, NULL };
    struct daemon *d = h->daemon;
    char host[128];
    uint16_t port;
    enum err err = config_address(d->config, "gsup", "listen", host, sizeof host, &port);
    if (err == ERR_NONE)
        h->server = tcp_server_new(d->loop, host, port, &handler, h, &err, d->detail);
    return err;
}

static enum err hlr_open(struct daemon *d, void **ret_role)
{
    struct hlr *h = calloc(1, sizeof *h);
    struct sqlite_options store = { config_text(d->config, "store", "file"), migrations, ARRAY_LEN(migrations) };
    if (!h)
        return ERR_NO_MEMORY;
    h->daemon = d;
    enum err err = load_subscribers(h, d->detail);
    if (err == ERR_NONE && !d->check) {
        h->store = sqlite_store_open(&store, &err, d->detail);
        if (h->store)
            err = listen_gsup(h);
    }
    if (err == ERR_NONE)
        *ret_role = h;
    else
        hlr_close(h);
    return err;
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "osprey-hlr", .summary = "a small HLR and AuC for labs (GSUP)", .help = help,
        .options = options, .option_count = ARRAY_LEN(options), .open = hlr_open, .close = hlr_close,
    };
    return daemon_main(&program, argc, argv);
}
