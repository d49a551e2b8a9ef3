#include "notify.h"

#include "euicc/agent/agent.h"
#include "euicc/agent/cat_tp_agent.h"
#include "euicc/isdr/isdr.h"
#include "euicc/isdr/keyset.h"
#include "lib/codec/hex.h"
#include "lib/scp/scp80.h"
#include "lib/base/mutant.h"

#define SPI1_NOTIFICATION 0x16u /* CC, ciphered, counter higher; SPI2 00: the card wants no PoR (SGP.02 §3.15) */

/* The packet of fact book 11.2: TAR of the ISD-R, E1 bare. The counter is stored before the packet leaves. */
static enum err packet_make(struct card *card, enum scp80_form form, struct span e1, struct writer *w)
{
    struct keyset_counters counters;
    struct keyset set;
    uint8_t kvn = isdr_used_kvn(card, KVN_SCP80_FIRST, KVN_SCP80_LAST);
    if (kvn == 0)
        return ERR_MISSING;
    enum err err = keyset_counters_read(card, kvn, &counters);
    if (err != ERR_NONE)
        return err;
    counters.sent++;
    err = keyset_counters_write(card, kvn, &counters);
    if (err == ERR_NONE)
        err = keyset_read(card, kvn, &set);
    if (err != ERR_NONE)
        return err;
    struct scp80_header h = { .form = form,
                              .spi1 = SPI1_NOTIFICATION,
                              .spi2 = 0x00,
                              .kic = SCP80_KEY_BYTE(kvn),
                              .kid = SCP80_KEY_BYTE(kvn),
                              .tar = { 0x00, 0x00, 0x01 },
                              .counter = counters.sent };
    struct scp80_keys keys = { .kic = keyset_key(&set, 0x01), .kid = keyset_key(&set, 0x02) };
    err = scp80_command_wrap(&h, &keys, e1, w);
    wipe(&set, sizeof set);
    return err;
}

static enum err by_sms(struct card *card, struct span e1)
{
    struct sms_address to;
    enum err err = isdr_smsr_number(card, &to);
    if (err != ERR_NONE)
        return err;
    WRITER_ON_STACK(packet, SMS_UD_MAX * 2u);
    err = packet_make(card, SCP80_SMS, e1, &packet);
    return err == ERR_NONE ? sms_out_send(card, SMS_OUT_NOTIFICATION, &to, wr_span(&packet)) : err;
}

static enum err by_https(struct card *card, struct span e1)
{
    WRITER_ON_STACK(query, 8u + 2u * ES5_NOTIFICATION_MAX);
    wr_text(&query, "?msg=");
    wr_hex(&query, e1);
    struct agent_request request = { .query = wr_span(&query), .notifies = true };
    return query.err == ERR_NONE ? agent_open(card, &request) : query.err;
}

static enum err by_cat_tp(struct card *card, struct span e1)
{
    WRITER_ON_STACK(packet, SMS_UD_MAX * 2u);
    enum err err = packet_make(card, SCP80_CAT_TP, e1, &packet);
    return err == ERR_NONE ? cat_tp_notify(card, wr_span(&packet)) : err;
}

static bool has_number(struct card *card)
{
    struct sms_address unused;
    return isdr_smsr_number(card, &unused) == ERR_NONE;
}

static bool has_address(struct card *card, uint8_t tag)
{
    uint8_t value[ISDR_ADDRESSING_MAX];
    size_t len;
    return isdr_addressing(card, tag, value, sizeof value, &len) == ERR_NONE;
}

#define BEARERS 3u
typedef enum err bearer_send(struct card *card, struct span e1);

/* What the SM-SR has an address for, best first. */
static size_t bearers_of(struct card *card, bearer_send *ret[BEARERS])
{
    size_t count = 0;
    bool sms = has_number(card), last = card->isdr->https_first;
    if (sms && !last)
        ret[count++] = by_sms;
    if (has_address(card, 0xA5) && !MUTANT(never_tries_https))
        ret[count++] = by_https;
    if (has_address(card, 0xA4))
        ret[count++] = by_cat_tp;
    if (sms && last)
        ret[count++] = by_sms;
    return count;
}

enum err notify_send(struct card *card, struct span e1, unsigned attempt)
{
    bearer_send *bearers[BEARERS];
    size_t count = bearers_of(card, bearers);
    enum err err = ERR_MISSING;
    for (size_t i = 0; i < count && err != ERR_NONE; i++)
        err = bearers[(attempt + i) % count](card, e1);
    return err;
}
