/* Properties: a certificate that is taken lies inside its octets, and its signed part and signature put together again
 * are what was read, up to length forms longer than needed; object identifiers read, written and read are the same. */
#include <assert.h>

#include "lib/codec/ber_tlv.h"
#include "lib/pki/gp_certificate.h"
#include "lib/pki/oid_octets.h"

static bool inside(struct span part, struct span whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void certificate(struct span in)
{
    struct gp_certificate c, again;
    WRITER_ON_STACK(w, GP_CERTIFICATE_MAX);
    if (gp_certificate_decode(in, &c) != ERR_NONE)
        return;
    assert(inside(c.signed_part, in) && inside(c.signature, in) && inside(c.point, in) &&
           inside(c.authority_key_id, in));
    assert(c.serial.len >= 1 && c.serial.len <= GP_CERTIFICATE_ID_MAX && c.subject_id.len <= GP_CERTIFICATE_ID_MAX);
    gp_certificate_close(c.signed_part, c.signature, &w);
    assert(w.err == ERR_NONE && gp_certificate_decode(wr_span(&w), &again) == ERR_NONE);
    assert(span_eq(c.signed_part, again.signed_part) && span_eq(c.signature, again.signature));
    assert(c.role == again.role && c.curve == again.curve && span_eq(c.point, again.point));
    enum err valid = gp_certificate_valid_at(&c, 1800000000000ull);
    assert(valid == ERR_NONE || valid == ERR_EXPIRED);
}

static void identifier(struct span in)
{
    struct oid oid;
    WRITER_ON_STACK(w, 64);
    if (oid_from_octets(in, &oid) != ERR_NONE)
        return;
    enum err err = oid_to_octets(&oid, &w);
    assert(err == ERR_TOO_LONG || span_eq(wr_span(&w), in) || err == ERR_BAD_VALUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { data, size };
    certificate(in);
    identifier(in);
    return 0;
}
