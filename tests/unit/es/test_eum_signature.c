/* The EUM's signature: ours against ours, against an independent canonicaliser and the openssl tool, and forged. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/es/eum_signature.h"

static char folder[] = "/tmp/osprey-eum-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[8][128];
    static int at;
    at = (at + 1) % 8;
    snprintf(path[at], sizeof path[at], "%s/%s", folder, name);
    return path[at];
}

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return system(command);
}

static void write_file(const char *name, struct span s)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(s.ptr, 1, s.len, f), s.len);
    fclose(f);
}

/* Keys and certificates by the openssl tool. */
static int make_keys(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    static const struct {
        const char *name, *key;
    } keys[] = {
        { "ec", "ec -pkeyopt ec_paramgen_curve:prime256v1" },
        { "bp", "ec -pkeyopt ec_paramgen_curve:brainpoolP256r1" },
        { "rsa", "rsa:2048" },
        { "other", "ec -pkeyopt ec_paramgen_curve:prime256v1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (run("cd %s && openssl req -x509 -newkey %s -nodes -keyout %s.pem -out %s.crt -subj '/O=Example/CN=EUM %s' "
                "-days 30 >/dev/null 2>&1 && openssl x509 -in %s.crt -outform DER -out %s.der",
                folder, keys[i].key, keys[i].name, keys[i].name, keys[i].name, keys[i].name, keys[i].name))
            return -1;
    return 0;
}

static int remove_keys(void **state)
{
    (void)state;
    return run("rm -rf %s", folder);
}

static struct span key_of(const char *name)
{
    char file[32];
    snprintf(file, sizeof file, "%s.pem", name);
    return file_bytes(in_folder(file));
}

static struct span cert_of(const char *name)
{
    char file[32];
    snprintf(file, sizeof file, "%s.der", name);
    return file_bytes(in_folder(file));
}

static struct eis *sample_eis(struct arena *a)
{
    struct es1_register_eis *body = sample_body(a, ES1_REGISTER_EIS, ES_REQUEST, SAMPLE_FULL);
    return body->eis;
}

static void signed_eis_verifies_after_the_way(const char *key, const char *cert)
{
    struct arena a;
    struct span soap;
    struct es_message m, back;
    struct es_fault fault;
    arena_init(&a, 8u << 20);
    m = sample_message(&a, ES1_REGISTER_EIS, ES_REQUEST, SAMPLE_FULL);
    struct eis *eis = ((struct es1_register_eis *)(uintptr_t)m.body)->eis;
    assert_ok(eum_sign(eis, key_of(key), cert_of(cert), &a));
    assert_ok(eum_verify(eis, cert_of(cert)));
    for (int hop = 0; hop < 3; hop++) {
        assert_ok(es_encode(&m, &a, &soap));
        assert_ok(es_decode(soap, &a, &back, &fault));
        assert_ok(eum_verify(((const struct es1_register_eis *)back.body)->eis, cert_of(cert)));
        m = back;
    }
    struct eum_key_info info;
    assert_ok(eum_key_info(eis, &a, &info));
    assert_int_equal(info.ski.len, 20);
    assert_non_null(memmem(info.subject.ptr, info.subject.len, "CN=EUM", 6));
    assert_fails(eum_verify(eis, cert_of("other")), ERR_VERIFY);
    arena_release(&a);
}

static void keys_of_all_kinds_sign(void **state)
{
    (void)state;
    signed_eis_verifies_after_the_way("ec", "ec");
    signed_eis_verifies_after_the_way("bp", "bp");
    signed_eis_verifies_after_the_way("rsa", "rsa");
}

