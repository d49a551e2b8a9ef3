/* A chain of scripts that began with 83 01 11 goes on after a reset (TS 102 226 §5.3; oncard fact book 7.4): what the
 * session knows is in card memory between its scripts. A secure channel and the download on it end with the reset all the
 * same [?]: their keys stay in RAM. */
#include "isdr.h"

#define CHAIN_STORED_MAX (32u + SD_COLLECTED_MAX + SD_RC_LEN + 65u)

static void target_write(struct writer *w, const struct sd_target *t)
{
    wr_u8(w, (uint8_t)t->kind);
    wr_u16(w, t->slot);
    wr_u24(w, t->tar);
    wr_u8(w, t->sd);
}

static struct sd_target target_read(struct reader *r)
{
    struct sd_target t = { .kind = (enum sd_kind)rd_u8(r) };
    t.slot = rd_u16(r);
    t.tar = rd_u24(r);
    t.sd = rd_u8(r);
    if (t.kind > SD_RFM)
        rd_fail(r, ERR_BAD_VALUE);
    return t;
}

static void encode(struct writer *w, const struct sd_session *s)
{
    wr_u8(w, s->kvn);
    target_write(w, &s->target);
    target_write(w, &s->forward);
    wr_u8(w, s->status_next);
    wr_u8(w, s->establishment.ready);
    target_write(w, &s->establishment.for_sd);
    wr_u8(w, s->establishment.curve);
    wr_bytes(w, SPAN_OF(s->establishment.rc));
    wr_bytes(w, SPAN_OF(s->establishment.point));
    wr_u16(w, s->collected_len);
    wr_bytes(w, (struct span){ s->collected, s->collected_len });
}

static enum err decode(struct span stored, struct sd_session *ret)
{
    struct reader r = rd_of(stored);
    struct sd_session s = { .bearer = SD_BY_SMS, .chained = true, .kept = true };
    s.kvn = rd_u8(&r);
    s.target = target_read(&r);
    s.forward = target_read(&r);
    s.status_next = rd_u8(&r);
    s.establishment.ready = rd_u8(&r) != 0;
    s.establishment.for_sd = target_read(&r);
    s.establishment.curve = rd_u8(&r);
    rd_copy(&r, s.establishment.rc, sizeof s.establishment.rc);
    rd_copy(&r, s.establishment.point, sizeof s.establishment.point);
    s.collected_len = rd_u16(&r);
    if (s.collected_len > sizeof s.collected)
        return ERR_BAD_LENGTH;
    rd_copy(&r, s.collected, s.collected_len);
    if (rd_finish(&r) == ERR_NONE)
        *ret = s;
    return r.err;
}

void chain_keep(struct card *card, const struct sd_session *s)
{
    bool keeps = s->chained && s->kept;
    if (!keeps && !objects_has(card->objects, ISDR_KEY(ISDR_CHAIN)))
        return;
    WRITER_ON_STACK(w, CHAIN_STORED_MAX);
    card_begin(card);
    if (keeps)
        encode(&w, s);
    enum err err = w.err;
    if (err == ERR_NONE)
        err = keeps ? objects_put(card->objects, ISDR_KEY(ISDR_CHAIN), wr_span(&w))
                    : objects_delete(card->objects, ISDR_KEY(ISDR_CHAIN));
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "a chain of scripts will not outlive a reset: %s", err_text(err));
}

void chain_resume(struct card *card, struct sd_session *s)
{
    uint8_t stored[CHAIN_STORED_MAX];
    size_t len;
    enum err err = objects_get(card->objects, ISDR_KEY(ISDR_CHAIN), stored, sizeof stored, &len);
    if (err == ERR_NONE)
        err = decode((struct span){ stored, len }, s);
    if (err != ERR_NONE && err != ERR_NOT_FOUND)
        log_fact(card->env.log, LOG_WARN_, NULL, "a kept chain of scripts cannot be read: %s", err_text(err));
}
