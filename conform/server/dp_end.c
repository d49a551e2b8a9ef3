#include "dp_end.h"

#include <string.h>

#include "cases.h"
#include "lib/base/world.h"
#include "lib/codec/hex.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/gp/store_data.h"
#include "lib/io/file.h"
#include "lib/pki/gp_certificate.h"
#include "lib/scp/key_establishment.h"

#define KVN 0x30u

static void must(struct stage *s, enum err err, const char *what)
{
    if (err != ERR_NONE)
        fail(s, "%s: %s", what, err_text(err));
}

static struct span octets_of(struct stage *s, const char *hex)
{
    enum err err = ERR_NONE;
    struct span octets = hex_to_arena(&s->arena, span_text(hex), &err);
    must(s, err, "hex");
    return octets;
}

/* APDUs one behind the other; the data of the last answer, whose word must be 9000. */
static struct span send(struct stage *s, const struct dp_end *d, const char *apdus, size_t answer_len)
{
    struct message *m = ask(s, DP, SM_SR, "ES3-SendData",
                            "<Eid>%s</Eid><Sd-aid>%s</Sd-aid><Data>%s</Data><MoreToDo>true</MoreToDo>", d->eid, d->aid, apdus);
    need_success(s, m);
    struct span all = octets_of(s, must_value(s, m, "EuiccResponseData"));
    need(s, all.len >= answer_len + 2 && all.ptr[all.len - 2] == 0x90 && !all.ptr[all.len - 1], "the card answers %s",
         must_value(s, m, "EuiccResponseData"));
    return span_sub(all, all.len - 2 - answer_len, answer_len);
}

static const char *store_data(struct stage *s, struct span dgis, uint8_t block, bool last)
{
    const char *hex = "";
    size_t at = 0;
    do {
        WRITER_ON_STACK(w, 300);
        at = store_data_block_write(&w, dgis, at, block++, last, true, 0);
        hex = textf(s, "%s%s", hex, hex_arena(&s->arena, wr_span(&w)));
    } while (at < dgis.len);
    return hex;
}

/* PK.ECASD.ECKA, as the SM-SR tells it. */
static void ecasd_point(struct stage *s, const struct dp_end *d, uint8_t ret[KA_POINT_LEN])
{
    struct gp_certificate c;
    struct message *m = ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", d->eid);
    need_success(s, m);
    must(s, gp_certificate_decode(octets_of(s, must_value(s, m, "Eis/EumSignedInfo/Ecasd/Keyset/Certificate/Value")), &c),
         "the ECASD certificate");
    need(s, c.point.len == KA_POINT_LEN, "the ECASD's key is no point");
    memcpy(ret, c.point.ptr, KA_POINT_LEN);
}

static struct ec_key *own_key(struct stage *s)
{
    struct keystore_soft *ks;
    struct ec_key *key = NULL;
    const char *path = s->target.roles[DP].card_key;
    if (!path)
        skip(s, "the target has no card_key for [role dp]");
    const char *slash = strrchr(path, '/');
    must(s, keystore_soft_open(textf(s, "%.*s/master.key", (int)(slash ? slash - path : 1), slash ? path : "."), false,
                               world_rng(), &ks), "the master key of [role dp]");
    enum err err = keystore_soft_read(ks, path, &key, NULL);
    keystore_soft_free(ks);
    must(s, err, "card_key");
    return key;
}

static void host_begin(struct stage *s, struct ka_host *ret)
{
    static const struct ka_parameters p = { .parameters = KA_DELETE_OLD_KEYS | KA_WITH_DR | KA_CERTIFICATE_FIRST,
                                            .usage = KA_USAGE_THREE_KEYS, .key_type = 0x88, .key_len = KA_KEY_LEN,
                                            .kid = 0x01, .kvn = KVN };
    uint8_t scalar[EC_FIELD_LEN], point[EC_POINT_LEN];
    struct ec_key *key = NULL;
    enum err err = ec_generate(EC_P256, world_rng(), &key);
    if (err == ERR_NONE)
        err = ec_key_scalar(key, scalar);
    if (err == ERR_NONE)
        ec_key_point(key, point);
    ec_key_free(key);
    if (err == ERR_NONE)
        err = ka_host_init(&p, EC_P256, scalar, point, ret);
    wipe(scalar, sizeof scalar);
    must(s, err, "the ephemeral key");
}

void dp_agree(struct stage *s, struct dp_end *d)
{
    struct span file, rc;
    struct ka_host host;
    struct ka_keys k;
    uint8_t point[KA_POINT_LEN], signature[KA_SIGNATURE_LEN];
    const char *path = s->target.roles[DP].card;
    if (!path || file_read(path, 4096, &s->arena, &file) != ERR_NONE)
        skip(s, "the target has no certificate for cards of [role dp]");
    WRITER_ON_STACK(certificate, GP_CERTIFICATE_MAX + 8);
    ka_certificate_dgi_write(&certificate, file);
    struct span answer = send(s, d, textf(s, "80E6200016000010%s000000%s", d->aid, store_data(s, wr_span(&certificate), 0, false)), 18);
    must(s, ka_challenge_parse(answer, &rc), "the card's challenge");
    ecasd_point(s, d, point);
    host_begin(s, &host);
    WRITER_ON_STACK(to_sign, KA_COMMAND_MAX + 64);
    WRITER_ON_STACK(command, KA_COMMAND_MAX + 64);
    ka_host_to_be_signed(&to_sign, &host, rc);
    struct ec_key *key = own_key(s);
    enum err err = ec_sign(key, wr_span(&to_sign), signature);
    ec_key_free(key);
    must(s, err, "the signature");
    ka_host_command(&command, &host, SPAN_OF(signature));
    uint8_t block = (uint8_t)store_data_block_count(certificate.len);
    answer = send(s, d, store_data(s, wr_span(&command), block, true), 36);
    must(s, ka_host_finish(&host, SPAN_OF(point), answer, &k), "the receipt");
    d->keys = (struct scp03_keys){ .kvn = KVN, .key_len = KA_KEY_LEN };
    memcpy(d->keys.enc, k.keys[0], KA_KEY_LEN);
    memcpy(d->keys.mac, k.keys[1], KA_KEY_LEN);
    memcpy(d->keys.dek, k.keys[2], KA_KEY_LEN);
    wipe(&k, sizeof k);
}

void dp_initialize(struct stage *s, struct dp_end *d)
{
    uint8_t challenge[SCP03_CHALLENGE_LEN];
    WRITER_ON_STACK(w, 64);
    world_rng()->fill(world_rng(), challenge, sizeof challenge);
    scp03_initialize_update_write(&w, KVN, challenge);
    struct span answer = send(s, d, hex_arena(&s->arena, wr_span(&w)), 32);
    must(s, scp03_open_host(&d->keys, challenge, answer, octets_of(s, d->aid), &d->session), "INITIALIZE UPDATE");
}

const char *dp_commands(struct stage *s, struct dp_end *d, struct span capdu)
{
    struct capdu plain;
    WRITER_ON_STACK(w, 600);
    must(s, scp03_external_authenticate_write(&d->session, SCP03_LEVEL_FULL, &w), "EXTERNAL AUTHENTICATE");
    must(s, capdu_parse(capdu, &plain), "the command");
    must(s, scp03_wrap(&d->session, &plain, &w), "the wrapped command");
    return hex_arena(&s->arena, wr_span(&w));
}
