#include "factory.h"

#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/crypto/aes.h"
#include "lib/es/eum_signature.h"
#include "lib/es/message.h"

#define OTA_KEY_LEN  16u
#define SCP80_KVN    0x01
#define SCP81_KVN    0x40
#define ECASD_KVN    0x74
#define KEY_TYPE_AES 0x88
#define KEY_TYPE_PSK 0x85
#define RESPONSE_MAX 256u
#define TP_DA_MAX    12u
#define X509_ROOM    X509_DER_MAX

/* What the EIS says of the platform. The versions of the standards are choices of ours (fact book 4.8). */
static const char platform_type[] = "Osprey software eUICC", platform_version[] = "1.0.0";
static const char http_version[] = "1.1.3", cat_tp_version[] = "6.13.0", secure_packet_version[] = "12.0.0", provisioning_version[] = "4.2.0";
static const uint8_t isdr_sin[] = { 'O', 'S', 'P', 'R', 'E', 'Y' }, isdr_sdin[] = { 'I', 'S', 'D', '-', 'R' };
static const uint8_t ecasd_sdin[] = { 'E', 'C', 'A', 'S', 'D' };

static const struct {
    uint8_t kvn;
    enum keyset_usage usage;
    uint8_t key_count, types[EUICC_KEYS_PER_SET_MAX];
} key_sets[] = {
    { SCP80_KVN, KEYSET_SCP80, 3, { KEY_TYPE_AES, KEY_TYPE_AES, KEY_TYPE_AES } },
    { SCP81_KVN, KEYSET_SCP81, 2, { KEY_TYPE_PSK, KEY_TYPE_AES } },
};

struct making {
    const struct eum_order *order;
    const struct env *env;
    struct arena *arena;
    struct eum_product *product;
    struct ec_key *ecasd_key;
    struct euicc_personalisation *card; /* holds secrets: wiped at the end */
    uint8_t ecasd_scalar[EC_FIELD_LEN];
    char *detail;
};

static enum err explain(struct making *m, enum err err, const char *what)
{
    if (err != ERR_NONE && !m->detail[0])
        snprintf(m->detail, EUM_DETAIL_MAX, "%s: %s", what, err_text(err));
    return err;
}

enum err eum_eid(const char *prefix, uint64_t serial, struct eid *ret)
{
    char digits[EID_DIGITS + 32];
    size_t len = strlen(prefix);
    if (len == 0 || len >= EID_DIGITS - 2)
        return ERR_BAD_VALUE;
    int all =
        snprintf(digits, sizeof digits, "%s%0*llu", prefix, (int)(EID_DIGITS - 2 - len), (unsigned long long)serial);
    if (all != (int)EID_DIGITS - 2)
        return ERR_TOO_LONG;
    return eid_with_check_digits(span_text(digits), ret);
}

/* ---- what goes into the card ---- */

static enum err make_ecasd(struct making *m)
{
    const struct eum_order *o = m->order;
    struct writer w = wr_arena(m->arena, GP_CERTIFICATE_MAX);
    enum err err = ec_generate(o->curve, m->env->rng, &m->ecasd_key);
    if (err != ERR_NONE)
        return err;
    const struct eum_ecasd_request q = { o->eum,       o->ecasd_signer, eid_span(&o->eid),
                                         m->ecasd_key, o->validity,     m->env->rng };
    err = eum_ecasd_certificate(&q, &w);
    if (err == ERR_NONE)
        err = ec_key_scalar(m->ecasd_key, m->ecasd_scalar);
    m->product->ecasd_certificate = wr_span(&w);
    m->card->ecasd.curve = EUM_CARD_CURVE(o->curve);
    m->card->ecasd.sk = SPAN_OF(m->ecasd_scalar);
    m->card->ecasd.cert = m->product->ecasd_certificate;
    return err;
}

static enum err add_ci(struct making *m, const struct x509 *root)
{
    uint8_t ski[X509_SKI_LEN], point[EC_POINT_LEN];
    struct euicc_ci *ci = &m->card->ci[m->card->ci_count];
    struct ec_key *key = NULL;
    if (m->card->ci_count == EUICC_CI_MAX)
        return ERR_TOO_LONG;
    enum err err = x509_ski(root, ski);
    if (err == ERR_NONE)
        err = x509_key(root, &key);
    if (err != ERR_NONE)
        return err;
    ec_key_point(key, point);
    ci->curve = EUM_CARD_CURVE(ec_key_curve(key));
    ci->ski = arena_copy(m->arena, SPAN_OF(ski));
    ci->public_key = arena_copy(m->arena, SPAN_OF(point));
    m->card->ci_count++;
    ec_key_free(key);
    return ci->ski.ptr && ci->public_key.ptr ? ERR_NONE : ERR_NO_SPACE;
}

