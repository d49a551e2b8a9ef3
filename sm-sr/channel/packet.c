#include "packet.h"

#include "lib/base/mutant.h"
#include "lib/codec/hex.h"
#include "lib/gp/ram_script.h"
#include "lib/model/unconfirmed.h"
#include "lib/ota/push.h"
#include "lib/scp/scp81.h"

struct plain_keys {
    uint8_t octets[SMSR_SCP_KEYS_MAX];
    struct span key[3];
};

static enum err keys_open(struct turn *t, const struct keyset *k, struct plain_keys *ret)
{
    char aad[SMSR_AAD_SIZE];
    memset(ret, 0, sizeof *ret);
    if (k->wrapped.len < KEYS_WRAP_OVERHEAD || k->wrapped.len - KEYS_WRAP_OVERHEAD > sizeof ret->octets)
        return ERR_BAD_LENGTH;
    enum err err = t->env->keys->unwrap(t->env->keys, smsr_keyset_aad(t->e->eid_text, k->kvn, aad), k->wrapped,
                                        ret->octets, sizeof ret->octets);
    struct reader r = rd_of((struct span){ ret->octets, k->wrapped.len - KEYS_WRAP_OVERHEAD });
    for (size_t i = 0; err == ERR_NONE && i < ARRAY_LEN(ret->key); i++)
        ret->key[i] = rd_at_end(&r) ? SPAN_NONE : rd_span(&r, rd_u8(&r));
    return err != ERR_NONE ? err : r.err;
}

static struct scp80_header header_of(uint8_t kvn, const struct aid *target, uint64_t counter)
{
    uint32_t tar = aid_tar(target);
    return (struct scp80_header){ .spi1 = SMSR_SPI1,
                                  .spi2 = SMSR_SPI2,
                                  .kic = SCP80_KEY_BYTE(kvn),
                                  .kid = SCP80_KEY_BYTE(kvn),
                                  .counter = counter,
                                  .tar = { (uint8_t)(tar >> 16), (uint8_t)(tar >> 8), (uint8_t)tar } };
}

enum err smsr_packet_open(struct turn *t, const struct keyset *k, enum scp80_form form, struct span packet,
                          struct writer *plain, struct scp80_header *ret, struct span *ret_data)
{
    struct plain_keys keys;
    enum err err = keys_open(t, k, &keys);
    struct scp80_keys scp80 = { .kic = keys.key[0], .kid = keys.key[1] };
    if (err == ERR_NONE)
        err = scp80_command_unwrap(form, packet, &scp80, plain, ret, ret_data);
    wipe(&keys, sizeof keys);
    return err;
}

static enum err packet_wrap(struct turn *t, const struct keyset *k, const struct scp80_header *h, struct span data,
                            struct span *ret)
{
    struct plain_keys keys;
    struct writer w = wr_arena(t->arena, data.len + SCP80_OVERHEAD_MAX);
    enum err err = keys_open(t, k, &keys);
    struct scp80_keys scp80 = { .kic = keys.key[0], .kid = keys.key[1] };
    if (err == ERR_NONE)
        err = scp80_command_wrap(h, &scp80, data, &w);
    if (MUTANT(logs_a_key))
        turn_log(t, LOG_DEBUG_, "KIc %s", hex_arena(t->arena, keys.key[0]));
    wipe(&keys, sizeof keys);
    if (err == ERR_NONE)
        *ret = wr_span(&w);
    return err;
}

static enum err packet_draw(struct turn *t, struct exchange *x, enum scp80_form form, const struct aid *target,
                            struct span data, uint64_t jump)
{
    struct keyset *k = smsr_keyset_of(t->e, KEYSET_SCP80);
    if (!k || k->counter + 1 + jump > SCP80_COUNTER_MAX)
        return ERR_NOT_FOUND;
    struct scp80_header h = header_of(k->kvn, target, k->counter + 1 + jump);
    h.form = form;
    enum err err = packet_wrap(t, k, &h, data, &x->packet);
    if (err != ERR_NONE)
        return err;
    k->counter = h.counter;
    smsr_keyset_changed(k);
    x->kvn = k->kvn;
    x->counter = h.counter;
    x->invited = 0;
    x->packet_new = true;
    return ERR_NONE;
}

enum err smsr_packet_make(struct turn *t, struct exchange *x, const struct aid *target, struct span data, uint64_t jump)
{
    return packet_draw(t, x, SCP80_SMS, target, data, jump);
}

enum err smsr_packet_for_link(struct turn *t, struct exchange *x, uint64_t jump)
{
    return packet_draw(t, x, SCP80_CAT_TP, &x->target, x->script, SMSR_LINK_RESERVE + jump);
}

/* ---- the triggering message (oncard book 8.1) */

static void wr_address(struct writer *w, const uint8_t ipv4[4])
{
    const uint8_t address[] = { 0x21, ipv4[0], ipv4[1], ipv4[2], ipv4[3] };
    wr_tlv(w, 0x3E, SPAN_OF(address));
}

static void wr_transport(struct writer *w, uint8_t kind, uint16_t port)
{
    const uint8_t transport[] = { kind, (uint8_t)(port >> 8), (uint8_t)port };
    wr_tlv(w, 0x3C, SPAN_OF(transport));
}

static void connection_write(struct writer *w, const struct smsr_config *c)
{
    static const uint8_t head[] = { 0x05, 0x00, 0x35, 0x01, 0x03, 0x39, 0x02, 0x05, 0x8E };
    wr_bytes(w, SPAN_OF(head));
    wr_transport(w, 0x02, c->admin_port); /* TCP, client */
    if (!c->admin_name[0])
        wr_address(w, c->admin_ipv4);
}