/* Python's canonicaliser (C14N 2.0 without options says the same as exclusive C14N here) and the openssl tool. */
static const char foreign_check[] =
    "import base64,hashlib,sys,xml.etree.ElementTree as E\n"
    "ds='{http://www.w3.org/2000/09/xmldsig#}'\n"
    "info=E.canonicalize(open('info.xml').read()).encode()\n"
    "sig=open('sig.xml').read()\n"
    "root=E.fromstring(sig)\n"
    "digest=base64.b64decode(root.find('.//'+ds+'DigestValue').text)\n"
    "assert hashlib.sha256(info).digest()==digest\n"
    "part=sig[sig.index('<ds:SignedInfo'):sig.index('</ds:SignedInfo>')+16]\n"
    "part=part.replace('<ds:SignedInfo','<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"',1)\n"
    "open('form','wb').write(E.canonicalize(part).encode())\n"
    "v=base64.b64decode(root.find(ds+'SignatureValue').text)\n"
    "def i(b):\n"
    "    b=b.lstrip(b'\\0') or b'\\0'\n"
    "    b=(b'\\0' if b[0]>127 else b'')+b\n"
    "    return bytes([2,len(b)])+b\n"
    "s=i(v[:32])+i(v[32:])\n"
    "open('sig.der','wb').write(bytes([48,len(s)])+s)\n";

static void others_verify_it_too(void **state)
{
    (void)state;
    struct arena a;
    if (run("python3 -c 'import sys,xml.etree.ElementTree as E; sys.exit(not hasattr(E,\"canonicalize\"))' "
            "2>/dev/null"))
        skip();
    arena_init(&a, 8u << 20);
    struct eis *eis = sample_eis(&a);
    assert_ok(eum_sign(eis, key_of("ec"), cert_of("ec"), &a));
    write_file("info.xml", eis->signed_info);
    write_file("sig.xml", eis->signature);
    write_file("check.py", SPAN_LIT(foreign_check));
    assert_int_equal(run("cd %s && python3 check.py", folder), 0);
    assert_int_equal(
        run("cd %s && openssl x509 -in ec.crt -pubkey -noout > ec.pub && openssl dgst -sha256 -verify ec.pub "
            "-signature sig.der form >/dev/null",
            folder),
        0);
    arena_release(&a);
}

static void forged(struct arena *a, struct eis eis, const char *from, const char *to, enum err want)
{
    eis.signature = sample_replaced(a, eis.signature, from, to);
    assert_fails(eum_verify(&eis, cert_of("ec")), want);
}

static void what_is_not_as_signed_is_refused(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 8u << 20);
    struct eis *eis = sample_eis(&a), changed;
    assert_ok(eum_sign(eis, key_of("ec"), cert_of("ec"), &a));

    changed = *eis; /* one digit of what was signed */
    changed.signed_info = sample_replaced(&a, eis->signed_info, "<rps:PlatformVersion>3", "<rps:PlatformVersion>4");
    assert_fails(eum_verify(&changed, cert_of("ec")), ERR_VERIFY);
    changed.signed_info = sample_replaced(&a, eis->signed_info, "><rps:Eid>", "> <rps:Eid>"); /* white space counts */
    assert_fails(eum_verify(&changed, cert_of("ec")), ERR_VERIFY);
    changed.signed_info = sample_replaced(&a, eis->signed_info, "><rps:Eid>", "><!-- no --><rps:Eid>"); /* comments do not */
    assert_ok(eum_verify(&changed, cert_of("ec")));
    changed.signed_info = SPAN_NONE;
    assert_fails(eum_verify(&changed, cert_of("ec")), ERR_MISSING);

    forged(&a, *eis, "<ds:Reference>", "<ds:Reference URI=\"\">", ERR_UNSUPPORTED);
    forged(&a, *eis, "xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha1", ERR_UNSUPPORTED);
    forged(&a, *eis, "xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256", ERR_UNSUPPORTED);
    forged(&a, *eis, "xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256", ERR_VERIFY);
    forged(&a, *eis, "xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha512", ERR_VERIFY);
    forged(&a, *eis, "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
           "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">", ERR_UNSUPPORTED);
    forged(&a, *eis, "</ds:Reference>", "</ds:Reference><ds:Reference/>", ERR_UNSUPPORTED);
    forged(&a, *eis, "<ds:SignatureValue>", "<ds:SignatureValue>AAAA", ERR_VERIFY);
    forged(&a, *eis, "</ds:SignatureValue>", "!</ds:SignatureValue>", ERR_BAD_VALUE);
    forged(&a, *eis, "</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo/>", ERR_UNSUPPORTED);
    arena_release(&a);
}

