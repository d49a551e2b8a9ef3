#include "eum_signature.h"

#include "dsig.h"
#include "lib/codec/xml.h"
#include "lib/crypto/openssl.h"
#include "message.h"

#define SIGNATURE_FIRST 2048u /* octets of a signature being read, before blocks are taken from the heap */

/* --- verifying ------------------------------------------------------------------------------------------------- */

/* Of the key one is there. */
static enum err verify(const struct eis *eis, struct ec_key *key, EVP_PKEY *other)
{
    if (eis->signed_info.len == 0 || eis->signature.len == 0)
        return ERR_MISSING;
    _Alignas(max_align_t) uint8_t first[SIGNATURE_FIRST];
    struct dsig d;
    struct arena a;
    arena_init_buffer(&a, first, sizeof first, 4 * DSIG_CERTIFICATE_MAX);
    enum err err = dsig_read(eis->signature, &a, &d);
    if (d.reference_count > 1 || (err == ERR_NONE && d.references[0].uri.len))
        err = ERR_UNSUPPORTED; /* it means EumSignedInfo, without saying so */
    if (err == ERR_NONE)
        err = dsig_check_digest(&d.references[0], eis->signed_info, NULL);
    if (err == ERR_NONE)
        err = key ? dsig_check_value_ec(&d, eis->signature, key) : dsig_check_value(&d, eis->signature, other);
    arena_release(&a);
    return err;
}

enum err eum_verify_with(const struct eis *eis, struct ec_key *key) { return verify(eis, key, NULL); }

enum err eum_verify(const struct eis *eis, struct span cert_der)
{
    EVP_PKEY *key = dsig_key_of(cert_der);
    enum err err = key ? verify(eis, NULL, key) : ERR_BAD_VALUE;
    EVP_PKEY_free(key);
    return err;
}

enum err eum_key_info(const struct eis *eis, struct arena *a, struct eum_key_info *ret)
{
    struct dsig d;
    enum err err = dsig_read(eis->signature, a, &d);
    if (err == ERR_NONE)
        *ret = d.key;
    return err;
}

/* --- signing --------------------------------------------------------------------------------------------------- */

static void wr_key_info(struct writer *w, struct span cert_der)
{
    const uint8_t *p = cert_der.ptr;
    X509 *x = cert_der.len ? d2i_X509(NULL, &p, (long)cert_der.len) : NULL;
    if (!x)
        return;
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(x);
    BIO *name = BIO_new(BIO_s_mem());
    char *text = NULL;
    wr_text(w, "<ds:KeyInfo><ds:X509Data>");
    if (ski) {
        wr_text(w, "<ds:X509SKI>");
        dsig_base64_write(w, (struct span){ ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski) });
        wr_text(w, "</ds:X509SKI>");
    }
    wr_text(w, "<ds:X509SubjectName>");
    if (name && X509_NAME_print_ex(name, X509_get_subject_name(x), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) > 0) {
        long len = BIO_get_mem_data(name, &text);
        wr_xml_text(w, (struct span){ (const uint8_t *)text, (size_t)len });
    }
    wr_text(w, "</ds:X509SubjectName></ds:X509Data></ds:KeyInfo>");
    BIO_free(name);
    X509_free(x);
}

/* The element EumSignature; without value and certificate in the first round. */
static struct span signature_element(struct arena *a, const struct dsig *d, struct span cert_der)
{
    struct writer w = wr_arena(a, DSIG_XML_MAX);
    wr_text(&w, "<rps:EumSignature xmlns:rps=\"http://namespaces.gsma.org/esim-messaging/3\" xmlns:ds=\"" DSIG_NS "\">");
    dsig_write(&w, d);
    wr_key_info(&w, cert_der);
    wr_text(&w, "</rps:EumSignature>");
    return wr_span(&w);
}

static enum err sign_with(struct eis *eis, EVP_PKEY *key, struct span cert_der, struct arena *a)
{
    struct dsig d;
    struct span signed_info, element = SPAN_NONE;
    enum err err = eum_signed_info_encode(eis, a, &signed_info);
    if (err == ERR_NONE)
        err = dsig_prepare(&d, key);
    if (err == ERR_NONE)
        err = dsig_add(&d, SPAN_NONE, signed_info, NULL);
    if (err == ERR_NONE)
        err = dsig_sign(&d, signature_element(a, &d, SPAN_NONE), key);
    if (err == ERR_NONE) {
        element = signature_element(a, &d, cert_der);
        err = element.len ? ERR_NONE : ERR_NO_SPACE;
    }
    if (err == ERR_NONE) {
        eis->signed_info = signed_info;
        eis->signature = element;
    }
    return err;
}

enum err eum_sign(struct eis *eis, struct span key_pem, struct span cert_der, struct arena *a)
{
    BIO *bio = BIO_new_mem_buf(key_pem.ptr, (int)key_pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "") : NULL;
    enum err err = key ? sign_with(eis, key, cert_der, a) : ERR_BAD_VALUE;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return err;
}
