/* osprey-bench-load: an operator that asks for many functions at a time, for tools/bench.py. Reads orders from standard
 * input, works them off when it is told "go", and says how it went in one JSON line:
 *
 *   download EID ICCID            ES2.DownloadProfile with EnableProfile
 *   enable|disable|delete EID ICCID, audit EID, eis EID     ES4
 *   go WINDOW [RATE]              at most WINDOW functions under way, not more than RATE begun in a second */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/es/es2.h"
#include "lib/es/es4.h"
#include "operator/session.h"

#define ORDERS_MAX   20000u
#define MESSAGE_MAX  65536u
#define VALIDITY_S   120u
#define MARK         "load-%08u-%08u" /* batch, order */
#define MARK_LEN     22u
#define CONTENT_TYPE "application/soap+xml; charset=utf-8"

struct order {
    enum es_function function;
    struct eid eid;
    struct iccid iccid;
    uint64_t started_us, accepted_us, answered_us;
};

struct load {
    struct op_session session;
    const struct op_partner *smdp, *smsr;
    struct order orders[ORDERS_MAX];
    unsigned count, next, under_way, failed, batch;
    char failure[200];
    char line[256];
    size_t line_len;
    bool ended;
};

static const struct word {
    const char *text;
    enum es_function function;
} words[] = {
    { "download", ES2_DOWNLOAD_PROFILE }, { "enable", ES4_ENABLE_PROFILE }, { "disable", ES4_DISABLE_PROFILE },
    { "delete", ES4_DELETE_PROFILE },     { "audit", ES4_AUDIT_EIS },
    { "eis", ES4_GET_EIS },
};

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint64_t clock_ms(const struct load *l)
{
    struct clock *clock = loop_clock(l->session.loop);
    return clock->now_ms(clock);
}

/* ---- one function call ---- */

static void order_over(struct load *l, struct order *o, const char *failure)
{
    if (o->answered_us)
        return; /* a repeat */
    o->answered_us = now_us();
    l->under_way--;
    if (!failure)
        return;
    if (l->failed++ == 0)
        snprintf(l->failure, sizeof l->failure, "%s", failure);
}

union body {
    struct es2_download_profile download;
    struct es_profile_request profile;
    struct es_audit_request audit;
    struct es_eid_request eis;
};

static union body body_of(const struct load *l, const struct order *o, struct es_request base)
{
    switch (o->function) {
    case ES2_DOWNLOAD_PROFILE:
        return (union body){ .download = { .base = base, .eid = o->eid, .smsr_id = l->smsr->oid, .iccid = o->iccid, .enable = true } };
    case ES4_GET_EIS: return (union body){ .eis = { .base = base, .eid = o->eid } };
    case ES4_AUDIT_EIS: return (union body){ .audit = { .base = base, .eid = o->eid } };
    default: return (union body){ .profile = { .base = base, .eid = o->eid, .iccid = o->iccid } };
    }
}

static enum err encode(struct load *l, const struct order *o, struct arena *a, const char **ret_url, struct span *ret)
{
    const struct es_function_info *info = es_function_info(o->function);
    const struct op_partner *p = o->function == ES2_DOWNLOAD_PROFILE ? l->smdp : l->smsr;
    char mark[MARK_LEN + 1];
    snprintf(mark, sizeof mark, MARK, l->batch, (unsigned)(o - l->orders));
    struct es_request base = { .call_id = span_text(mark), .validity_s = VALIDITY_S };
    union body body = body_of(l, o, base);
    struct es_message m = { .function = o->function, .kind = ES_REQUEST, .body = &body };
    *ret_url = arena_printf(a, "%s%s", p->url, es_service_path(info->number, info->provider));
    m.wsa.from.address = span_text(arena_printf(a, "%s%s", l->session.url, es_service_path(info->number, ES_ROLE_OPERATOR)));
    m.wsa.from.entity_id = l->session.config.oid;
    m.wsa.reply_to.address = m.wsa.from.address;
    m.wsa.to = (struct wsa_endpoint){ .address = span_text(*ret_url), .entity_id = p->oid };
    enum err err = wsa_message_id_make(a, &m.wsa.from.entity_id, span_text(mark), SPAN_NONE, SPAN_NONE, clock_ms(l), '?',
                                       &m.wsa.message_id);
    return err == ERR_NONE ? es_encode(&m, a, ret) : err;
}

