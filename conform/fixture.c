/* What cases start from: ISD-Ps, keys in them, profiles; and the way back to the card as it was found. */
#include "bed.h"

#include "package.h"

#define PROFILE_SETTLE_S 2u

uint32_t tar_of(const struct aid *aid) { return aid_tar(aid); }

/* ---- commands ---- */

struct span profile_command(struct bed *b, uint16_t dgi, const struct aid *aid)
{
    return hexf(b, "80E2880015 %04X12 4F10%s", dgi, hex_of(b, aid_span(aid)));
}

struct span delete_command(struct bed *b, const struct aid *aid)
{
    return hexf(b, "80E4004012 4F10%s 00", hex_of(b, aid_span(aid)));
}

struct span create_command(struct bed *b, const struct aid *aid, const char *parameters)
{
    struct span p = hexf(b, "%s", parameters);
    return hexf(
        b,
        "80E60C00%02X 10A0000005591010FFFFFFFF8900000D00 10A0000005591010FFFFFFFF8900000E00 10%s 0380C000 %02X%s "
        "00 00",
        (unsigned)(17 * 3 + 4 + 1 + p.len + 1), hex_of(b, aid_span(aid)), (unsigned)p.len, hex_of(b, p));
}

/* ---- looking ---- */

static bool isdp_look(struct bed *b, const struct aid *aid, struct es5_isdp_status *ret)
{
    struct rapdu r = isdr(b, hexf(b, "80F2400218 4F10%s 5C049F704F53 00", hex_of(b, aid_span(aid))));
    struct reader in = rd_of(r.data);
    if (r.sw == 0x6A88)
        return false;
    need_sw(b, r.sw, 0x9000, "GET STATUS");
    need(b, es5_isdp_status_next(&in, ret), "GET STATUS: %s", hex_of(b, r.data));
    return true;
}

uint8_t isdp_state(struct bed *b, const struct aid *aid)
{
    struct es5_isdp_status s;
    return isdp_look(b, aid, &s) ? s.state : 0;
}

uint8_t isdp_attributes(struct bed *b, const struct aid *aid)
{
    struct es5_isdp_status s;
    need(b, isdp_look(b, aid, &s), "the ISD-P is gone");
    return s.attributes;
}

struct es5_memory memory_audit(struct bed *b)
{
    struct es5_memory m;
    struct rapdu r = isdr(b, hexf(b, "80CAFF2100"));
    need_sw(b, r.sw, 0x9000, "GET DATA FF21");
    need_ok(b, es5_memory_parse(r.data, &m), "FF21");
    return m;
}

/* ---- making ---- */

struct aid isdp_next(struct bed *b)
{
    struct aid aid = aid_isdp(b->next_tar++);
    need(b, b->made_count < BED_MADE_MAX, "too many ISD-Ps in one case");
    b->made[b->made_count++] = aid;
    return aid;
}

struct aid isdp_make(struct bed *b)
{
    struct aid aid = isdp_next(b);
    need_sw(b, isdr_sw(b, create_command(b, &aid, "C90481020370")), 0x9000, "CreateISDP");
    return aid;
}

/* In the open session. */
static void keys_agree(struct bed *b, const struct aid *aid, struct agreement *a)
{
    struct span cert = certificate_make(b, &(struct certificate_wish){ .role = 0x01 });
    struct writer w = room(b, 600);
    struct ram_script s;
    struct writer dgi = room(b, 400);
    wr_dgi(&dgi, 0x3A01, cert);
    ram_script_open(&s, &w, RAM_INDEFINITE);
    ram_script_capdu(&s, install_perso(b, aid));
    ram_script_capdu(&s, store_data(b, 0x09, 0x00, wr_span(&dgi)));
    ram_script_close(&s);
    struct span answer = https_script(b, &AID_ISDR, wr_span(&w));
    need_sw(b, result_at(b, answer, 0).sw, 0x9000, "INSTALL [for personalization]");
    struct span rc = rc_of(b, result_at(b, answer, 1));
    struct span dgis = agreement_dgis(b, a, rc);
    answer = https_script(b, &AID_ISDR, script_of(b, RAM_INDEFINITE, store_data(b, 0x89, 0x01, dgis)));
    struct rapdu r = result_at(b, answer, 0);
    need_sw(b, r.sw, 0x9000, "STORE DATA 3A02");
    agreement_finish(b, a, r.data);
}

struct scp03_keys isdp_keys(struct bed *b, const struct aid *aid)
{
    struct agreement a = { AGREEMENT_SCP03 };
    struct scp03_keys keys = { .kvn = 0x30, .key_len = 16 };
    https_open(b);
    keys_agree(b, aid, &a);
    https_end(b);
    memcpy(keys.enc, a.keys[0], 16);
    memcpy(keys.mac, a.keys[1], 16);
    memcpy(keys.dek, a.keys[2], 16);
    return keys;
}

