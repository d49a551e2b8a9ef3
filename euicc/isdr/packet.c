/* SCP80 on the card: packets for the ISD-R, its ISD-Ps and what the enabled profile has. */
#include "packet.h"

#include "euicc/agent/agent.h"
#include "euicc/mnosd/mnosd.h"
#include "euicc/notify/notify.h"
#include "keyset.h"
#include "lib/base/mutant.h"

#define REPORT_MAX     128u /* octets of a PoR that a delivery report carries; a longer one follows as SMS-SUBMIT */
#define TRIGGER_TAG    0x81u
#define POR_HEADER_LEN 3u /* 02 71 00 */

/* What the card says before it believes a packet: nothing at all to the ISD-R's enemies (SGP.02 §2.4.2.1). */
static bool silent(const struct sd_target *t) { return t->kind == SD_ISDR || t->kind == SD_ISDP; }

/* ---- key sets ---- */

/* The set for a packet: both key bytes name the same one. The ISD-R's serve the ISD-Ps too. */
static enum err packet_keys(struct card *card, const struct sd_target *t, const struct scp80_header *h,
                            struct keyset *ret)
{
    uint8_t kvn = SCP80_KVN(h->kic) ? SCP80_KVN(h->kic) : SCP80_KVN(h->kid);
    if (SCP80_KVN(h->kid) && SCP80_KVN(h->kid) != kvn)
        return ERR_NOT_FOUND;
    if (!silent(t))
        return mnosd_keyset_read(card, t, kvn, ret);
    if (kvn == 0)
        kvn = keyset_next(card, KVN_SCP80_FIRST, KVN_SCP80_LAST);
    return kvn ? keyset_read(card, kvn, ret) : ERR_NOT_FOUND;
}

static enum err counter_read(struct card *card, const struct sd_target *t, uint8_t kvn, uint64_t *ret)
{
    if (!silent(t))
        return mnosd_counter_read(card, t, kvn, ret);
    struct keyset_counters c;
    enum err err = keyset_counters_read(card, kvn, &c);
    if (err == ERR_NONE)
        *ret = c.received;
    return err;
}

static enum err counter_write(struct card *card, const struct sd_target *t, uint8_t kvn, uint64_t counter)
{
    if (!silent(t))
        return mnosd_counter_write(card, t, kvn, counter);
    struct keyset_counters c;
    enum err err = keyset_counters_read(card, kvn, &c);
    c.received = counter;
    return err == ERR_NONE ? keyset_counters_write(card, kvn, &c) : err;
}

/* ---- proof of receipt ---- */

struct por {
    const struct scp80_header *header; /* of the command */
    struct scp80_keys keys;
    const struct packet_way *way;
    bool isdr; /* goes to the SM-SR's number */
};

static bool por_wanted(uint8_t spi2, uint8_t status)
{
    uint8_t when = spi2 & SPI2_POR_MASK;
    return when == SPI2_POR_ALWAYS || (when == SPI2_POR_ON_ERROR && status != SCP80_OK);
}

/* Without trust in the keys a PoR has neither MAC nor cipher and no counter (uicc-platform book 15). */
static bool por_is_bare(uint8_t status)
{
    return status == SCP80_CC_FAILED || status == SCP80_CIPHER_ERROR || status == SCP80_UNIDENTIFIED ||
           status == SCP80_TAR_UNKNOWN;
}

static void por_pack(const struct por *por, uint8_t status, struct span data, struct writer *w)
{
    struct scp80_header h = *por->header;
    struct scp80_response r = { .counter = h.counter, .status = status, .data = data };
    memcpy(r.tar, h.tar, sizeof r.tar);
    if (por_is_bare(status)) {
        h.spi2 &= (uint8_t) ~(SPI2_POR_INTEGRITY_MASK | SPI2_POR_CIPHER);
        r.counter = 0;
    }
    enum err err = scp80_response_wrap(&h, &por->keys, &r, w);
    if (err != ERR_NONE)
        wr_fail(w, err);
}

static void por_report(struct span packet, struct writer *report)
{
    wr_bytes(report, SPAN_LIT("\x02\x71\x00"));
    wr_bytes(report, packet);
}

/* To who sent the command, when it had the keys: after an SM-SR change that may be another one than the card has noted. Else,
 * from the ISD-R, to the SM-SR alone. */
static void por_submit(struct card *card, const struct por *por, uint8_t status, struct span packet)
{
    struct sms_address to;
    if (!por->isdr || !por_is_bare(status) || isdr_smsr_number(card, &to) != ERR_NONE)
        to = *por->way->sender;
    if (sms_out_send(card, SMS_OUT_POR, &to, packet) != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "proof of receipt dropped: too many short messages");
}

static void por_by_sms(struct card *card, const struct por *por, uint8_t status, struct span data)
{
    struct writer *report = por->way->answer;
    WRITER_ON_STACK(packet, SMS_OUT_PACKET_MAX);
    por_pack(por, status, data, &packet);
    if (packet.err != ERR_NONE) { /* an answer too long for short messages */
        packet = wr_of(packet_memory, sizeof packet_memory);
        por_pack(por, SCP80_NO_MEMORY, SPAN_NONE, &packet);
    }
    if (por->header->spi2 & SPI2_POR_SUBMIT) {
        por_submit(card, por, status, wr_span(&packet));
        return;
    }
    if (packet.len + POR_HEADER_LEN <= REPORT_MAX) {
        por_report(wr_span(&packet), report);
        return;
    }
    por_submit(card, por, status, wr_span(&packet));
    packet = wr_of(packet_memory, sizeof packet_memory);
    por_pack(por, SCP80_RESPONSE_BY_SUBMIT, SPAN_NONE, &packet);
    por_report(wr_span(&packet), report);
}

