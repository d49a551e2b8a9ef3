#include "world.h"

#include "lib/gp/put_key.h"
#include "lib/gp/ram_script.h"
#include "lib/gp/store_data.h"
#include "lib/pki/gp_certificate.h"
#include "lib/scp/key_establishment.h"
#include "lib/scp/scp80.h"
#include "lib/wire/sms.h"

/* A card with the least that an SM-SR needs to work with. */

void card_make(struct world *w)
{
    struct world_card *c = &w->card;
    memset(c, 0, sizeof *c);
    memcpy(c->kic, hex_lit("11223344556677889910111213141516").ptr, 16);
    memcpy(c->kid, hex_lit("A1223344556677889910111213141516").ptr, 16);
    memcpy(c->psk, hex_lit("B1223344556677889910111213141516").ptr, 16);
    c->switch_to = c->undo_to = -1;
    c->free_memory = 400000;
    c->keeps_por = true;
    c->isdp[0] =
        (struct card_isdp){ .aid = aid_isdp(0x10), .state = ISDP_ENABLED, .fallback = true, .msisdn = "882000001" };
}

void card_done(struct world *w) { ec_key_free(w->card.server); }

struct card_isdp *card_find(struct world_card *c, const struct aid *aid)
{
    for (size_t i = 0; i < CARD_ISDPS_MAX; i++)
        if (c->isdp[i].state && aid_eq(&c->isdp[i].aid, aid))
            return &c->isdp[i];
    return NULL;
}

struct card_isdp *card_enabled(struct world_card *c)
{
    for (size_t i = 0; i < CARD_ISDPS_MAX; i++)
        if (c->isdp[i].state == ISDP_ENABLED)
            return &c->isdp[i];
    return NULL;
}

static struct card_isdp *fallback_of(struct world_card *c)
{
    for (size_t i = 0; i < CARD_ISDPS_MAX; i++)
        if (c->isdp[i].state && c->isdp[i].fallback)
            return &c->isdp[i];
    return NULL;
}

static void radio_put(struct world *w, bool to_card, const char *number, uint8_t iei, struct span packet)
{
    assert_true(w->radio_count < ARRAY_LEN(w->radio));
    assert_true(packet.len <= sizeof w->radio[0].packet);
    w->radio[w->radio_count].to_card = to_card;
    w->radio[w->radio_count].iei = iei;
    w->radio[w->radio_count].len = packet.len;
    snprintf(w->radio[w->radio_count].number, sizeof w->radio[0].number, "%s", number);
    memcpy(w->radio[w->radio_count++].packet, packet.ptr, packet.len);
}

size_t card_notification(struct world *w, uint8_t type, uint8_t *out, size_t cap)
{
    struct world_card *c = &w->card;
    struct es5_notification n = {
        .eid = world_eid(), .type = type, .sequence = c->sequence, .isdp = card_enabled(c)->aid, .has_imei = true
    };
    memcpy(n.imei, hex_lit("3A45990057918503").ptr, 8);
    struct writer w2 = wr_of(out, cap);
    es5_notification_write(&w2, &n);
    assert_ok(w2.err);
    return w2.len;
}

static void send_notification(struct world *w, uint8_t type)
{
    if (w->card.counts_notifications)
        w->card.sent_counter++;
    uint8_t body[ES5_NOTIFICATION_MAX];
    size_t len = card_notification(w, type, body, sizeof body);
    WRITER_ON_STACK(packet, 256);
    bool second = w->card.first_gone && w->card.has_second;
    uint8_t key_byte = SCP80_KEY_BYTE(second ? w->card.second_kvn : 1);
    struct scp80_header h = { .spi1 = SCP80_SPI1_FULL,
                              .spi2 = 0,
                              .kic = key_byte,
                              .kid = key_byte,
                              .tar = { 0, 0, 1 },
                              .counter = w->card.sent_counter };
    struct scp80_keys k = { SPAN_OF(w->card.kic), SPAN_OF(w->card.kid), 8 };
    if (second)
        k = (struct scp80_keys){ SPAN_OF(w->card.second_kic), SPAN_OF(w->card.second_kid), 8 };
    assert_ok(scp80_command_wrap(&h, &k, (struct span){ body, len }, &packet));
    if (!w->card.replay_len) /* somebody writes the first one down */
        memcpy(w->card.replay, packet.buf, w->card.replay_len = packet.len);
    radio_put(w, false, card_enabled(&w->card)->msisdn, SMS_IEI_COMMAND, wr_span(&packet));
}