static enum err make_cis(struct making *m)
{
    enum err err = m->order->cis->count ? ERR_NONE : ERR_MISSING;
    for (size_t i = 0; i < m->order->cis->count && err == ERR_NONE; i++)
        err = add_ci(m, m->order->cis->roots[i]);
    return err;
}

static void make_ota_keys(struct making *m)
{
    struct rng *rng = m->env->rng;
    for (size_t i = 0; i < ARRAY_LEN(key_sets); i++) {
        struct euicc_key_set *set = &m->card->isdr_keys[i];
        set->kvn = key_sets[i].kvn;
        set->key_count = key_sets[i].key_count;
        for (uint8_t k = 0; k < set->key_count; k++) {
            set->keys[k] =
                (struct euicc_key){ .kid = (uint8_t)(k + 1), .type = key_sets[i].types[k], .len = OTA_KEY_LEN };
            rng->fill(rng, set->keys[k].value, OTA_KEY_LEN);
        }
    }
    m->card->isdr_key_set_count = ARRAY_LEN(key_sets);
}

/* TS 23.040 9.1.2.5: number of digits, international ISDN number, digits swapped. */
static enum err sms_address(struct making *m, const char *digits)
{
    uint8_t out[TP_DA_MAX] = { (uint8_t)strlen(digits), 0x91 };
    size_t len = 0;
    enum err err = bcd_read(span_text(digits), true, out + 2, sizeof out - 2, &len);
    if (err == ERR_NONE)
        m->card->smsr.sms_tp_da = arena_copy(m->arena, span_sub(SPAN_OF(out), 0, len + 2));
    return err;
}

static enum err make_smsr(struct making *m)
{
    const struct eum_order *o = m->order;
    m->card->smsr.cat_tp_udp_port = o->smsr.cat_tp_udp_port;
    m->card->smsr.cat_tp_port = o->smsr.cat_tp_port;
    memcpy(m->card->smsr.cat_tp_ipv4, o->smsr.cat_tp_ipv4, sizeof o->smsr.cat_tp_ipv4);
    if (o->smsr.https_host) {
        m->card->smsr.https_host = span_text(o->smsr.https_host);
        m->card->smsr.https_uri = span_text(o->smsr.https_uri);
        m->card->smsr.https_port = o->smsr.https_port;
        memcpy(m->card->smsr.https_ipv4, o->smsr.https_ipv4, sizeof o->smsr.https_ipv4);
    }
    return o->smsr.sms_number ? sms_address(m, o->smsr.sms_number) : ERR_NONE;
}

static enum err make_card(struct making *m)
{
    struct arena scratch;
    WRITER_ON_STACK(response, RESPONSE_MAX);
    m->card->eid = m->order->eid;
    m->card->timing = m->order->timing;
    m->card->bootstrap_package = m->order->bootstrap.package;
    m->card->test_package = m->order->test_package;
    m->card->emergency_package = m->order->emergency_package;
    arena_init(&scratch, 2 * EUICC_ARENA_SIZE);
    enum err err = euicc_manufacture(m->env, m->card, &scratch, &response);
    if (err != ERR_NONE && response.len) {
        char hex[2 * 64 + 1];
        snprintf(m->detail, EUM_DETAIL_MAX, "the card refuses a profile (%s), EUICCResponse %s",
                 err_text(err), hex_text(wr_span(&response), hex, sizeof hex));
    }
    arena_release(&scratch);
    return err;
}

/* ---- what the EIS says of it ---- */

static enum err encrypted_component(struct making *m, const struct euicc_key *key, struct eis_key *ret)
{
    uint8_t value[EUICC_KEY_LEN_MAX], kcv[KCV_LEN];
    struct span plain = { key->value, key->len };
    enum err err = aes_cbc_encrypt(m->order->kek, NULL, plain, value);
    if (err == ERR_NONE)
        err = aes_kcv(plain, kcv);
    if (err != ERR_NONE)
        return err;
    ret->index = key->kid;
    ret->kcv = arena_copy(m->arena, SPAN_OF(kcv));
    ret->components = ARENA_NEW(m->arena, struct eis_key_component);
    if (!ret->components)
        return ERR_NO_SPACE;
    ret->component_count = 1;
    *ret->components = (struct eis_key_component){ key->type, arena_copy(m->arena, (struct span){ value, key->len }) };
    return ERR_NONE;
}