/* Another style: inclusive canonical form, or an exclusive one with a list (the argument), or "mixed": an exclusive one of
 * SignedInfo, and a Reference without Transforms, which means an inclusive one. Its namespaces are declared on
 * the envelope, not on the element. The script writes the canonical form by hand: all namespaces in scope, sorted by prefix. */
static const char inclusive_signer[] =
    "import hashlib,base64,subprocess,sys\n"
    "N='http://namespaces.gsma.org/esim-messaging/3'; D='http://www.w3.org/2000/09/xmldsig#'\n"
    "E='http://www.w3.org/2003/05/soap-envelope'; W='http://www.w3.org/2005/08/addressing'\n"
    "X='http://www.w3.org/2001/10/xml-exc-c14n#'; L=sys.argv[1] if len(sys.argv)>1 else ''\n"
    "mixed=L=='mixed'; L='' if mixed else L\n"
    "C=X if L or mixed else 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'\n"
    "L=L and '<ec:InclusiveNamespaces xmlns:ec=\"'+X+'\" PrefixList=\"'+L+'\"></ec:InclusiveNamespaces>'\n"
    "T=L and '<ds:Transforms><ds:Transform Algorithm=\"'+C+'\">'+L+'</ds:Transform></ds:Transforms>'\n"
    "scope=' xmlns:env=\"%s\" xmlns:rps=\"%s\" xmlns:wsa=\"%s\"'%(E,N,W)\n"
    "info=open('info.xml').read()\n"
    "form=info.replace(' xmlns:rps=\"%s\"'%N,scope,1)\n"
    "dv=base64.b64encode(hashlib.sha256(form.encode()).digest()).decode()\n"
    "inner='<ds:CanonicalizationMethod Algorithm=\"'+C+'\">'+L+'</ds:CanonicalizationMethod>'\\\n"
    " '<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>'\\\n"
    " '<ds:Reference>'+T+'<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>'\\\n"
    " '<ds:DigestValue>'+dv+'</ds:DigestValue></ds:Reference></ds:SignedInfo>'\n"
    "d=' xmlns:ds=\"%s\"'%D\n"
    "open('form','w').write('<ds:SignedInfo'+d+('' if mixed else scope)+'>'+inner)\n"
    "subprocess.check_call('openssl dgst -sha256 -sign rsa.pem -out value form',shell=True)\n"
    "v=base64.b64encode(open('value','rb').read()).decode()\n"
    "open('sig.xml','w').write('<rps:EumSignature><ds:SignedInfo'+d+'>'+inner\n"
    " +'<ds:SignatureValue'+d+'>'+v+'</ds:SignatureValue></rps:EumSignature>')\n"
    "open('bare.xml','w').write(info.replace(' xmlns:rps=\"%s\"'%N,'',1))\n";

static enum err verified_after_the_way(const char *list)
{
    struct arena a;
    struct es_message m, back;
    struct es_fault fault;
    struct span soap, info;
    arena_init(&a, 8u << 20);
    m = sample_message(&a, ES1_REGISTER_EIS, ES_REQUEST, SAMPLE_FULL);
    struct eis *eis = ((struct es1_register_eis *)(uintptr_t)m.body)->eis;
    /* no sub-element of the sample may need escapes that the script would have to know */
    assert_ok(eum_signed_info_encode(eis, &a, &info));
    write_file("info.xml", info);
    write_file("inclusive.py", SPAN_LIT(inclusive_signer));
    assert_int_equal(run("cd %s && python3 inclusive.py %s", folder, list), 0);
    eis->signed_info = file_bytes(in_folder("bare.xml"));
    eis->signature = file_bytes(in_folder("sig.xml"));
    assert_ok(es_encode(&m, &a, &soap));
    assert_ok(es_decode(soap, &a, &back, &fault));
    enum err err = eum_verify(((const struct es1_register_eis *)back.body)->eis, cert_of("rsa"));
    arena_release(&a);
    return err;
}