void card_notify(struct world *w, uint8_t type)
{
    w->card.sequence++;
    w->card.pending = true;
    w->card.pending_type = type;
    send_notification(w, type);
}

void card_replay_first(struct world *w)
{
    radio_put(w, false, card_enabled(&w->card)->msisdn, SMS_IEI_COMMAND,
              (struct span){ w->card.replay, w->card.replay_len });
}

void card_repeat(struct world *w) { send_notification(w, w->card.pending_type); }

/* ---- commands */

static uint16_t profile_command(struct world_card *c, const struct es5_store_data *s)
{
    struct card_isdp *isdp = card_find(c, &s->isdp), *enabled = card_enabled(c);
    if (!isdp)
        return SW_NOT_FOUND;
    bool enables = s->dgi == ES5_ENABLE_PROFILE;
    if (isdp->state != (enables ? ISDP_DISABLED : ISDP_ENABLED) || (!enables && isdp->fallback) || c->switch_to >= 0)
        return SW_CONDITIONS;
    if (enabled->pol1_no_disable)
        return SW_POL1;
    c->enables += enables;
    c->undo_to = (int)(enabled - c->isdp);
    c->switch_to = (int)((enables ? isdp : fallback_of(c)) - c->isdp);
    return SW_OK;
}

static uint16_t confirmation(struct world_card *c, uint16_t sequence, struct writer *data)
{
    struct es5_deleted deleted = { .count = 0 };
    if (!c->pending)
        return SW_CONDITIONS;
    if (sequence != c->sequence)
        return SW_NOT_FOUND;
    c->pending = false;
    if (c->pending_type == ES5_CHANGE_SUCCEEDED && c->undo_to >= 0 && c->isdp[c->undo_to].pol1_delete_on_disable) {
        deleted.isdp[deleted.count++] = c->isdp[c->undo_to].aid;
        c->isdp[c->undo_to].state = 0;
    }
    c->undo_to = -1;
    es5_deleted_write(data, &deleted);
    return SW_OK;
}

/* EstablishISDRKeySet: 3A01, the certificate; 3A02, the keys. */
static uint16_t show_certificate(struct world_card *c, struct span dgi, struct writer *data)
{
    struct gp_certificate gp;
    ec_key_free(c->server);
    c->server = NULL;
    if (gp_certificate_decode(span_from(dgi, 3), &gp) != ERR_NONE ||
        gp_certificate_verify(&gp, c->trusted) != ERR_NONE || gp_certificate_is_for(&gp, GP_ROLE_SM_SR) != ERR_NONE ||
        gp_certificate_key(&gp, &c->server) != ERR_NONE)
        return SW_SECURITY_STATUS;
    c->challenge[0]++;
    c->challenged = true;
    ka_challenge_write(data, SPAN_OF(c->challenge));
    return SW_OK;
}