static enum err describe_key_set(struct making *m, size_t index, struct eis_keyset *ret)
{
    const struct euicc_key_set *set = &m->card->isdr_keys[index];
    ret->version = set->kvn;
    ret->usage = key_sets[index].usage;
    ret->counter = set->counter;
    ret->keys = ARENA_ARRAY(m->arena, struct eis_key, set->key_count);
    enum err err = ret->keys ? ERR_NONE : ERR_NO_SPACE;
    for (uint8_t i = 0; i < set->key_count && err == ERR_NONE; i++)
        err = encrypted_component(m, &set->keys[i], &ret->keys[ret->key_count++]);
    return err;
}

static enum err describe_isdr(struct making *m)
{
    struct security_domain *sd = &m->product->eis.isdr;
    *sd = (struct security_domain){
        .aid = AID_ISDR, .role = SD_ROLE_ISDR, .sin = SPAN_OF(isdr_sin), .sdin = SPAN_OF(isdr_sdin)
    };
    sd->keysets = ARENA_ARRAY(m->arena, struct eis_keyset, ARRAY_LEN(key_sets));
    enum err err = sd->keysets ? ERR_NONE : ERR_NO_SPACE;
    for (size_t i = 0; i < ARRAY_LEN(key_sets) && err == ERR_NONE; i++)
        err = describe_key_set(m, i, &sd->keysets[sd->keyset_count++]);
    return err;
}

static enum err describe_ecasd(struct making *m)
{
    struct security_domain *sd = &m->product->eis.ecasd;
    struct eis_certificate *certificate = ARENA_NEW(m->arena, struct eis_certificate);
    *sd = (struct security_domain){
        .aid = AID_ECASD, .role = SD_ROLE_ECASD, .sin = SPAN_OF(isdr_sin), .sdin = SPAN_OF(ecasd_sdin)
    };
    sd->keysets = ARENA_NEW(m->arena, struct eis_keyset);
    if (!certificate || !sd->keysets)
        return ERR_NO_SPACE;
    *certificate = (struct eis_certificate){ 1, m->order->eum_id, m->product->ecasd_certificate };
    *sd->keysets = (struct eis_keyset){
        .version = ECASD_KVN, .usage = KEYSET_CA, .certificates = certificate, .certificate_count = 1
    };
    sd->keyset_count = 1;
    return ERR_NONE;
}

static struct eis_version version(const char *text)
{
    struct eis_version v = { { 0 } };
    memcpy(v.text, text, strlen(text));
    return v;
}

static void describe_platform(struct making *m)
{
    struct eis *eis = &m->product->eis;
    eis->eid = m->order->eid;
    eis->eum_id = m->order->eum_id;
    eis->smsr_id = m->order->smsr.oid;
    eis->production_ms = m->order->production_ms;
    eis->platform_type = span_text(platform_type);
    eis->platform_version = version(platform_version);
    eis->isdp_loadfile_aid = AID_ISDP_LOADFILE;
    eis->isdp_module_aid = AID_ISDP_MODULE;
    eis->capabilities.cat_tp = true;
    eis->capabilities.cat_tp_version = version(cat_tp_version);
    eis->capabilities.http = true;
    eis->capabilities.http_version = version(http_version);
    eis->capabilities.secure_packet_version = version(secure_packet_version);
    eis->capabilities.remote_provisioning_version = version(provisioning_version);
    eis->properties = m->order->properties;
    eis->property_count = m->order->property_count;
}

/* EF_IMSI: length, then digits swapped behind the parity nibble (TS 31.102 4.2.2). */
static enum err imsi_of(const uint8_t ef[9], struct subscription_address *ret)
{
    char digits[2 * 8 + 2] = "";
    size_t len = 0;
    if (ef[0] == 0xFF)
        return ERR_NONE;
    if (ef[0] < 1 || ef[0] > 8)
        return ERR_BAD_LENGTH;
    for (size_t i = 1; i < 2u * ef[0]; i++) {
        uint8_t nibble = i % 2 ? ef[1 + i / 2] >> 4 : ef[1 + i / 2] & 0x0F;
        if (nibble == 0x0F)
            break;
        digits[len++] = (char)('0' + nibble);
    }
    return imsi_from_text((struct span){ (uint8_t *)digits, len }, ret);
}

