/* Canonical XML: ours beside libxml2, octet by octet. */
#include <stdlib.h>

#include "lib/codec/xml_canonical.h"
#include "lib/es/field.h"
#include "sample.h"
#include "tests/support/libxml2_canonical.h"

/* Each root and each <child> has its form. */
static const char *const documents[] = {
    "<a/>",
    "<?xml version=\"1.0\"?>\n<!-- before -->\n<a b='1'> x &amp; y &lt;&gt; </a><!-- after -->\n",
    "\xEF\xBB\xBF<a>1 > 0, ]> and ] ]></a>",
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
    "<a>x<!-- c -->y<child><!-- - -->\n<!----></child></a>",
    "<a>x<![CDATA[<&>]] \r\n\r]]]]><![CDATA[>]]><child><![CDATA[]]></child></a>",
    "<a>x\r\ny\rz\n\r</a>",
    "<a>&#65;&#x42;&#x20AC;&#xD;&#10;&#38;&#60;&#62;&quot;&apos;<child b='&#13;'>&#x10FFFF;</child></a>",
    "<a b='x\ny\tz\r\n&#10;&#9;&#xD;&gt;&apos;\"' c=\"'&#34;&#x26;&#x3C;>\"/>",
    "<a><child xml:lang='en' a='1' xml:space=' preserve'><b xml:lang='de'/></child></a>",
    "<xml:a/>",
};

/* A form that the versions tell apart, or of a namespace that is doubtful: ours has none. */
static const char *const unsupported[] = {
    "<a xmlns='relative'/>",
    "<a><b xmlns:p='relative'/></a>",
    "<a xmlns='urn:\xC3\xA9'/>",
    "<a xmlns='urn:'/>",
    "<a xmlns='::urn'/>",
    "<a xmlns='http://h:80/'/>",
    "<a xmlns='urn:a b'/>",
    "<a xmlns='urn:a##'/>",
};

static const char *const malformed[] = {
    "<a><?p i?></a>", "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
    "<a>]]></a>",     "<a>&e;</a>",       "<a>&#0;</a>",
    "<a><!-- -- --></a>", "<a><![CDATA[</a>", "<a>",
    "<a/><b/>",       "<a/>x",            "<a><b></a></b>",
    "<p:a/>",         "",
};

static enum err ours(struct span xml, const char *child, enum canonical_method method, struct writer *w)
{
    return xml_canonical(xml, child, method == CANONICAL_EXCLUSIVE ? XML_EXCLUSIVE : XML_INCLUSIVE, w);
}

/* Of the root and of the child, if there is one, by each method. */
static void all_forms(struct span xml)
{
    static const char *const children[] = { NULL, "child" };
    for (unsigned i = 0; i < 2 * CANONICAL_METHODS; i++) {
        struct arena a;
        struct span want;
        arena_init(&a, 1u << 24);
        const char *child = children[i / CANONICAL_METHODS];
        enum canonical_method method = (enum canonical_method)(i % CANONICAL_METHODS);
        struct writer w = wr_arena(&a, xml.len * 8 + 512);
        if (child && !memmem(xml.ptr, xml.len, "<child", 6)) {
            assert_fails(ours(xml, child, method, &w), ERR_MISSING);
        } else {
            assert_ok(ours(xml, child, method, &w));
            assert_true(libxml2_canonical(xml, child, method, &want));
            assert_span_equal(wr_span(&w), want);
            free((void *)(uintptr_t)want.ptr);
        }
        arena_release(&a);
    }
}

static void forms_are_those_of_libxml2(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documents); i++)
        all_forms(span_text(documents[i]));
}

static void refused(const char *document, const char *child, enum canonical_method method, enum err want)
{
    uint8_t octets[1024];
    struct writer w = wr_of(octets, sizeof octets);
    enum err err = ours(span_text(document), child, method, &w);
    if (err != want)
        fail_msg("%s: %s", document, err_text(err));
}

static void other_documents_have_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++)
        refused(unsupported[i], NULL, CANONICAL_EXCLUSIVE, ERR_UNSUPPORTED);
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
        refused(malformed[i], NULL, CANONICAL_1_0, ERR_BAD_VALUE);
    refused("<a xml:lang='en'><child/></a>", "child", CANONICAL_1_0, ERR_UNSUPPORTED);
    refused("<a xml:lang='en'><child/></a>", "child", CANONICAL_EXCLUSIVE, ERR_NONE);
}

static void has_form(const char *document, const char *path, enum canonical_method method, const char *want)
{
    uint8_t octets[1024];
    struct writer w = wr_of(octets, sizeof octets);
    assert_ok(ours(span_text(document), path, method, &w));
    assert_span_equal(wr_span(&w), span_text(want));
}

static void an_element_by_its_path(void **state)
{
    static const char document[] = "<a xmlns='u:a' xmlns:p='u:p'><c/><b><x><c/></x><c q='1'><p:d/></c><c/></b><b><c>no</c></b></a>";
    (void)state;
    has_form(document, "b/c", CANONICAL_EXCLUSIVE, "<c xmlns=\"u:a\" q=\"1\"><p:d xmlns:p=\"u:p\"></p:d></c>");
    has_form(document, "b/c", CANONICAL_1_0, "<c xmlns=\"u:a\" xmlns:p=\"u:p\" q=\"1\"><p:d></p:d></c>");
    has_form(document, "b/c/d", CANONICAL_EXCLUSIVE, "<p:d xmlns:p=\"u:p\"></p:d>");
    has_form("<a><b/><b><c/></b></a>", "b/c", CANONICAL_EXCLUSIVE, "<c></c>");
    has_form("<a><z xml:lang='en'/><b><c/></b></a>", "b/c", CANONICAL_1_0, "<c></c>");
    refused(document, "c/c", CANONICAL_EXCLUSIVE, ERR_MISSING);
    refused(document, "b/c/c", CANONICAL_EXCLUSIVE, ERR_MISSING);
    refused(document, "x/c", CANONICAL_EXCLUSIVE, ERR_MISSING);
    refused("<a><b xml:lang='en'><c/></b></a>", "b/c", CANONICAL_1_0, ERR_UNSUPPORTED);
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
            all_forms(soap);
            arena_release(&a);
        }
}

static void a_small_place_is_said_so(void **state)
{
    (void)state;
    static const char document[] = "<a x='1'><child/></a>", form[] = "<a x=\"1\"><child></child></a>";
    uint8_t octets[sizeof form];
    for (size_t cap = 0; cap < sizeof form; cap++) {
        struct writer w = wr_of(octets, cap);
        enum err err = ours(SPAN_LIT(document), NULL, CANONICAL_EXCLUSIVE, &w);
        assert_int_equal(err, cap < sizeof form - 1 ? ERR_NO_SPACE : ERR_NONE);
        if (err == ERR_NONE)
            assert_span_equal(wr_span(&w), SPAN_LIT(form));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_those_of_libxml2),
        cmocka_unit_test(other_documents_have_none),
        cmocka_unit_test(an_element_by_its_path),
        cmocka_unit_test(every_message_has_the_same_form),
        cmocka_unit_test(a_small_place_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
