#include "link.h"

#include "euicc/isdp/applications.h"
#include "euicc/isdr/keyset.h"
#include "euicc/mnosd/mnosd.h"
#include "lib/base/mutant.h"

#include <stdio.h>
#include <stdlib.h>

#define PLAIN_PIECE 2048u

/* Whom a script is for that names nobody. */
static struct sd_target session_home(const struct agent_params *p)
{
    return p->mno_slot ? (struct sd_target){ SD_MNOSD, p->mno_slot, 0, 0 } : (struct sd_target){ SD_ISDR, 0, 0, 0 };
}

struct agent_link *link_new(const struct agent_params *p)
{
    struct agent_link *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    snprintf(l->uri, sizeof l->uri, "%s", p->uri);
    sd_session_begin(&l->session, SD_BY_HTTP, p->kvn, session_home(p));
    return l;
}

void link_disconnect(struct agent_link *l)
{
    tls_free(l->tls);
    l->tls = NULL;
    l->channel = 0;
    l->opening = l->sending = l->receiving = l->closing = false;
    l->out_len = l->out_sent = l->in_flight = 0;
    l->body_len = 0;
}

void link_free(struct agent_link *l)
{
    if (!l)
        return;
    link_disconnect(l);
    sd_session_end(&l->session);
    if (l->body)
        wipe(l->body, l->body_cap);
    free(l->body);
    wipe(l, sizeof *l);
    free(l);
}

static struct writer out_writer(struct agent_link *l)
{
    if (l->out_sent) {
        memmove(l->out, l->out + l->out_sent, l->out_len - l->out_sent);
        l->out_len -= l->out_sent;
        l->out_sent = 0;
    }
    struct writer w = wr_of(l->out, sizeof l->out);
    w.len = l->out_len;
    return w;
}

enum err link_connect(struct card *card, struct agent_link *l, const struct agent_params *p)
{
    struct keyset set;
    struct sd_target home = session_home(p);
    enum err err = p->mno_slot ? mnosd_keyset_read(card, &home, p->kvn, &set) : keyset_read(card, p->kvn, &set);
    if (err != ERR_NONE)
        return err;
    struct tls_ctx *ctx;
    err = tls_ctx_client(&ctx);
    if (err == ERR_NONE)
        err = tls_client_new(ctx, (struct span){ p->identity, p->identity_len }, keyset_key(&set, p->kid), &l->tls);
    wipe(&set, sizeof set);
    if (err != ERR_NONE)
        return err;
    http1_reader_init(&l->http, HTTP1_RESPONSE, l->head, sizeof l->head, AGENT_BODY_MAX);
    l->http.lenient_end = true;
    l->resumes = l->resumes || l->asked;
    l->asked = l->progress = false;
    l->body_len = 0;
    struct writer out = out_writer(l);
    bool failed = tls_step(l->tls, SPAN_NONE, &out, NULL) == TLS_FAILED;
    l->out_len = out.len;
    return failed || out.err != ERR_NONE ? ERR_CRYPTO : ERR_NONE;
}

/* ---- requests ---- */