struct aid isdp_with_keys(struct bed *b, struct scp03_keys *ret)
{
    struct aid aid = isdp_make(b);
    *ret = isdp_keys(b, &aid);
    return aid;
}

struct span test_package(struct bed *b, uint8_t pol1, size_t ballast)
{
    char iccid[24];
    struct span package;
    snprintf(iccid, sizeof iccid, "89999700000001%04X", 0u);
    snprintf(iccid + 12, sizeof iccid - 12, "%06u", (unsigned)b->next_tar % 1000000u);
    struct package_wish wish = { .iccid = iccid, .pol1 = pol1, .ballast = ballast };
    need_ok(b, package_make(&wish, &b->arena, &package), "the runner's profile");
    return package;
}

struct aid profile_make(struct bed *b, uint8_t pol1, struct scp03_keys *ret_keys)
{
    struct download d;
    d.aid = isdp_with_keys(b, &d.keys);
    struct span package = test_package(b, pol1, 0);
    https_open(b);
    download_open(b, &d);
    need_span(b, download_package(b, &d, package), hexf(b, "3007A0053003800100"), "EUICCResponse");
    https_end(b);
    if (ret_keys)
        *ret_keys = d.keys;
    return d.aid;
}

static void switch_finish(struct bed *b)
{
    if (!b->terminal.serviced)
        terminal_location(b, true);
    for (int i = 0; i < 4; i++) {
        struct span e1 = notification_anyhow(b);
        struct es5_notification n;
        if (e1.len && es5_notification_parse(e1, &n) == ERR_NONE && confirm_sw(b, n.sequence) == 0x9000)
            return;
        if (!e1.len && confirm_sw(b, 0xFFFF) == 0x6985) /* nothing wants a confirmation */
            return;
        bed_wait(b, PROFILE_SETTLE_S);
    }
}

void profile_enable(struct bed *b, const struct aid *aid)
{
    size_t resets = b->terminal.resets;
    b->terminal.serviced = true;
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, aid)), 0x9000, "EnableProfile");
    need(b, b->terminal.resets > resets, "no REFRESH after EnableProfile");
    need_sw(b, confirm_sw(b, notification(b).sequence), 0x9000, "HandleNotificationConfirmation");
}

struct aid profile_enabled(struct bed *b, uint8_t pol1)
{
    struct aid aid = profile_make(b, pol1, NULL);
    profile_enable(b, &aid);
    b->mno.counter = 0;
    return aid;
}

/* ---- the MNO ---- */

struct span mno_script(struct bed *b, struct span script)
{
    struct scp80_header h = packet_header(b, &b->mno, TAR_MNOSD);
    uint8_t status;
    struct span data = packet_send(b, &b->mno, &h, script, &status);
    need(b, status == SCP80_OK, "the MNO-SD's PoR has status %02X", status);
    return data;
}

uint16_t mno_pol1(struct bed *b, uint8_t pol1)
{
    struct writer w = room(b, 100);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_DEFINITE);
    ram_script_capdu(&s, install_perso(b, &AID_ISDP_OWN));
    ram_script_capdu(&s, hexf(b, "80E2880006 3A0603 8101%02X", pol1));
    ram_script_close(&s);
    struct span answer = mno_script(b, wr_span(&w));
    need_sw(b, result_at(b, answer, 0).sw, 0x9000, "INSTALL [for personalization] for the alias 0F00");
    return result_at(b, answer, 1).sw;
}

/* ---- the card as it was ---- */

static void survey(struct bed *b)
{
    struct rapdu r = isdr(b, hexf(b, "80F2400208 4F00 5C044F9F7053 00"));
    struct es5_isdp_status s;
    b->isdp_count = 0;
    b->has_profile = false;
    b->fallback.len = b->emergency.len = 0;
    if (r.sw == 0x6A88)
        return;
    need_sw2(b, r.sw, 0x9000, 0x6310, "GET STATUS");
    struct reader in = rd_of(r.data);
    while (es5_isdp_status_next(&in, &s)) {
        b->isdp_count++;
        if (s.state == ISDP_ENABLED) {
            b->enabled = s.aid;
            b->has_profile = true;
        }
        if (s.attributes & ISDP_ATTRIBUTE_FALLBACK)
            b->fallback = s.aid;
        if (s.attributes & ISDP_ATTRIBUTE_EMERGENCY)
            b->emergency = s.aid;
    }
}

/* Is there an ISD-R, and does it know our keys? What a stranger's card is like is told as far as one sees. */
static void greet(struct bed *b)
{
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    WRITER_ON_STACK(ret, TARGET_RAPDU_MAX);
    uint8_t status;
    (void)packet_send(b, &b->key, &h, script_of(b, RAM_DEFINITE, hexf(b, "80CAFF2100")), &status);
    if (status == SCP80_OK)
        return;
    if (status != NO_POR)
        fail(b, "the ISD-R answers a packet under KVN %02X, counter %llX, with %02X: %s", b->key.kvn,
             (unsigned long long)h.counter, status, scp80_status_text(status));
    uint16_t envelope = b->terminal.envelope_sw,
             select = terminal_apdu(b, hexf(b, "00A4040010 A0000005591010FFFFFFFF8900000100 00"), &ret);
    if (select != 0x9000)
        fail(b,
             "no eUICC of SGP.02, as far as one sees: SELECT of the ISD-R gives %04X, a short message for it %04X and "
             "no proof of receipt",
             select, envelope);
    fail(b,
         "there is an ISD-R, and it is silent to a packet under KVN %02X: these are not its keys, or it wants other "
         "security (the short message gives %04X)",
         b->key.kvn, envelope);
}

