#include "authority.h"

#include "lib/pki/oid_octets.h"

#define CARD_SERIAL_LEN 8u
#define ORGANISATION    "Osprey"

enum err eum_ci_certificate(const char *name, const char *oid, struct ec_key *key, struct eum_validity validity,
                            struct rng *rng, struct x509 **ret)
{
    const struct x509_request q = { .kind = X509_CI,
                                    .organisation = ORGANISATION,
                                    .common_name = name,
                                    .oid = oid,
                                    .from_ms = validity.from_ms,
                                    .to_ms = validity.to_ms,
                                    .subject = key,
                                    .issuer_key = key,
                                    .rng = rng };
    return x509_issue(&q, ret);
}

/* What every certificate for a card has, whoever issues it. The octets live in *memory. */
struct card_memory {
    uint8_t serial[CARD_SERIAL_LEN], issuer_id[OID_OCTETS_MAX], subject_id[OID_OCTETS_MAX], point[EC_POINT_LEN],
        key_id[X509_SKI_LEN];
};

static struct span octets_of(const struct oid *oid, uint8_t memory[OID_OCTETS_MAX], enum err *err)
{
    struct writer w = wr_of(memory, OID_OCTETS_MAX);
    if (*err == ERR_NONE)
        *err = oid_to_octets(oid, &w);
    return wr_span(&w);
}

static enum err common_fields(struct gp_certificate *c, struct card_memory *m, const struct x509 *issuer,
                              struct ec_key *subject_key, struct eum_validity validity, struct rng *rng)
{
    struct oid oid;
    enum err err = x509_oid(issuer, &oid);
    c->ca_id = octets_of(&oid, m->issuer_id, &err);
    if (err == ERR_NONE)
        err = x509_ski(issuer, m->key_id);
    rng->fill(rng, m->serial, sizeof m->serial);
    m->serial[0] |= 0x01;
    ec_key_point(subject_key, m->point);
    c->serial = SPAN_OF(m->serial);
    c->authority_key_id = SPAN_OF(m->key_id);
    c->point = SPAN_OF(m->point);
    c->curve = ec_key_curve(subject_key);
    c->has_effective = true;
    gp_date(validity.from_ms, c->effective);
    gp_date(validity.to_ms, c->expiration);
    return err;
}

enum err eum_card_certificate(const struct eum_card_request *q, struct writer *out)
{
    struct card_memory m;
    struct gp_certificate c = { .key_usage = GP_USAGE_VERIFY, .key_usage_len = 1, .role = q->role };
    enum err err = common_fields(&c, &m, q->issuer.certificate, q->subject_key, q->validity, q->rng);
    c.subject_id = octets_of(&q->subject, m.subject_id, &err);
    return err == ERR_NONE ? gp_certificate_issue(&c, q->issuer.key, out) : err;
}

enum err eum_ecasd_certificate(const struct eum_ecasd_request *q, struct writer *out)
{
    struct card_memory m;
    struct gp_certificate c = { .key_usage = GP_USAGE_AGREEMENT,
                                .key_usage_len = 2,
                                .subject_id = q->eid,
                                .image_number = span_from(q->eid, q->eid.len / 2) };
    enum err err = common_fields(&c, &m, q->eum.certificate, q->subject_key, q->validity, q->rng);
    return err == ERR_NONE ? gp_certificate_issue(&c, q->signer ? q->signer : q->eum.key, out) : err;
}
