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
    "<a xmlns='http://h:80/a;b=c?d=e/?f#g' xmlns:b='urn:x-y.z:%41(1)*,+$!@~_' xmlns:c='h2+x-y.z:/'><b:child c:d='' xmlns:c='tag:h,2005:x#'/></a>",
    "<a xmlns:p='urn:p' xmlns:q='urn:q' xmlns='urn:d'><child xmlns:q='urn:q2'><q:b/><p:c xmlns:p='urn:p2' p:x='1'><p:e/></p:c><f xmlns=''/></child></a>",
    "<a xmlns:p='urn:p'><b xmlns:p='urn:p'><p:c xmlns:p='urn:p'/></b><child><p:d xmlns:q='urn:q'><e xmlns:q='urn:q'/></p:d><p:d/></child></a>",
    "<p:a xmlns:p='urn:p' xmlns:b='urn:b'><child xmlns='urn:d' xmlns:x='urn:x'><x xmlns='' xmlns:x='urn:x'/><x xmlns:b='urn:b'/></child></p:a>",
    "<a xmlns='urn:a'><child xmlns=''><c/><d xmlns='urn:a'><e xmlns=''/></d></child></a>",
};

/* Of the exclusive form. */
static const char *const lists[] = { "", "p", "#default", "p q #default", "b z xml nobody", "x y o i c b", "  q   p  p " };

/* A form that the versions tell apart, or of a namespace that is doubtful: ours has none. */
static const char *const unsupported[] = {
    "<a xmlns='relative'/>",
    "<a><b xmlns:p='relative'/></a>",
    "<a xmlns='urn:\xC3\xA9'/>",
    "<a xmlns='urn:'/>",
    "<a xmlns='::urn'/>",
    "<a xmlns='1urn:x'/>",
    "<a xmlns='http://h:port/'/>",
    "<a xmlns='http://h:/'/>",
    "<a xmlns='http://h:123456/'/>",
    "<a xmlns='http://u@h/'/>",
    "<a xmlns='http://[::1]/'/>",
    "<a xmlns='http://'/>",
    "<a xmlns='urn:a b'/>",
    "<a xmlns='urn:a##'/>",
    "<a xmlns='urn:%4'/>",
    "<a xmlns='urn:%4G'/>",
    "<a xmlns='urn:a|b'/>",
    "<a xmlns='?urn:a'/>",
};

static const char *const malformed[] = {
    "<a><?p i?></a>", "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
    "<a>]]></a>",     "<a>&e;</a>",       "<a>&#0;</a>",
    "<a><!-- -- --></a>", "<a><![CDATA[</a>", "<a>",
    "<a/><b/>",       "<a/>x",            "<a><b></a></b>",
    "<p:a/>",         "",
};

static enum err ours(struct span xml, const char *child, enum canonical_method method, const char *list, struct writer *w)
{
    struct xml_form form = { method == CANONICAL_EXCLUSIVE ? XML_EXCLUSIVE : XML_INCLUSIVE, span_text(list) };
    return xml_canonical(xml, child, &form, w);
}

static void same_form(struct span xml, const char *child, enum canonical_method method, const char *list)
{
    struct arena a;
    struct span want;
    arena_init(&a, 1u << 24);
    struct writer w = wr_arena(&a, xml.len * 8 + 512);
    if (child && !memmem(xml.ptr, xml.len, "child", 5)) {
        assert_fails(ours(xml, child, method, list, &w), ERR_MISSING);
    } else {
        assert_ok(ours(xml, child, method, list, &w));
        assert_true(libxml2_canonical(xml, child, method, list, &want));
        assert_span_equal(wr_span(&w), want);
        free((void *)(uintptr_t)want.ptr);
    }
    arena_release(&a);
}

/* Of the root and of the child, if there is one, by each method and with each list. */
static void all_forms(struct span xml)
{
    static const char *const children[] = { NULL, "child" };
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        for (unsigned method = 0; method < CANONICAL_METHODS; method++)
            same_form(xml, children[i], (enum canonical_method)method, "");
        for (size_t list = 0; list < ARRAY_LEN(lists); list++)
            same_form(xml, children[i], CANONICAL_EXCLUSIVE, lists[list]);
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
    enum err err = ours(span_text(document), child, method, "", &w);
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
    assert_ok(ours(span_text(document), path, method, "", &w));
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

/* What the recommendation says of a list, in octets. */
static void prefixes_of_a_list_are_shown_where_they_are_in_scope(void **state)
{
    static const struct {
        const char *list, *want;
    } rows[] = {
        { "", "<c><p:d xmlns:p=\"u:p\"></p:d></c>" },
        { "p", "<c xmlns:p=\"u:p\"><p:d></p:d></c>" },
        { "q p", "<c xmlns:p=\"u:p\" xmlns:q=\"u:q\"><p:d></p:d></c>" },
        { "#default", "<c><p:d xmlns:p=\"u:p\"></p:d></c>" },
        { "r nobody", "<c><p:d xmlns:p=\"u:p\" xmlns:r=\"u:r\"></p:d></c>" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t octets[1024];
        struct writer w = wr_of(octets, sizeof octets);
        struct span xml = SPAN_LIT("<a xmlns='u:a' xmlns:q='u:q' xmlns:p='u:p'><b xmlns=''><c><p:d xmlns:r='u:r'/></c></b></a>");
        assert_ok(ours(xml, "b/c", CANONICAL_EXCLUSIVE, rows[i].list, &w));
        assert_span_equal(wr_span(&w), span_text(rows[i].want));
    }
}

static void other_lists_are_refused(void **state)
{
    static const char *const none[] = { "a:b", "#", "#Default", "#default,", "1a", "-a", "a;b", "xmlns", "\xC3\xA9", "a \v b" };
    char text[XML_PREFIX_LIST_MAX + 2];
    struct span names[XML_PREFIXES_MAX];
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_fails(xml_prefix_list(span_text(none[i]), names, &count), ERR_BAD_VALUE);
    assert_ok(xml_prefix_list(SPAN_LIT("\ta-1._ \r\n #default xml"), names, &count));
    assert_int_equal(count, 3);
    assert_span_equal(names[0], SPAN_LIT("a-1._"));
    assert_int_equal(names[1].len, 0);
    memset(text, ' ', sizeof text);
    assert_ok(xml_prefix_list((struct span){ (uint8_t *)text, XML_PREFIX_LIST_MAX }, names, &count));
    assert_int_equal(count, 0);
    assert_fails(xml_prefix_list((struct span){ (uint8_t *)text, XML_PREFIX_LIST_MAX + 1 }, names, &count), ERR_TOO_LONG);
    for (size_t i = 0; i <= XML_PREFIXES_MAX; i++)
        text[2 * i] = 'p';
    assert_ok(xml_prefix_list((struct span){ (uint8_t *)text, 2 * XML_PREFIXES_MAX }, names, &count));
    assert_int_equal(count, XML_PREFIXES_MAX);
    assert_fails(xml_prefix_list((struct span){ (uint8_t *)text, 2 * XML_PREFIXES_MAX + 1 }, names, &count), ERR_TOO_LONG);
    assert_int_equal(count, XML_PREFIXES_MAX);
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
        enum err err = ours(SPAN_LIT(document), NULL, CANONICAL_EXCLUSIVE, "", &w);
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
        cmocka_unit_test(prefixes_of_a_list_are_shown_where_they_are_in_scope),
        cmocka_unit_test(other_lists_are_refused),
        cmocka_unit_test(every_message_has_the_same_form),
        cmocka_unit_test(a_small_place_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