static enum err describe_profile(struct making *m, const struct euicc_profile_info *info, struct profile_info *ret)
{
    const struct eum_order *o = m->order;
    ret->isdp_aid = info->isdp;
    ret->mno_id = o->bootstrap.mno_id;
    ret->fallback = info->fallback;
    ret->emergency = info->emergency;
    ret->state = profile_state_from_life_cycle(info->state);
    ret->allocated_memory = info->nvm_used;
    ret->profile_type = info->test ? SPAN_LIT("Test profile") : span_text(o->bootstrap.profile_type);
    enum err err = iccid_from_ef(SPAN_OF(info->iccid_ef), &ret->iccid);
    if (err == ERR_NONE)
        err = imsi_of(info->imsi_ef, &ret->address);
    if (err == ERR_NONE && o->bootstrap.msisdn && info->fallback)
        err = msisdn_from_text(span_text(o->bootstrap.msisdn), &ret->address);
    return err;
}

static enum err describe_contents(struct making *m, struct euicc *card)
{
    struct eis *eis = &m->product->eis;
    struct euicc_profile_info infos[EUICC_PROFILES_MAX];
    struct euicc_memory_info memory;
    size_t count = euicc_profiles(card, infos);
    euicc_memory(card, &memory);
    eis->remaining_memory = eis->available_memory = memory.free;
    eis->profiles = ARENA_ARRAY(m->arena, struct profile_info, count ? count : 1);
    enum err err = eis->profiles ? ERR_NONE : ERR_NO_SPACE;
    for (size_t i = 0; i < count && err == ERR_NONE; i++) {
        err = describe_profile(m, &infos[i], &eis->profiles[eis->profile_count++]);
        eis->available_memory += infos[i].nvm_used;
    }
    return err;
}

/* The finished card is powered once, as at the end of a production line. */
static enum err inspect_card(struct making *m)
{
    struct arena ram;
    struct euicc *card = NULL;
    arena_init(&ram, 2 * EUICC_ARENA_SIZE);
    enum err err = euicc_open(&ram, m->env, &card);
    if (err == ERR_NONE) {
        euicc_reset(card, NULL);
        err = describe_contents(m, card);
    }
    euicc_close(card);
    arena_release(&ram);
    return err;
}

static enum err sign_eis(struct making *m)
{
    struct writer der = wr_arena(m->arena, X509_ROOM);
    char *pem = NULL;
    x509_der(m->order->eum.certificate, &der);
    enum err err = ec_private_pem(m->order->eis_signer ? m->order->eis_signer : m->order->eum.key, &pem);
    if (err == ERR_NONE)
        err = eum_sign(&m->product->eis, span_text(pem), wr_span(&der), m->arena);
    ec_pem_free(pem);
    return err;
}

static enum err make(struct making *m)
{
    enum err err = explain(m, make_ecasd(m), "key and certificate of the ECASD");
    if (err == ERR_NONE)
        err = explain(m, make_cis(m), "the CI certificates");
    make_ota_keys(m);
    if (err == ERR_NONE)
        err = explain(m, make_smsr(m), "the address of the SM-SR");
    if (err == ERR_NONE)
        err = explain(m, make_card(m), "the card");
    if (err == ERR_NONE)
        err = explain(m, inspect_card(m), "reading the finished card");
    describe_platform(m);
    if (err == ERR_NONE)
        err = explain(m, describe_ecasd(m), "ECASD in the EIS");
    if (err == ERR_NONE)
        err = explain(m, describe_isdr(m), "ISD-R in the EIS, transport key");
    if (err == ERR_NONE)
        err = explain(m, sign_eis(m), "the signature of the EIS");
    if (err == ERR_NONE)
        err = explain(m, eis_encode(&m->product->eis, m->arena, &m->product->eis_xml), "the EIS");
    return err;
}

enum err eum_make(const struct eum_order *order, const struct env *env, struct arena *arena, struct eum_product *ret,
                  char detail[EUM_DETAIL_MAX])
{
    struct eum_product product = { 0 };
    struct making m = { .order = order, .env = env, .arena = arena, .product = &product, .detail = detail };
    detail[0] = 0;
    m.card = ARENA_NEW(arena, struct euicc_personalisation);
    enum err err = explain(&m, m.card ? ERR_NONE : ERR_NO_SPACE, "memory");
    if (err == ERR_NONE)
        err = make(&m);
    if (m.card)
        wipe(m.card, sizeof *m.card);
    wipe(m.ecasd_scalar, sizeof m.ecasd_scalar);
    ec_key_free(m.ecasd_key);
    if (err == ERR_NONE)
        *ret = product;
    return err;
}