static void request_build(struct agent_link *l, const struct agent_params *p, struct writer *w)
{
    http1_wr_request(w, "POST", span_text(l->uri));
    http1_wr_header(w, "Host", span_text(p->host));
    http1_wr_header(w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
    http1_wr_header(w, SCP81_HEADER_FROM, span_text(p->from));
    if (l->resumes)
        http1_wr_header(w, SCP81_HEADER_RESUME, SPAN_LIT("true"));
    if (!l->has_answer) {
        if (MUTANT(begins_with_a_body))
            http1_wr_chunked(w, SPAN_NONE);
        else
            http1_wr_no_body(w);
        return;
    }
    http1_wr_header(w, "Content-Type", span_text(SCP81_TYPE_RESPONSE));
    http1_wr_header(w, SCP81_HEADER_STATUS, span_text(scp81_status_text(l->status)));
    http1_wr_chunked(w, (struct span){ l->answer, l->answer_len });
}

/* On a connection the server has closed meanwhile nothing is sent: the request waits for the next one. */
static enum link_state request_send(struct agent_link *l, const struct agent_params *p)
{
    uint8_t buf[LINK_REQUEST_MAX];
    struct writer request = wr_of(buf, sizeof buf);
    request_build(l, p, &request);
    struct writer out = out_writer(l);
    enum err err = request.err != ERR_NONE ? request.err : tls_write(l->tls, wr_span(&request), &out);
    l->out_len = out.len;
    l->asked = err == ERR_NONE;
    return err == ERR_NONE ? LINK_BUSY : LINK_BROKEN;
}

/* ---- answers ---- */

/* What the operator reaches: its MNO-SD and the profile's remote file management; nothing of SGP.02 beside it. */
static struct sd_target mno_target(struct card *card, uint16_t slot, struct span aid)
{
    struct application_sd sd;
    struct application_rfm rfm;
    if (application_sd_get(card->objects, (uint8_t)slot, 0, &sd) == ERR_NONE && span_eq(aid_span(&sd.aid), aid))
        return (struct sd_target){ SD_MNOSD, slot, 0, 0 };
    for (unsigned i = 0; application_rfm_get(card->objects, (uint8_t)slot, i, &rfm) == ERR_NONE; i++)
        if (span_eq(aid_span(&rfm.aid), aid) && rfm.tar_count)
            return sd_of_rfm(card, slot, &rfm, rfm.tars[0]);
    return sd_by_aid(card, aid);
}

static bool may_reach(const struct agent_params *p, const struct sd_target *t)
{
    if (p->mno_slot)
        return (t->kind == SD_MNOSD || t->kind == SD_RFM) && t->slot == p->mno_slot && t->sd == 0;
    return t->kind == SD_ISDR || t->kind == SD_ISDP;
}

static enum scp81_status target_choose(struct card *card, struct agent_link *l, const struct agent_params *p,
                                       struct span header)
{
    uint8_t aid[AID_MAX];
    size_t len;
    struct sd_target t = session_home(p);
    if (header.ptr) {
        if (scp81_target_parse(header, aid, &len) != ERR_NONE)
            return SCP81_UNKNOWN_APPLICATION;
        struct span name = { aid, len };
        t = p->mno_slot ? mno_target(card, p->mno_slot, name) : sd_by_aid(card, name);
    }
    if (t.kind == SD_NONE && MUTANT(unknown_application_is_the_isdr))
        t = session_home(p);
    if (t.kind == SD_NONE)
        return SCP81_UNKNOWN_APPLICATION;
    if (!may_reach(p, &t))
        return SCP81_SECURITY_ERROR;
    sd_session_target(&l->session, t);
    return SCP81_OK;
}

static void script_run(struct card *card, struct agent_link *l, const struct agent_params *p)
{
    const struct http1_head *h = &l->http.head;
    struct writer answer = wr_of(l->answer, sizeof l->answer);
    l->status = target_choose(card, l, p, http1_header_find(h->headers, h->header_count, SCP81_HEADER_TARGET));
    if (l->status == SCP81_OK)
        sd_script(card, &l->session, (struct span){ l->body, l->body_len }, &answer);
    l->answer_len = answer.err == ERR_NONE ? answer.len : 0;
    l->has_answer = true;
}

static enum link_state answer_complete(struct card *card, struct agent_link *l, const struct agent_params *p)
{
    const struct http1_head *h = &l->http.head;
    struct span next = http1_header_find(h->headers, h->header_count, SCP81_HEADER_NEXT_URI);
    if (!p->mno_slot)
        isdr_note_kvn(card, p->kvn);
    l->progress = true;
    if (h->status == 204 || (h->status == 200 && l->body_len == 0))
        return LINK_DONE;
    if (h->status != 200)
        return LINK_BROKEN;
    if (next.len >= sizeof l->uri)
        return LINK_BROKEN;
    script_run(card, l, p);
    l->body_len = 0;
    if (next.len) {
        memcpy(l->uri, next.ptr, next.len);
        l->uri[next.len] = 0;
    }
    l->resumes = l->asked = false;
    return request_send(l, p);
}

static bool body_append(struct agent_link *l, struct span piece)
{
    if (piece.len > l->body_cap - l->body_len) {
        size_t cap = l->body_cap ? l->body_cap : 4096;
        while (cap < l->body_len + piece.len)
            cap *= 2;
        uint8_t *bigger = malloc(cap);
        if (!bigger)
            return false;
        if (l->body_len)
            memcpy(bigger, l->body, l->body_len);
        if (l->body)
            wipe(l->body, l->body_cap);
        free(l->body);
        l->body = bigger;
        l->body_cap = cap;
    }
    memcpy(l->body + l->body_len, piece.ptr, piece.len);
    l->body_len += piece.len;
    return true;
}

static enum link_state http_feed(struct card *card, struct agent_link *l, const struct agent_params *p,
                                 struct span plain)
{
    struct reader in = rd_of(plain);
    struct span piece;
    for (;;) {
        switch (http1_next(&l->http, &in, &piece)) {
        case HTTP1_MORE:
            return LINK_BUSY;
        case HTTP1_HEAD:
            l->body_len = 0;
            break;
        case HTTP1_BODY:
            if (!body_append(l, piece))
                return LINK_BROKEN;
            break;
        case HTTP1_DONE: {
            enum link_state state = answer_complete(card, l, p);
            if (state != LINK_BUSY)
                return state;
            break;
        }
        default:
            return LINK_BROKEN;
        }
    }
}

enum link_state link_feed(struct card *card, struct agent_link *l, const struct agent_params *p, struct span in)
{
    enum link_state state = LINK_BUSY;
    bool more = true;
    while (state == LINK_BUSY && more) {
        uint8_t buf[PLAIN_PIECE];
        struct writer plain = wr_of(buf, sizeof buf), out = out_writer(l);
        enum tls_state tls = tls_step(l->tls, in, &out, &plain);
        l->out_len = out.len;
        in = SPAN_NONE;
        if (tls == TLS_OPEN && !l->asked)
            state = request_send(l, p);
        if (state == LINK_BUSY && plain.len)
            state = http_feed(card, l, p, wr_span(&plain));
        more = tls_has_more(l->tls);
        if (state == LINK_BUSY && !MUTANT(hangs_on_after_a_failed_handshake) &&
            (tls == TLS_FAILED || (tls == TLS_CLOSED && !more)))
            state = LINK_BROKEN;
        wipe(buf, plain.len);
    }
    return state;
}

void link_goodbye(struct agent_link *l)
{
    if (!l->tls || tls_state(l->tls) != TLS_OPEN)
        return;
    struct writer out = out_writer(l);
    tls_close(l->tls, &out);
    l->out_len = out.len;
}