static struct load *the_load; /* the program's only one */

/* The answer in the same exchange; the content of it is not this program's business. */
static bool is_good_answer(const struct order *o, const struct http_answer *answer)
{
    const char *good = exec_status_xml(EXECUTED_SUCCESS);
    return es_function_info(o->function)->pattern == ES_SYNC && answer->status == 200 &&
           memmem(answer->body.ptr, answer->body.len, good, strlen(good));
}

static void on_accepted(void *context, const struct http_answer *answer)
{
    struct order *o = context;
    char failure[200];
    o->accepted_us = now_us();
    if (answer->err == ERR_NONE && answer->status == 202)
        return;
    if (answer->err == ERR_NONE && is_good_answer(o, answer)) {
        order_over(the_load, o, NULL);
        return;
    }
    snprintf(failure, sizeof failure, "%s, HTTP status %d", answer->detail, answer->status);
    order_over(the_load, o, failure);
}

static void start(struct load *l, struct order *o)
{
    struct arena a;
    struct http_call call = { .content_type = CONTENT_TYPE, .done = on_accepted, .context = o };
    arena_init(&a, MESSAGE_MAX);
    enum err err = encode(l, o, &a, &call.url, &call.body);
    o->started_us = now_us();
    l->under_way++;
    if (err == ERR_NONE)
        err = http_client_send(l->session.client, &call);
    if (err != ERR_NONE)
        order_over(l, o, err_text(err));
    arena_release(&a);
}

static struct order *order_of(struct load *l, struct span relates_to)
{
    unsigned batch, number;
    const char *at = relates_to.len ? memmem(relates_to.ptr, relates_to.len, "/load-", 6) : NULL;
    if (!at || (size_t)((const char *)relates_to.ptr + relates_to.len - at) < MARK_LEN + 1)
        return NULL;
    if (sscanf(at + 1, MARK, &batch, &number) != 2 || batch != l->batch || number >= l->next)
        return NULL;
    return &l->orders[number];
}

static void on_message(void *context, const struct es_message *m, struct span soap)
{
    struct load *l = context;
    char failure[STATUS_DETAIL_MAX + 100];
    struct order *o = m->kind == ES_RESPONSE ? order_of(l, m->wsa.relates_to) : NULL;
    (void)soap;
    if (!o)
        return; /* a notification, or a repeat from an earlier batch */
    const struct status *s = &es_response_of(m)->status;
    snprintf(failure, sizeof failure, "%s %s/%s", exec_status_xml(s->exec), s->subject, s->code);
    order_over(l, o, status_ok(s) ? NULL : failure);
}

/* ---- a batch ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile_ms(uint64_t *sorted, unsigned count, unsigned percent)
{
    return count ? (double)sorted[(count - 1) * percent / 100] / 1000.0 : 0;
}

static void report(struct load *l, uint64_t wall_us)
{
    static uint64_t whole[ORDERS_MAX], accepted[ORDERS_MAX];
    for (unsigned i = 0; i < l->count; i++) {
        const struct order *o = &l->orders[i];
        whole[i] = o->answered_us - o->started_us;
        accepted[i] = o->accepted_us > o->started_us ? o->accepted_us - o->started_us : whole[i];
    }
    qsort(whole, l->count, sizeof *whole, by_value);
    qsort(accepted, l->count, sizeof *accepted, by_value);
    printf("{\"done\":%u,\"failed\":%u,\"wall_ms\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"accepted_p50_ms\":%.3f,"
           "\"accepted_p99_ms\":%.3f,\"failure\":\"%s\"}\n",
           l->count, l->failed, (double)wall_us / 1000.0, percentile_ms(whole, l->count, 50), percentile_ms(whole, l->count, 99),
           percentile_ms(accepted, l->count, 50), percentile_ms(accepted, l->count, 99), l->failure);
    fflush(stdout);
}

/* rate 0: as fast as the window lets it. */
static bool may_start(const struct load *l, unsigned window, unsigned rate, uint64_t began_us)
{
    return l->next < l->count && l->under_way < window && (!rate || (now_us() - began_us) * rate >= l->next * 1000000ull);
}

