#include "card_certificate.h"

#include <stdio.h>

#include "lib/codec/datetime.h"
#include "lib/codec/hex.h"
#include "lib/crypto/key_file.h"
#include "lib/crypto/sha256.h"

#define DAY_MS 86400000ull

static uint64_t day_ms(const uint8_t bcd[4])
{
    char text[24];
    uint64_t ms = 0;
    snprintf(text, sizeof text, "%02X%02X-%02X-%02XT00:00:00Z", bcd[0], bcd[1], bcd[2], bcd[3]);
    return datetime_read(span_text(text), &ms) == ERR_NONE ? ms : 0;
}

static enum err octets_of(struct span file, struct card_certificate *c)
{
    struct span text = key_file_trimmed(file);
    if (text.len && text.ptr[0] == '7')
        return hex_read(text, c->octets, sizeof c->octets, &c->len);
    if (file.len > sizeof c->octets)
        return ERR_TOO_LONG;
    memcpy(c->octets, file.ptr, c->len = file.len);
    return ERR_NONE;
}

static enum err certificate_read(struct span file, enum gp_role role, struct card_certificate *c)
{
    struct gp_certificate gp;
    uint8_t digest[SHA256_LEN];
    enum err err = octets_of(file, c);
    struct span octets = { c->octets, c->len };
    if (err == ERR_NONE)
        err = gp_certificate_decode(octets, &gp);
    if (err == ERR_NONE)
        err = gp_certificate_is_for(&gp, role);
    if (err == ERR_NONE)
        err = sha256(octets, digest);
    if (err != ERR_NONE)
        return err;
    c->curve = gp.curve;
    c->from_ms = gp.has_effective ? day_ms(gp.effective) : 0;
    c->to_ms = day_ms(gp.expiration) + DAY_MS;
    memcpy(c->mark, digest, CARD_MARK_LEN);
    c->mark[0] |= 1;
    return ERR_NONE;
}

enum err card_certificates_add(struct card_certificates *c, struct span file, enum gp_role role, const char *key_name)
{
    struct card_certificate one = { 0 };
    if (c->count == CARD_CERTIFICATES_MAX)
        return ERR_NO_SPACE;
    if (strlen(key_name) >= sizeof one.key_name)
        return ERR_TOO_LONG;
    enum err err = certificate_read(file, role, &one);
    if (err != ERR_NONE)
        return err;
    snprintf(one.key_name, sizeof one.key_name, "%s", key_name);
    c->list[c->count++] = one;
    return ERR_NONE;
}

static bool better(const struct card_certificate *a, const struct card_certificate *than, uint64_t now_ms)
{
    bool good = a->from_ms <= now_ms && now_ms < a->to_ms;
    bool than_good = than && than->from_ms <= now_ms && now_ms < than->to_ms;
    return !than || (good != than_good ? good : a->to_ms > than->to_ms);
}

const struct card_certificate *card_certificate_for(const struct card_certificates *c, uint8_t curve, uint64_t now_ms)
{
    const struct card_certificate *best = NULL;
    for (size_t i = 0; i < c->count; i++)
        if ((uint8_t)c->list[i].curve == curve && better(&c->list[i], best, now_ms))
            best = &c->list[i];
    return best;
}

const struct card_certificate *card_certificate_shown(const struct card_certificates *c, uint8_t curve,
                                                      const uint8_t mark[CARD_MARK_LEN], uint64_t now_ms)
{
    for (size_t i = 0; i < c->count; i++)
        if ((uint8_t)c->list[i].curve == curve && !memcmp(c->list[i].mark, mark, CARD_MARK_LEN))
            return &c->list[i];
    return card_certificate_for(c, curve, now_ms);
}