static uint16_t make_keyset(struct world_card *c, struct span dgis, struct writer *data)
{
    static const uint8_t dr[16] = { 0xD, 0xE };
    struct ka_command k;
    struct ka_parameters p;
    struct ka_keys keys;
    uint8_t scalar[EC_FIELD_LEN];
    WRITER_ON_STACK(signed_data, KA_COMMAND_MAX);
    if (!c->challenged)
        return SW_CONDITIONS;
    c->challenged = false;
    assert_ok(ka_command_parse(dgis, &k));
    assert_ok(ka_crt_parse(k.crt, &p));
    if (p.key_type == KEY_TYPE_PSK_TLS && c->knows_no_psk)
        return SW_WRONG_DATA;
    ka_to_be_signed_write(&signed_data, k.crt, k.public_key, SPAN_OF(c->challenge));
    if (ec_verify(c->server, wr_span(&signed_data), k.signature) != ERR_NONE)
        return SW_SECURITY_STATUS;
    assert_ok(ec_key_scalar(c->own, scalar));
    assert_ok(ka_card_finish(&k, &p, EC_P256, SPAN_OF(scalar), (struct span){ dr, p.parameters & KA_WITH_DR ? 16 : 0 },
                             &keys, data));
    if (p.key_type == KEY_TYPE_PSK_TLS) {
        assert_int_equal(keys.count, 1);
        assert_true(c->first_gone && p.kvn >= 0x40 && p.kvn <= 0x4F);
        c->psk_kvn = p.kvn;
        memcpy(c->psk, keys.keys[0], 16);
        return SW_OK;
    }
    assert_int_equal(keys.count, 3);
    c->has_second = true;
    c->second_kvn = p.kvn;
    c->second_counter = p.counter;
    memcpy(c->second_kic, keys.keys[0], 16);
    memcpy(c->second_kid, keys.keys[1], 16);
    c->keysets_made++;
    if (c->wrong_receipt)
        data->buf[data->len - 1] ^= 1;
    return SW_OK;
}

static uint16_t store_data(struct world *w, const struct capdu *capdu, struct writer *data)
{
    struct es5_store_data s;
    if (capdu->data.len > 4 && capdu->data.ptr[0] == 0x3A && capdu->data.ptr[1] == 0x01 && capdu->data.ptr[3] == 0x7F)
        return show_certificate(&w->card, capdu->data, data);
    if (capdu->data.len > 3 && capdu->data.ptr[0] == 0x3A && capdu->data.ptr[1] == 0x02 && w->card.server)
        return make_keyset(&w->card, capdu->data, data);
    if (es5_store_data_parse(capdu->data, &s) != ERR_NONE) {
        wr_bytes(data, span_sub(capdu->data, 0, 4)); /* some DGI of ES8: echo */
        return SW_OK;
    }
    if (s.dgi == ES5_UPDATE_ADDRESSING && s.addressing.https.len)
        w->card.https_addressed = true;
    if (s.dgi == ES5_SET_FALLBACK_ATTRIBUTE) {
        for (size_t i = 0; i < CARD_ISDPS_MAX; i++)
            w->card.isdp[i].fallback = w->card.isdp[i].state && aid_eq(&w->card.isdp[i].aid, &s.isdp);
        return SW_OK;
    }
    if (s.dgi == ES5_NOTIFICATION_CONFIRMATION)
        return confirmation(&w->card, s.sequence, data);
    return s.dgi == ES5_ENABLE_PROFILE || s.dgi == ES5_DISABLE_PROFILE ? profile_command(&w->card, &s) : SW_OK;
}

static uint16_t install(struct world_card *c, const struct capdu *capdu, struct writer *data)
{
    struct es5_create_isdp create;
    if (capdu->p1 == 0x20)
        return SW_OK;
    assert_ok(es5_create_isdp_parse(capdu, &create));
    if (card_find(c, &create.isdp))
        return SW_CONDITIONS;
    for (size_t i = 0; i < CARD_ISDPS_MAX; i++)
        if (!c->isdp[i].state) {
            c->isdp[i] = (struct card_isdp){ .aid = create.isdp, .state = ISDP_SELECTABLE, .msisdn = "882000099" };
            c->free_memory -= create.memory;
            wr_u8(data, 0);
            return SW_OK;
        }
    return SW_NO_MEMORY;
}