void bed_baseline(struct bed *b)
{
    b->terminal.serviced = true;
    terminal_power_cycle(b);
    greet(b);
    bed_wait(b, 1);
    struct span e1 = notification_raw(b);
    struct es5_notification n;
    if (e1.len && es5_notification_parse(e1, &n) == ERR_NONE) {
        b->first_attach_seen = n.type == ES5_FIRST_ATTACH;
        (void)confirm_sw(b, n.sequence);
    }
    survey(b);
    need(b, b->has_profile && b->fallback.len, "no enabled profile, or no holder of the fall-back attribute");
}

static void terminal_polite(struct bed *b)
{
    struct bed_terminal *t = &b->terminal;
    t->sms_result = t->open_result = t->refresh_result = 0;
    t->ignores_refresh = t->udp = false;
    t->serviced = true;
    memcpy(b->server.psk, b->keys->scp81.psk, 16);
    b->key.kvn = b->keys->scp80.kvn;
    memcpy(b->key.kic, b->keys->scp80.kic, 16);
    memcpy(b->key.kid, b->keys->scp80.kid, 16);
}

/* POL1 may forbid what the clean-up must do: the runner's own profile takes it back by its MNO keys. */
static void pol1_lift(struct bed *b, const struct aid *enabled)
{
    if (!aid_eq(enabled, &b->enabled) && isdr_sw(b, profile_command(b, 0x3A03, &b->enabled)) == 0x69E1) {
        (void)mno_pol1(b, 0x00);
        (void)isdr_sw(b, profile_command(b, 0x3A03, &b->enabled));
    }
}

static struct aid enabled_now(struct bed *b)
{
    for (size_t i = 0; i < b->made_count; i++)
        if (isdp_state(b, &b->made[i]) == ISDP_ENABLED)
            return b->made[i];
    return b->enabled;
}

static void addresses_back(struct bed *b)
{
    struct tp_address number;
    struct es5_addressing a = { .sms = { .len = 0 } };
    struct writer w = room(b, 300);
    if (tp_address_from_text(b->keys->smsr_number, &number) == ERR_NONE)
        a.sms = number;
    if (b->keys->https_len)
        a.https = (struct span){ b->keys->https, b->keys->https_len };
    es5_update_addressing_write(&w, &a);
    (void)isdr_sw(b, wr_span(&w));
}

/* The key sets that cases make beside the card's own. */
static void keys_back(struct bed *b)
{
    static const uint8_t kvns[] = { 0x02, 0x03, 0x41 };
    for (size_t i = 0; i < ARRAY_LEN(kvns); i++)
        (void)isdr_sw(b, hexf(b, "80E4000005 F203%02X0103 00", kvns[i]));
}

/* A profile that POL1 keeps: enabled once more, so that its MNO can lift the rule. */
static uint16_t delete_kept(struct bed *b, const struct aid *aid)
{
    profile_enable(b, aid);
    (void)mno_pol1(b, 0x00);
    profile_enable(b, &b->enabled);
    return isdr_sw(b, delete_command(b, aid));
}

void bed_clean(struct bed *b)
{
    terminal_polite(b);
    terminal_power_cycle(b);
    switch_finish(b);
    if (b->touched_addresses)
        addresses_back(b);
    if (b->touched_keys)
        keys_back(b);
    if (!b->made_count && !b->touched_fallback)
        return;
    (void)isdr_sw(b, profile_command(b, 0x3A05, &b->fallback));
    struct aid now = enabled_now(b);
    if (!aid_eq(&now, &b->enabled)) {
        forget_messages(b);
        pol1_lift(b, &now);
        switch_finish(b);
    }
    for (size_t i = 0; i < b->made_count; i++) {
        uint16_t sw = isdr_sw(b, delete_command(b, &b->made[i]));
        if (sw == 0x69E1)
            sw = delete_kept(b, &b->made[i]);
        bool mark = sw == 0x6985 && isdp_attributes(b, &b->made[i]) & ISDP_ATTRIBUTE_EMERGENCY;
        if (mark)
            b->emergency = b->made[i]; /* nothing takes it away: later runs use this one */
        else if (sw != 0x9000 && sw != 0x6A88)
            fail(b, "the card could not be brought back: deleting the ISD-P of TAR %06X gives %04X",
                 (unsigned)aid_tar(&b->made[i]), sw);
    }
}