static void canonical_forms_with_outer_namespaces_verify(void **state)
{
    (void)state;
    assert_ok(verified_after_the_way(""));
    assert_ok(verified_after_the_way("mixed"));
    assert_ok(verified_after_the_way("'wsa env rps'"));
    assert_ok(verified_after_the_way("'env rps nobody wsa #default'"));
    assert_fails(verified_after_the_way("'rps wsa'"), ERR_VERIFY); /* the script writes env nevertheless */
    assert_fails(verified_after_the_way("'wsa env:'"), ERR_BAD_VALUE);
}

/* What a Signature may hold is said of its structure, before its value. */
static void lists_where_they_do_not_belong_are_refused(void **state)
{
#define LIST(prefixes) "<i:InclusiveNamespaces xmlns:i=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"" prefixes "\"/>"
    static const struct {
        const char *before, *list;
        enum err want;
    } rows[] = {
        { "</ds:CanonicalizationMethod>", LIST("rps"), ERR_VERIFY }, /* taken, but not what was signed */
        { "</ds:CanonicalizationMethod>", LIST("") LIST(""), ERR_UNSUPPORTED },
        { "</ds:CanonicalizationMethod>", LIST("a:b"), ERR_BAD_VALUE },
        { "</ds:CanonicalizationMethod>", LIST("a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g"), ERR_TOO_LONG },
        { "</ds:CanonicalizationMethod>", "<i:InclusiveNamespaces xmlns:i=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>", ERR_MISSING },
        { "</ds:CanonicalizationMethod>", "<ds:InclusiveNamespaces PrefixList=\"a\"/>", ERR_UNSUPPORTED },
        { "</ds:CanonicalizationMethod>", "<i:Other xmlns:i=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>", ERR_UNSUPPORTED },
        { "</ds:Transform>", LIST("") LIST(""), ERR_UNSUPPORTED },
        { "</ds:Transform>", LIST("xmlns"), ERR_BAD_VALUE },
        { "</ds:Transforms>", LIST(""), ERR_UNSUPPORTED },
        { "</ds:SignatureMethod>", LIST(""), ERR_UNSUPPORTED },
        { "</ds:DigestMethod>", LIST(""), ERR_UNSUPPORTED },
        { "</ds:Reference>", LIST(""), ERR_UNSUPPORTED },
        { "</ds:SignedInfo>", LIST(""), ERR_UNSUPPORTED },
    };
    struct arena a;
    (void)state;
    arena_init(&a, 8u << 20);
    struct eis *eis = sample_eis(&a);
    assert_ok(eum_sign(eis, key_of("ec"), cert_of("ec"), &a));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        forged(&a, *eis, rows[i].before, arena_printf(&a, "%s%s", rows[i].list, rows[i].before), rows[i].want);
    forged(&a, *eis, "xml-exc-c14n#\"></ds:Tr", "xml-exc-c14n#WithComments\"></ds:Tr", ERR_UNSUPPORTED);
    struct span inclusive = sample_replaced(&a, eis->signature, "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2006/12/xml-c14n11");
    eis->signature = inclusive;
    forged(&a, *eis, "</ds:CanonicalizationMethod>", LIST("") "</ds:CanonicalizationMethod>", ERR_UNSUPPORTED);
    arena_release(&a);
#undef LIST
}

static void bad_keys_are_said_so(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 8u << 20);
    struct eis *eis = sample_eis(&a);
    struct span before = eis->signature;
    assert_fails(eum_sign(eis, SPAN_LIT("no key"), SPAN_NONE, &a), ERR_BAD_VALUE);
    assert_span_equal(eis->signature, before);
    assert_ok(eum_sign(eis, key_of("ec"), SPAN_NONE, &a)); /* without KeyInfo */
    assert_ok(eum_verify(eis, cert_of("ec")));
    assert_fails(eum_verify(eis, SPAN_LIT("no certificate")), ERR_BAD_VALUE);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_all_kinds_sign),
        cmocka_unit_test(others_verify_it_too),
        cmocka_unit_test(what_is_not_as_signed_is_refused),
        cmocka_unit_test(canonical_forms_with_outer_namespaces_verify),
        cmocka_unit_test(lists_where_they_do_not_belong_are_refused),
        cmocka_unit_test(bad_keys_are_said_so),
    };
    return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
