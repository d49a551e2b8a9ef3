#include "notify.h"

#include "euicc/agent/agent.h"
#include "euicc/isdr/isdr.h"
#include "euicc/isdr/keyset.h"
#include "lib/codec/hex.h"
#include "lib/scp/scp80.h"

#define SPI1_NOTIFICATION 0x16u /* CC, ciphered, counter higher; SPI2 00: the card wants no PoR (SGP.02 §3.15) */

/* The packet of fact book 11.2: TAR of the ISD-R, E1 bare. The counter is stored before the packet leaves. */
static enum err packet_make(struct card *card, uint8_t kvn, struct span e1, struct writer *w)
{
    struct keyset_counters counters;
    struct keyset set;
    enum err err = keyset_counters_read(card, kvn, &counters);
    if (err != ERR_NONE)
        return err;
    counters.sent++;
    err = keyset_counters_write(card, kvn, &counters);
    if (err == ERR_NONE)
        err = keyset_read(card, kvn, &set);
    if (err != ERR_NONE)
        return err;
    struct scp80_header h = { .spi1 = SPI1_NOTIFICATION,
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
    uint8_t kvn = isdr_used_kvn(card, KVN_SCP80_FIRST, KVN_SCP80_LAST);
    WRITER_ON_STACK(packet, SMS_UD_MAX * 2u);
    err = kvn ? packet_make(card, kvn, e1, &packet) : ERR_MISSING;
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

enum err notify_send(struct card *card, struct span e1, unsigned attempt)
{
    struct sms_address unused;
    uint8_t value[ISDR_ADDRESSING_MAX];
    size_t len;
    bool sms = isdr_smsr_number(card, &unused) == ERR_NONE;
    bool https = isdr_addressing(card, 0xA5, value, sizeof value, &len) == ERR_NONE;
    if (!sms && !https)
        return ERR_MISSING;
    bool turn = (attempt % 2 == 0) != card->isdr->https_first;
    bool sms_first = sms && (!https || turn);
    enum err err = sms_first ? by_sms(card, e1) : by_https(card, e1);
    if (err != ERR_NONE && sms && https)
        err = sms_first ? by_https(card, e1) : by_sms(card, e1);
    return err;
}