static uint16_t delete (struct world_card *c, const struct capdu *capdu, struct writer *data)
{
    struct es5_delete d;
    assert_ok(es5_delete_parse(capdu, &d));
    if (d.kind == ES5_DELETE_KEYS) {
        bool found = false;
        for (size_t i = 0; i < d.range_count; i++) {
            if (d.ranges[i].kvn == c->last_kvn)
                return SW_CONDITIONS;
            found |= d.ranges[i].kvn == 0x40 && !c->first_psk_gone;
            c->first_psk_gone |= d.ranges[i].kvn == 0x40;
            found |= c->psk_kvn && d.ranges[i].kvn == c->psk_kvn;
            if (d.ranges[i].kvn == c->psk_kvn)
                c->psk_kvn = 0;
            found |= d.ranges[i].kvn == 1 && !c->first_gone;
            c->first_gone |= d.ranges[i].kvn == 1;
            found |= c->has_second && d.ranges[i].kvn == c->second_kvn;
            c->has_second &= d.ranges[i].kvn != c->second_kvn;
        }
        return found ? SW_OK : SW_NOT_FOUND;
    }
    struct card_isdp *isdp = card_find(c, &d.isdp);
    if (!isdp)
        return SW_NOT_FOUND;
    if (isdp->state == ISDP_ENABLED || isdp->fallback)
        return SW_CONDITIONS;
    if (isdp->pol1_no_delete)
        return SW_POL1;
    isdp->state = 0;
    wr_u8(data, 0);
    return SW_OK;
}

static uint16_t get_status(struct world_card *c, const struct capdu *capdu, struct writer *data)
{
    struct es5_get_status g;
    assert_ok(es5_get_status_parse(capdu, &g));
    bool found = false;
    for (size_t i = 0; i < CARD_ISDPS_MAX; i++) {
        struct card_isdp *isdp = &c->isdp[i];
        if (!isdp->state || (g.isdp.len && !span_eq(g.isdp, aid_span(&isdp->aid))))
            continue;
        struct es5_isdp_status s = { .aid = isdp->aid,
                                     .state = isdp->state,
                                     .has_attributes = true,
                                     .attributes = isdp->fallback ? ISDP_ATTRIBUTE_FALLBACK : 0 };
        es5_isdp_status_write(data, &s, &g);
        found = true;
    }
    return found ? SW_OK : SW_NOT_FOUND;
}

static uint16_t execute(struct world *w, const struct capdu *capdu, struct writer *data)
{
    struct world_card *c = &w->card;
    struct es5_memory memory = { .applications = 1, .free_non_volatile = c->free_memory, .free_volatile = 1000 };
    c->executed++;
    if (c->next_sw) {
        uint16_t sw = c->next_sw;
        c->next_sw = 0;
        return sw;
    }
    switch (capdu->ins) {
    case INS_STORE_DATA:
        return store_data(w, capdu, data);
    case INS_INSTALL:
        return install(c, capdu, data);
    case INS_DELETE:
        return delete (c, capdu, data);
    case INS_GET_STATUS:
        return get_status(c, capdu, data);
    case INS_GET_DATA:
        es5_memory_write(data, &memory);
        return SW_OK;
    case INS_PUSH:
        c->executed--; /* no command of ES5 */
        return w->on_push ? w->on_push(w, capdu->p2) : SW_WRONG_INS;
    default:
        return SW_WRONG_INS;
    }
}

void card_script(struct world *w, struct span script, struct writer *out)
{
    struct ram_reader r;
    struct ram_item item;
    struct ram_answer a;
    uint8_t link = 0;
    ram_commands_open(&r, script);
    ram_answer_open(&a, out, r.format);
    while (ram_commands_next(&r, &item)) {
        WRITER_ON_STACK(data, 1024);
        WRITER_ON_STACK(rapdu, 1100);
        struct capdu capdu;
        if (item.tag == RAM_TAG_CHAINING) {
            link = item.value.ptr[0];
            w->card.links[w->card.link_count++ % sizeof w->card.links] = link;
            w->card.challenged &= link != RAM_CHAIN_FIRST;
            continue;
        }
        if (item.tag != RAM_TAG_CAPDU) { /* SCP03t: an empty answer of the same tag */
            ram_answer_item(&a, item.tag, SPAN_NONE);
            continue;
        }
        assert_ok(capdu_parse(item.value, &capdu));
        uint16_t sw = execute(w, &capdu, &data);
        rapdu_write(&rapdu, &(struct rapdu){ wr_span(&data), sw });
        ram_answer_rapdu(&a, wr_span(&rapdu));
        if (!sw_is_positive(sw))
            break;
    }
    w->card.challenged &= link == RAM_CHAIN_FIRST || link == RAM_CHAIN_NEXT; /* else it forgets */
    ram_answer_close(&a);
    assert_ok(out->err);
}