static void por_send(struct card *card, const struct por *por, uint8_t status, struct span data)
{
    if (!por_wanted(por->header->spi2, status))
        return;
    if (por->way->form == SCP80_SMS)
        por_by_sms(card, por, status, data);
    else
        por_pack(por, status, data, por->way->answer);
}

/* ---- execution ---- */

static void trigger_run(struct card *card, const struct sd_target *t, struct span data)
{
    struct scp81_trigger trigger;
    if (scp81_trigger_parse(data, &trigger) != ERR_NONE)
        return;
    struct agent_request request = { .trigger = &trigger, .mno_slot = t->kind == SD_MNOSD ? t->slot : 0 };
    enum err err = agent_open(card, &request);
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "administration session not opened: %s", err_text(err));
}

/* A session of short messages is forgotten after each script that is not chained; that of a link stays. */
static void script_by_sms(struct card *card, struct sd_session *s, const struct sd_target *t, uint8_t kvn,
                          struct span data, struct writer *answer)
{
    bool same = s->kvn == kvn && sd_same_target(&s->target, t);
    bool goes_on = s->chained || MUTANT(keeps_the_context_between_messages);
    if (!goes_on || !same)
        sd_session_begin(s, SD_BY_SMS, kvn, *t);
    sd_script(card, s, data, answer);
    chain_keep(card, s);
    if (!s->chained && !MUTANT(keeps_the_context_between_messages))
        sd_session_end(s);
}

static void script_by_link(struct card *card, struct sd_session *s, const struct sd_target *t, uint8_t kvn,
                           struct span data, struct writer *answer)
{
    if (s->kvn != kvn)
        sd_session_begin(s, SD_BY_CAT_TP, kvn, *t);
    sd_session_target(s, *t);
    sd_script(card, s, data, answer);
}

/* The triggering message has no answer data; a script has. */
static void packet_execute(struct card *card, const struct packet_way *way, const struct sd_target *t, uint8_t kvn,
                           struct span data, struct writer *answer)
{
    if ((t->kind == SD_ISDR || (t->kind == SD_MNOSD && t->sd == 0)) && data.len && data.ptr[0] == TRIGGER_TAG) {
        trigger_run(card, t, data);
        return;
    }
    if (way->form == SCP80_SMS)
        script_by_sms(card, way->session, t, kvn, data, answer);
    else
        script_by_link(card, way->session, t, kvn, data, answer);
}

static enum err policy_check(struct card *card, const struct sd_target *t, const struct scp80_header *h)
{
    if (MUTANT(takes_lower_security) && silent(t))
        return ERR_NONE;
    return silent(t) ? scp80_policy_isdr(h) : mnosd_policy(card, t, h);
}

static void packet_verified(struct card *card, const struct sd_target *t, uint8_t kvn, struct span data,
                            const struct por *por)
{
    uint64_t last = 0;
    enum scp80_status status = SCP80_NO_MEMORY;
    if (counter_read(card, t, kvn, &last) == ERR_NONE)
        status = MUTANT(accepts_a_low_counter) ? SCP80_OK
                                               : scp80_counter_check(por->header->spi1, last, por->header->counter);
    if (status == SCP80_OK && por->header->spi1 & SPI1_COUNTER_HIGHER &&
        counter_write(card, t, kvn, por->header->counter) != ERR_NONE)
        status = SCP80_NO_MEMORY;
    WRITER_ON_STACK(answer, SD_SCRIPT_ANSWER_MAX);
    if (status == SCP80_OK) {
        if (silent(t))
            isdr_note_kvn(card, kvn);
        packet_execute(card, por->way, t, kvn, data, &answer);
    }
    if (status != SCP80_OK)
        log_fact(card->env.log, LOG_WARN_, NULL, "a command packet is refused: %s", scp80_status_text((uint8_t)status));
    por_send(card, por, (uint8_t)status, wr_span(&answer));
    isdr_bearer_idle(card);
}

void isdr_packet_receive(struct card *card, struct span packet, const struct packet_way *way)
{
    struct scp80_header h;
    if (scp80_command_peek(way->form, packet, &h) != ERR_NONE)
        return;
    struct sd_target t = sd_by_tar(card, h.tar);
    struct por por = { .header = &h, .way = way, .isdr = silent(&t) };
    if (t.kind == SD_NONE) {
        if (!MUTANT(silent_for_unknown_tar))
            por_send(card, &por, SCP80_TAR_UNKNOWN, SPAN_NONE);
        return;
    }
    struct keyset set = { 0 };
    uint8_t buf[SD_PACKET_MAX];
    struct writer plain = wr_of(buf, sizeof buf);
    struct span data = SPAN_NONE;
    uint8_t status = SCP80_UNIDENTIFIED;
    enum err err = packet_keys(card, &t, &h, &set);
    if (err == ERR_NONE) {
        por.keys = (struct scp80_keys){ .kic = keyset_key(&set, 0x01), .kid = keyset_key(&set, 0x02) };
        err = policy_check(card, &t, &h);
        status = SCP80_INSUFFICIENT_SECURITY;
    }
    if (err == ERR_NONE) {
        err = scp80_command_unwrap(way->form, packet, &por.keys, &plain, &h, &data);
        status = SCP80_CC_FAILED;
    }
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "a command packet is refused: %s", scp80_status_text(status));
    if (err == ERR_NONE)
        packet_verified(card, &t, set.kvn, data, &por);
    else if (!silent(&t) || MUTANT(answers_strangers))
        por_send(card, &por, status, SPAN_NONE);
    wipe(&set, sizeof set);
    wipe(buf, sizeof buf);
}
