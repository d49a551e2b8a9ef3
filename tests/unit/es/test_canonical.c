/* Canonical XML: our own writer beside libxml2. What ours takes must be the same octet by octet; what is not plain it
 * must leave alone. */
#include "lib/codec/xml_canonical.h"
#include "lib/es/canonical.h"
#include "lib/es/eum_signature.h"
#include "lib/es/field.h"
#include "sample.h"

static const char *const plain[] = {
    "<a/>",
    "<?xml version=\"1.0\"?>\n<!-- before -->\n<a b='1'> x &amp; y &lt;&gt; </a><!-- after -->\n",
    "<a>1 > 0, ]> and ] ]></a>",
    "<a>caf\xC3\xA9 \xE2\x82\xAC</a>",
    "<a d='4' c=\"&amp;&lt;&quot;'>\" b='' >\n  <e/>\n\t<f></f>\n</a >",
    "<p:a xmlns:p='urn:one:1'><p:b xmlns:p='urn:one:1'/><p:b xmlns:p='urn:two'><p:c/></p:b><p:d/></p:a>",
    "<a xmlns='urn:a'><b xmlns=''><c xmlns='urn:a'><d xmlns=''/></c></b><e/></a>",
    "<a xmlns=''><b xmlns='urn:b'/><c xmlns=''/></a>",
    "<z:a xmlns:z='http://z.example/x#' xmlns:b='urn:b' xmlns='urn:none'><child z:k='1' b:k='2' k='3' a='4' b:a='5'/></z:a>",
    "<z:a xmlns:z='urn:z' xmlns:b='urn:b' xmlns:c='urn:c'><child xmlns:c='urn:c2'><b:x xmlns:b='urn:b'/><c:y/></child></z:a>",
    "<a xmlns:x='urn:2' xmlns:y='urn:1'><b y:q='1' x:q='2'><c x:r='1'/></b><b x:q='3'/></a>",
    "<o xmlns='urn:o' xmlns:i='urn:i'><child xmlns=''><i:in/><out xmlns='urn:o'/></child><child><second/></child></o>",
    "<a xmlns:b='urn:b'><child xmlns:b='urn:c'><b:x/></child><b:child/></a>",
};

/* Taken by libxml2 alone, or by nobody. */
static const char *const not_plain[] = {
    "<a><!-- c --></a>",
    "<a>x<![CDATA[<&>]]></a>",
    "<a>x\r\ny</a>",
    "<a>&#65;</a>",
    "<a>&quot;</a>",
    "<a b='x\ny'/>",
    "<a b='&#10;'/>",
    "<a b='&gt;'/>",
    "<a b='\"'/>",
    "<a xml:lang='en'><child/></a>",
    "<xml:a/>",
    "<a xmlns='relative'/>",
    "<a xmlns:p='relative'><child/></a>",
    "<a xmlns='urn:\xC3\xA9'/>",
    "<a xmlns='urn:'/>",
    "<a xmlns='http://h:80/'/>",
    "<a xmlns='urn:a b'/>",
    "<a><?p i?></a>",
    "<!DOCTYPE a><a/>",
    "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
    "<!DOCTYPE a [<!ATTLIST a b CDATA 'x'>]><a/>",
    "<a>]]></a>",
    "<a>",
    "<a/><b/>",
    "<a/>x",
    "<a><b></a></b>",
    "<p:a/>",
    "",
};

static struct span ours(struct arena *a, struct span xml, const char *child, enum canonical_method method)
{
    struct writer w = wr_arena(a, xml.len * 8 + 512);
    bool good = xml_canonical(xml, child, method == CANONICAL_EXCLUSIVE ? XML_EXCLUSIVE : XML_INCLUSIVE, &w);
    return good ? wr_span(&w) : SPAN_NONE;
}

/* How many of the six forms (three methods, root and child) ours makes; each must be libxml2's. */
static size_t forms(struct span xml)
{
    static const char *const children[] = { NULL, "child" };
    size_t made = 0;
    for (unsigned i = 0; i < 6; i++) {
        struct arena a;
        struct span want = SPAN_NONE, whole = SPAN_NONE;
        arena_init(&a, 1u << 24);
        const char *child = children[i / 3];
        struct span got = ours(&a, xml, child, (enum canonical_method)(i % 3));
        enum err err = canonical_by_libxml2(xml, child, (enum canonical_method)(i % 3), &a, &want);
        if (got.len) {
            assert_ok(err);
            assert_span_equal(got, want);
            made++;
        }
        assert_fails(canonical_form(xml, child, (enum canonical_method)(i % 3), &a, &whole), err);
        assert_span_equal(whole, want);
        arena_release(&a);
    }
    return made;
}

static void plain_documents_are_ours(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        size_t want = strstr(plain[i], "<child") ? 6 : 3, made = forms(span_text(plain[i]));
        if (made != want)
            fail_msg("%s: %zu forms", plain[i], made);
    }
}

static void other_documents_are_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(not_plain); i++)
        if (forms(span_text(not_plain[i])) != 0)
            fail_msg("%s: taken", not_plain[i]);
}

static void every_message_has_the_same_form(void **state)
{
    (void)state;
    for (int f = 1; f < ES_FUNCTION_COUNT; f++)
        for (int kind = ES_REQUEST; kind <= ES_NOTIFICATION; kind++) {
            struct arena a;
            struct span soap;
            if (!es_table((enum es_function)f, (enum es_kind)kind))
                continue;
            arena_init(&a, 1u << 24);
            struct es_message m = sample_message(&a, (enum es_function)f, (enum es_kind)kind, SAMPLE_FULL);
            assert_ok(es_encode(&m, &a, &soap));
            assert_int_equal(forms(soap), 3);
            arena_release(&a);
        }
}

/* No room: the answer is libxml2's, or that there is none. */
static void a_small_place_is_said_so(void **state)
{
    (void)state;
    uint8_t octets[64];
    for (size_t cap = 0; cap < 25; cap++) {
        struct writer w = wr_of(octets, cap);
        assert_int_equal(xml_canonical(SPAN_LIT("<a x='1'><child/></a>"), NULL, XML_EXCLUSIVE, &w), cap >= 29);
    }
    struct writer w = wr_of(octets, 29);
    assert_true(xml_canonical(SPAN_LIT("<a x='1'><child/></a>"), NULL, XML_EXCLUSIVE, &w));
    assert_span_equal(wr_span(&w), SPAN_LIT("<a x=\"1\"><child></child></a>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_documents_are_ours),
        cmocka_unit_test(other_documents_are_left_alone),
        cmocka_unit_test(every_message_has_the_same_form),
        cmocka_unit_test(a_small_place_is_said_so),
    };
    return eum_signature_start() != ERR_NONE ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
