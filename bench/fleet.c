#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "eum/bootstrap.h"
#include "euicc/euicc.h"
#include "euicc/nvm/objects.h"
#include "lib/base/world.h"
#include "lib/model/iccid.h"
#include "lib/profile/package.h"
#include "lib/profile/profile_element.h"

#define PLACES_MAX      8u
#define CERTIFICATE_LEN 210u /* octets of an ECASD certificate as a factory makes it */

/* The root's key: any point of the curve serves, here its generator. */
static const uint8_t ci_point[65] = { 0x04, 0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5,
                                      0x63, 0xA4, 0x40, 0xF2, 0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4,
                                      0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96, 0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A,
                                      0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16, 0x2B, 0xCE, 0x33,
                                      0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5 };

/* Where the package names its subscription. */
struct places {
    size_t count, at[PLACES_MAX], len;
};

struct fleet {
    uint8_t *package;
    size_t package_len;
    struct places iccid, iccid_ef, imsi_ef, k;
    uint8_t opc[16];
    char first_iccid[21], first_imsi[16];
    struct nvm_memory model, work; /* the first card, and whichever is being made */
    uint8_t certificate[CERTIFICATE_LEN], sk[32], ci_ski[20];
    struct span base; /* the model's image */
};

static bool find(const struct fleet *f, struct span what, struct places *ret)
{
    *ret = (struct places){ .len = what.len };
    const uint8_t *from = f->package, *end = f->package + f->package_len, *at;
    while (ret->count < PLACES_MAX && (at = memmem(from, (size_t)(end - from), what.ptr, what.len)) != NULL) {
        ret->at[ret->count++] = (size_t)(at - f->package);
        from = at + what.len;
    }
    return ret->count != 0;
}

static void put(struct fleet *f, const struct places *p, const uint8_t *octets)
{
    for (size_t i = 0; i < p->count; i++)
        memcpy(f->package + p->at[i], octets, p->len);
}

static bool find_keys(struct fleet *f)
{
    static uint8_t buf[PE_MAX];
    struct arena arena;
    struct der der = { .arena = &arena };
    struct package_reader reader;
    struct package_element e;
    struct profile_element pe;
    struct reader all = rd_of((struct span){ f->package, f->package_len });
    bool found = false;
    arena_init(&arena, 1u << 20);
    package_init(&reader, buf, sizeof buf);
    while (!found && package_next(&reader, &all, &e)) {
        BENCH_MUST(pe_decode(&der, e.raw, &pe));
        const struct aka_algo *algo = pe.kind == PE_AKA_PARAMETER ? pe.as.aka->configuration->algo : NULL;
        found = algo && algo->key.len == 16 && algo->opc.len == 16 && find(f, algo->key, &f->k);
        if (found)
            memcpy(f->opc, algo->opc.ptr, 16);
    }
    arena_release(&arena);
    return found;
}

/* ---- what the factory writes ---- */

static struct euicc_key_set key_set(uint8_t kvn, uint8_t count, uint8_t type, struct rng *rng)
{
    struct euicc_key_set set = { .kvn = kvn, .key_count = count };
    for (uint8_t i = 0; i < count; i++) {
        set.keys[i] = (struct euicc_key){ .kid = (uint8_t)(i + 1), .type = i ? 0x88 : type, .len = 16 };
        rng->fill(rng, set.keys[i].value, 16);
    }
    return set;
}

static void manufacture(struct fleet *f, const struct eid *eid)
{
    struct rng *rng = world_rng();
    struct env env = { .clock = world_clock(), .rng = rng, .nvm = &f->work.nvm };
    struct arena scratch;
    rng->fill(rng, f->sk, sizeof f->sk);
    rng->fill(rng, f->certificate + 4, CERTIFICATE_LEN - 4);
    struct euicc_personalisation p = { .eid = *eid,
                                       .ecasd = { .sk = SPAN_OF(f->sk), .cert = SPAN_OF(f->certificate) },
                                       .ci = { { SPAN_OF(f->ci_ski), SPAN_OF(ci_point), EUICC_CURVE_P256 } },
                                       .ci_count = 1,
                                       .isdr_keys = { key_set(0x01, 3, 0x88, rng), key_set(0x40, 2, 0x85, rng) },
                                       .isdr_key_set_count = 2,
                                       .bootstrap_package = { f->package, f->package_len } };
    p.smsr.sms_tp_da = SPAN_LIT("\x0B\x91\x88\x38\x00\x00\x00\xF0");
    p.smsr.https_host = SPAN_LIT("sm-sr.example");
    p.smsr.https_port = 8443;
    p.smsr.https_uri = SPAN_LIT("/gsma/adminagent");
    arena_init(&scratch, EUICC_ARENA_SIZE);
    BENCH_MUST(euicc_manufacture(&env, &p, &scratch, NULL));
    arena_release(&scratch);
}

/* ---- the fleet ---- */

static struct eid eid_of(uint32_t number)
{
    char digits[31];
    struct eid eid;
    snprintf(digits, sizeof digits, "89001012012341234%013u", number);
    BENCH_MUST(eid_with_check_digits(span_text(digits), &eid));
    return eid;
}