static void send_por(struct world *w, struct span por)
{
    radio_put(w->por_to ? w->por_to : w, false, card_enabled(&w->card)->msisdn, SMS_IEI_RESPONSE, por);
}

bool card_secured(struct world *w, enum scp80_form form, struct span packet, struct writer *por, struct writer *plain,
                  struct span *ret_trigger)
{
    struct world_card *c = &w->card;
    WRITER_ON_STACK(answer, 4096);
    struct scp80_header h;
    struct scp80_keys k = { SPAN_OF(c->kic), SPAN_OF(c->kid), 8 };
    struct span data;
    if (c->off)
        return false;
    assert_ok(scp80_command_peek(form, packet, &h));
    bool second = SCP80_KVN(h.kid) != 1;
    if (second ? !c->has_second || SCP80_KVN(h.kid) != c->second_kvn : c->first_gone)
        return false; /* no such keys */
    if (second)
        k = (struct scp80_keys){ SPAN_OF(c->second_kic), SPAN_OF(c->second_kid), 8 };
    uint64_t *counter = second ? &c->second_counter : &c->counter;
    c->last_kvn = SCP80_KVN(h.kid);
    assert_ok(scp80_command_unwrap(form, packet, &k, plain, &h, &data));
    assert_ok(scp80_policy_isdr(&h));
    if (c->keeps_por && span_eq(packet, (struct span){ c->last_packet, c->last_packet_len })) {
        wr_bytes(por, (struct span){ c->last_por, c->last_por_len });
        return false;
    }
    struct scp80_response response = { .counter = h.counter };
    memcpy(response.tar, h.tar, 3);
    response.status = scp80_counter_check(h.spi1, *counter, h.counter);
    bool trigger = data.len && data.ptr[0] == 0x81;
    if (response.status == SCP80_OK) {
        *counter = h.counter;
        if (c->pending && c->power_fails) { /* the packet is used up, and nothing came of it */
            c->power_fails = false;
            card_repeat(w);
            return false;
        }
        if (!trigger) {
            card_script(w, data, &answer);
            response.data = wr_span(&answer);
        }
    }
    assert_ok(scp80_response_wrap(&h, &k, &response, por));
    if (response.status == SCP80_OK) {
        memcpy(c->last_packet, packet.ptr, c->last_packet_len = packet.len);
        memcpy(c->last_por, por->buf, c->last_por_len = por->len);
    }
    *ret_trigger = data;
    return trigger && response.status == SCP80_OK;
}

void card_packet(struct world *w, struct span packet)
{
    WRITER_ON_STACK(plain, 4096);
    WRITER_ON_STACK(por, 4096);
    struct span trigger;
    bool triggered = card_secured(w, SCP80_SMS, packet, &por, &plain, &trigger);
    if (por.len)
        send_por(w, wr_span(&por));
    if (triggered && w->on_trigger)
        w->on_trigger(w, trigger);
}

/* ---- the switch */

static void enable(struct world_card *c, int index)
{
    struct card_isdp *enabled = card_enabled(c);
    if (enabled)
        enabled->state = ISDP_DISABLED;
    c->isdp[index].state = ISDP_ENABLED;
}

void card_confirm_missing(struct world *w)
{
    struct world_card *c = &w->card;
    if (!c->pending || c->undo_to < 0)
        return;
    enable(c, c->undo_to);
    c->undo_to = -1;
    card_notify(w, ES5_CHANGE_ROLLED_BACK);
}

void card_goes_home(struct world *w, uint8_t type)
{
    enable(&w->card, (int)(fallback_of(&w->card) - w->card.isdp));
    w->card.switch_to = w->card.undo_to = -1;
    card_notify(w, type);
}

void card_fall_back(struct world *w) { card_goes_home(w, ES5_FALLBACK); }

void card_idle(struct world *w)
{
    struct world_card *c = &w->card;
    if (c->switch_to < 0)
        return;
    enable(c, c->switch_to);
    c->switch_to = -1;
    if (card_enabled(c)->no_network) {
        c->pending = true;
        card_confirm_missing(w);
    } else {
        card_notify(w, ES5_CHANGE_SUCCEEDED);
    }
}