static void go(struct load *l, unsigned window, unsigned rate)
{
    uint64_t began = now_us();
    l->batch++;
    l->next = l->under_way = l->failed = 0;
    l->failure[0] = '\0';
    while (l->next < l->count || l->under_way) {
        while (may_start(l, window, rate, began))
            start(l, &l->orders[l->next++]);
        loop_round(l->session.loop, rate ? 1 : 1000);
        for (unsigned i = 0; i < l->next; i++)
            if (!l->orders[i].answered_us && now_us() - l->orders[i].started_us > (VALIDITY_S + 30) * 1000000ull)
                order_over(l, &l->orders[i], "no answer");
    }
    report(l, now_us() - began);
    l->count = 0;
}

/* ---- standard input ---- */

static bool order_add(struct load *l, const char *word, const char *eid, const char *iccid)
{
    struct order o = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!strcmp(words[i].text, word))
            o.function = words[i].function;
    if (l->count == ORDERS_MAX || !o.function || eid_from_text(span_text(eid), &o.eid) != ERR_NONE)
        return false;
    if (*iccid && iccid_from_text(span_text(iccid), &o.iccid) != ERR_NONE)
        return false;
    l->orders[l->count++] = o;
    return true;
}

static bool obey(struct load *l)
{
    char word[16], eid[EID_TEXT_SIZE] = "", iccid[24] = "";
    unsigned window, rate = 0;
    if (sscanf(l->line, "go %u %u", &window, &rate) >= 1 && window) {
        go(l, window, rate);
        return true;
    }
    return sscanf(l->line, "%15s %32s %23s", word, eid, iccid) >= 2 && order_add(l, word, eid, iccid);
}

/* One octet at a time: orders are few and short. */
static bool read_line(struct load *l)
{
    char c;
    ssize_t n = read(STDIN_FILENO, &c, 1);
    l->ended = n <= 0;
    if (n <= 0)
        return true;
    if (c != '\n' && l->line_len + 1 < sizeof l->line) {
        l->line[l->line_len++] = c;
        return true;
    }
    l->line[l->line_len] = '\0';
    l->line_len = 0;
    return obey(l);
}

static int complain(const char *text)
{
    fprintf(stderr, "osprey-bench-load: %s\n", text);
    return 1;
}

int main(int argc, char **argv)
{
    static struct load l;
    the_load = &l;
    if (argc != 2)
        return complain("one argument is needed: the operator's configuration, with partners sm-dp and sm-sr");
    if (op_session_open(&l.session, argv[1]) != ERR_NONE || op_session_endpoint(&l.session) != ERR_NONE)
        return complain(l.session.detail);
    l.smdp = op_partner_find(&l.session.config, "sm-dp");
    l.smsr = op_partner_find(&l.session.config, "sm-sr");
    if (!l.smdp || !l.smsr || !l.session.server)
        return complain("needs the partners sm-dp and sm-sr, and the endpoint for itself");
    l.session.on_message = on_message;
    l.session.context = &l;
    printf("ready\n");
    fflush(stdout);
    while (!l.ended) {
        struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
        while (!l.ended && poll(&in, 1, 0) > 0)
            if (!read_line(&l))
                return complain(l.line);
        loop_round(l.session.loop, 5);
    }
    op_session_close(&l.session);
    return 0;
}