static void digits_of_imsi(const uint8_t ef[9], char out[16])
{
    for (unsigned i = 0; i < 15; i++) { /* the first half octet is the parity */
        uint8_t octet = ef[1 + (i + 1) / 2];
        out[i] = (char)('0' + ((i + 1) % 2 ? octet >> 4 : octet & 0x0F));
    }
    out[15] = 0;
}

/* The first card says how its subscription is written in files; the package is looked through for that. */
static bool learn(struct fleet *f)
{
    struct env env = { .clock = world_clock(), .rng = world_rng(), .nvm = &f->work.nvm };
    struct euicc_profile_info info[EUICC_PROFILES_MAX];
    struct arena arena;
    struct euicc *card;
    struct iccid iccid;
    uint8_t bcd[10];
    arena_init(&arena, EUICC_ARENA_SIZE);
    BENCH_MUST(euicc_open(&arena, &env, &card));
    size_t count = euicc_profiles(card, info);
    euicc_close(card);
    arena_release(&arena);
    if (count != 1 || iccid_from_ef(SPAN_OF(info->iccid_ef), &iccid) != ERR_NONE)
        return false;
    for (unsigned i = 0; i < sizeof bcd; i++)
        bcd[i] = (uint8_t)(info->iccid_ef[i] << 4 | info->iccid_ef[i] >> 4);
    snprintf(f->first_iccid, sizeof f->first_iccid, "%s", iccid.digits);
    digits_of_imsi(info->imsi_ef, f->first_imsi);
    return find(f, SPAN_OF(info->iccid_ef), &f->iccid_ef) && find(f, SPAN_OF(info->imsi_ef), &f->imsi_ef) &&
           find(f, SPAN_OF(bcd), &f->iccid) && find_keys(f);
}

struct fleet *fleet_new(struct span package)
{
    struct fleet *f = calloc(1, sizeof *f);
    bench_must(f && (f->package = malloc(package.len)) != NULL ? ERR_NONE : ERR_NO_MEMORY, "a fleet");
    memcpy(f->package, package.ptr, f->package_len = package.len);
    memcpy(f->certificate, "\x7F\x21\x81", 3);
    f->certificate[3] = CERTIFICATE_LEN - 4;
    BENCH_MUST(nvm_memory_init(&f->work, EUICC_NVM_DEFAULT));
    BENCH_MUST(nvm_memory_init(&f->model, EUICC_NVM_DEFAULT));
    struct eid eid = eid_of(0);
    manufacture(f, &eid);
    struct span content = nvm_memory_content(&f->work);
    memcpy(f->model.bytes, content.ptr, content.len);
    f->base = (struct span){ f->model.bytes, content.len };
    if (learn(f))
        return f;
    fleet_free(f);
    return NULL;
}

void fleet_free(struct fleet *f)
{
    nvm_memory_done(&f->work);
    nvm_memory_done(&f->model);
    free(f->package);
    free(f);
}

const uint8_t *fleet_opc(const struct fleet *f) { return f->opc; }

static void name(struct fleet *f, uint32_t number, struct fleet_card *ret)
{
    uint8_t ef[10], imsi[9] = { 8 };
    struct iccid iccid;
    snprintf(ret->iccid, sizeof ret->iccid, "%.11s%07u", f->first_iccid, number);
    ret->iccid[18] = luhn_digit(ret->iccid);
    ret->iccid[19] = 0;
    snprintf(ret->imsi, sizeof ret->imsi, "%.8s%07u", f->first_imsi, number);
    snprintf(ret->imei, sizeof ret->imei, "35000000%07u", number);
    BENCH_MUST(iccid_from_text(span_text(ret->iccid), &iccid));
    iccid_to_ef(&iccid, ef);
    put(f, &f->iccid_ef, ef);
    for (unsigned i = 0; i < sizeof ef; i++)
        ef[i] = (uint8_t)(ef[i] << 4 | ef[i] >> 4);
    put(f, &f->iccid, ef);
    imsi[1] = (uint8_t)((ret->imsi[0] - '0') << 4 | 9);
    for (unsigned i = 1; i < 15; i += 2)
        imsi[2 + i / 2] = (uint8_t)((ret->imsi[i + 1] - '0') << 4 | (ret->imsi[i] - '0'));
    put(f, &f->imsi_ef, imsi);
    struct rng *rng = world_rng();
    rng->fill(rng, ret->k, sizeof ret->k);
    put(f, &f->k, ret->k);
}

void fleet_make(struct fleet *f, uint32_t number, struct fleet_card *ret, struct nvm_memory *ret_memory)
{
    ret->eid = eid_of(number);
    name(f, number, ret);
    manufacture(f, &ret->eid);
    BENCH_MUST(nvm_memory_init_on(ret_memory, EUICC_NVM_DEFAULT, f->base));
    BENCH_MUST(objects_transfer(&f->work.nvm, &ret_memory->nvm));
}