/* [?] FA: where to ask, as objects of OPEN CHANNEL. */
static void dns_write(struct writer *w, const struct smsr_config *c)
{
    wr_tlv(w, 0xD6, span_text(c->admin_name));
    size_t mark = wr_tlv_open(w, 0xFA);
    wr_transport(w, 0x01, c->dns_port);
    wr_address(w, c->dns_ipv4);
    wr_tlv_close(w, mark);
}

/* With the key set named: a card may still hold that of a former SM-SR, and would take it. */
static void trigger_write(struct writer *w, const struct smsr_config *c, const struct keyset *psk)
{
    WRITER_ON_STACK(connection, 64);
    WRITER_ON_STACK(dns, 320);
    if (c->admin_port)
        connection_write(&connection, c);
    if (c->admin_name[0])
        dns_write(&dns, c);
    struct scp81_trigger trigger = { .connection = wr_span(&connection),
                                     .dns = wr_span(&dns),
                                     .has_key = psk && SMSR_TRIGGER_NAMES_KEYS,
                                     .kvn = psk ? psk->kvn : 0,
                                     .kid = psk ? psk->kid : 0,
                                     .host = span_text(c->admin_host),
                                     .uri = span_text(c->admin_uri) };
    scp81_trigger_write(w, &trigger);
}

void smsr_cat_tp_parameters_write(struct writer *w, const struct smsr_config *c)
{
    wr_transport(w, 0x01, c->cat_tp_udp_port);
    wr_address(w, c->cat_tp_ipv4);
    wr_transport(w, 0x00, c->cat_tp_port);
}

/* PUSH in a script of its own (oncard book 9.2). */
static void push_write(const struct turn *t, struct writer *w)
{
    const struct smsr_config *c = t->config;
    struct push_channel channel = { .has_address = c->cat_tp_udp_port != 0, .port = c->cat_tp_udp_port };
    struct ram_script s;
    WRITER_ON_STACK(open, 80);
    WRITER_ON_STACK(link, 80);
    memcpy(channel.ipv4, c->cat_tp_ipv4, sizeof channel.ipv4);
    push_channel_write(&open, &channel);
    push_link_write(&link, c->cat_tp_port, SPAN_OF(t->e->eid.octets));
    ram_script_open(&s, w, RAM_DEFINITE);
    ram_script_capdu(&s, wr_span(&open));
    ram_script_capdu(&s, wr_span(&link));
    ram_script_close(&s);
    if (open.err != ERR_NONE || link.err != ERR_NONE)
        wr_fail(w, ERR_NO_SPACE);
}

enum err smsr_trigger_make(struct turn *t, struct exchange *x, uint64_t jump)
{
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    if (x->bearer == BEARER_CAT_TP)
        push_write(t, &w);
    else
        trigger_write(&w, t->config, smsr_keyset_of(t->e, KEYSET_SCP81));
    return w.err != ERR_NONE ? ERR_NO_SPACE : smsr_packet_make(t, x, &AID_ISDR, wr_span(&w), jump);
}

void smsr_https_parameters_write(struct writer *w, const struct smsr_config *c)
{
    WRITER_ON_STACK(trigger, SCP81_TRIGGER_MAX);
    struct span session, parameters;
    trigger_write(&trigger, c, NULL);
    if (tlv_find(wr_span(&trigger), 0x81, &session) && tlv_find(session, 0x83, &parameters))
        wr_bytes(w, parameters);
}

enum err smsr_push_again(struct turn *t, struct exchange *x, struct span *ret_packet)
{
    struct keyset *k = smsr_keyset_by_kvn(t->e, x->kvn);
    uint64_t first = x->counter - SMSR_LINK_RESERVE, next = x->invited >= first ? x->invited + 1 : first;
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    if (!k)
        return ERR_NOT_FOUND;
    if (next >= x->counter) {
        next = k->counter + 1;
        k->counter = next;
        smsr_keyset_changed(k);
    }
    struct scp80_header h = header_of(k->kvn, &AID_ISDR, next);
    push_write(t, &w);
    enum err err = w.err;
    if (err == ERR_NONE)
        err = packet_wrap(t, k, &h, wr_span(&w), ret_packet);
    if (err == ERR_NONE)
        x->invited = next;
    return err;
}

/* ---- answers */

/* What the card may have answered: the packet, or a trigger that was sent after it was drawn. */
static uint64_t answered_counter(const struct exchange *x, enum scp80_form form)
{
    bool drawn = x->bearer == BEARER_CAT_TP && x->state == EXCHANGE_SENT;
    return drawn && form == SCP80_SMS ? x->invited : x->counter;
}

enum err smsr_packet_por(struct turn *t, const struct exchange *x, enum scp80_form form, struct span packet,
                         struct scp80_response *ret)
{
    struct keyset *k = smsr_keyset_by_kvn(t->e, x->kvn);
    struct plain_keys keys;
    if (!k || !x->packet.len)
        return ERR_NOT_FOUND;
    enum err err = keys_open(t, k, &keys);
    struct writer plain = wr_arena(t->arena, packet.len + 16);
    struct scp80_header h = header_of(x->kvn, &AID_ISDR, 0);
    struct scp80_keys scp80 = { .kic = keys.key[0], .kid = keys.key[1] };
    struct scp80_response por;
    h.form = form;
    if (err == ERR_NONE)
        err = scp80_response_unwrap(&h, packet, &scp80, &plain, &por);
    wipe(&keys, sizeof keys);
    if (err == ERR_NONE && por.counter != answered_counter(x, form))
        err = ERR_NOT_FOUND;
    if (err == ERR_NONE)
        *ret = por;
    return err;
}
