/* The XML reader beside libxml2: what ours takes, libxml2 takes, and both see the same; plus dates. */
#include <libxml/parser.h>
#include <stdlib.h>

#include "lib/codec/datetime.h"
#include "lib/codec/xml.h"
#include "tests/support/test.h"

static const struct {
    const char *text;
    enum xml_fault fault;
} documents[] = {
    { "<a/>", XML_OK },
    { "<a></a >", XML_OK },
    { "<?xml version=\"1.0\"?><a/>", XML_OK },
    { "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<!--x--><a b='1' c=\"2\"/><!-- y -->\n", XML_OK },
    { "<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#x20AC;</a>", XML_OK },
    { "<a><![CDATA[<b>]] >&amp;]]></a>", XML_OK },
    { "<a>x\r\ny\rz</a>", XML_OK },
    { "<p:a xmlns:p='urn:1'><p:b xmlns:p='urn:2' p:c='1' c='2'/></p:a>", XML_OK },
    { "<a xml:lang='en'/>", XML_OK },
    { "<a xmlns='urn:1'><b xmlns=''/></a>", XML_OK },
    { "", XML_NOT_WELL_FORMED },
    { "<a>", XML_NOT_WELL_FORMED },
    { "<a></b>", XML_NOT_WELL_FORMED },
    { "<a><b></a></b>", XML_NOT_WELL_FORMED },
    { "<a/><b/>", XML_NOT_WELL_FORMED },
    { "<a b=1/>", XML_NOT_WELL_FORMED },
    { "<a b='1' b='2'/>", XML_NOT_WELL_FORMED },
    { "<a b='1'c='2'/>", XML_NOT_WELL_FORMED },
    { "<a b='<'/>", XML_NOT_WELL_FORMED },
    { "<a b='&x;'/>", XML_NOT_WELL_FORMED },
    { "<a>&x;</a>", XML_NOT_WELL_FORMED },
    { "<a>&</a>", XML_NOT_WELL_FORMED },
    { "<a>&#0;</a>", XML_NOT_WELL_FORMED },
    { "<a>&#xD800;</a>", XML_NOT_WELL_FORMED },
    { "<a>&#x110000;</a>", XML_NOT_WELL_FORMED },
    { "<a>]]></a>", XML_NOT_WELL_FORMED },
    { "<a>\x01</a>", XML_NOT_WELL_FORMED },
    { "<a>\xC3\x28</a>", XML_NOT_WELL_FORMED },
    { "<a>\xED\xA0\x80</a>", XML_NOT_WELL_FORMED },
    { "<a>\xEF\xBF\xBF</a>", XML_NOT_WELL_FORMED },
    { "<p:a/>", XML_NOT_WELL_FORMED },
    { "<a p:b='1'/>", XML_NOT_WELL_FORMED },
    { "<a xmlns:p=''/>", XML_NOT_WELL_FORMED },
    { "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", XML_NOT_WELL_FORMED },
    { "<a><!-- -- --></a>", XML_NOT_WELL_FORMED },
    { "<a><!-- x</a>", XML_NOT_WELL_FORMED },
    { "<?xml version='1.1'?><a/>", XML_NOT_WELL_FORMED },
    { "<?xml encoding='UTF-8'?><a/>", XML_NOT_WELL_FORMED },
    { "<?xml version='1.0' encoding='ISO-8859-1'?><a/>", XML_ENCODING },
    { "<!DOCTYPE a><a/>", XML_DOCTYPE },
    { "<?x y?><a/>", XML_INSTRUCTION },
    { "<a><?x y?></a>", XML_INSTRUCTION },
};

static enum xml_fault ours(struct span text)
{
    struct xml_reader r;
    xml_open(&r, text);
    xml_skip(&r);
    return xml_close(&r);
}

static xmlDocPtr theirs(struct span text)
{
    return xmlReadMemory((const char *)text.ptr, (int)text.len, "", NULL,
                         XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

static void each_document_as_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        enum xml_fault fault = ours(span_text(documents[i].text));
        if (fault != documents[i].fault)
            fail_msg("%s: %d instead of %d", documents[i].text, fault, documents[i].fault);
        xmlDocPtr doc = theirs(span_text(documents[i].text));
        if (fault == XML_OK && !doc)
            fail_msg("%s: libxml2 does not take it", documents[i].text);
        xmlFreeDoc(doc);
    }
}

/* Damaged at random, ours never takes what libxml2 refuses. */
static void never_more_lenient_than_libxml2(void **state)
{
    (void)state;
    static const char bits[] = "<>/&;='\" :ax\n\r!-[]?\xC3\xA9#";
    unsigned seed = 1, taken = 0;
    for (size_t i = 0; i < 60000; i++) {
        const char *text = documents[i % 10].text;
        uint8_t copy[256];
        size_t len = strlen(text);
        memcpy(copy, text, len);
        for (int n = (int)(i % 3) + 1; n > 0; n--) {
            seed = seed * 1103515245 + 12345;
            copy[(seed >> 8) % len] = (uint8_t)bits[(seed >> 20) % (sizeof bits - 1)];
        }
        if (ours((struct span){ copy, len }) != XML_OK)
            continue;
        taken++;
        xmlDocPtr doc = theirs((struct span){ copy, len });
        if (!doc)
            fail_msg("libxml2 does not take %.*s", (int)len, copy);
        xmlFreeDoc(doc);
    }
    assert_true(taken > 1000);
}

static void text_is_what_libxml2_sees(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        struct span text = span_text(documents[i].text);
        struct xml_reader r;
        struct arena a;
        if (documents[i].fault != XML_OK)
            continue;
        arena_init(&a, 65536);
        xml_open(&r, text);
        struct span got = xml_text(&r, &a);
        xmlDocPtr doc = theirs(text);
        if (r.fault == XML_OK) {
            xmlChar *want = xmlNodeGetContent(xmlDocGetRootElement(doc));
            assert_span_equal(got, span_text((const char *)want));
            xmlFree(want);
        }
        xmlFreeDoc(doc);
        arena_release(&a);
    }
}

static void raw_elements_stand_alone(void **state)
{
    (void)state;
    static const char text[] =
        "<a xmlns='urn:d' xmlns:p='urn:p' xmlns:q='urn:q'><b x='1'><p:c/></b><d xmlns='urn:e'/></a>";
    struct xml_reader r;
    struct arena a;
    arena_init(&a, 65536);
    xml_open(&r, SPAN_LIT(text));
    assert_true(xml_child(&r));
    assert_span_equal(xml_raw(&r, &a, false), SPAN_LIT("<b xmlns=\"urn:d\" xmlns:p=\"urn:p\" x='1'><p:c/></b>"));
    assert_true(xml_child(&r));
    assert_span_equal(xml_raw(&r, &a, true), SPAN_LIT("<d xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" xmlns='urn:e'/>"));
    assert_false(xml_child(&r));
    assert_int_equal(xml_close(&r), XML_OK);
    arena_release(&a);
}

static void attributes_and_escapes(void **state)
{
    (void)state;
    struct xml_reader r;
    struct arena a;
    struct span value;
    WRITER_ON_STACK(w, 200);
    static const char nasty[] = "a<b>&\"'\t\n\r\xC3\xA9\x01\xFF";
    arena_init(&a, 65536);
    wr_text(&w, "<a key=\"");
    wr_xml_attribute(&w, SPAN_LIT(nasty));
    wr_text(&w, "\">");
    wr_xml_text(&w, SPAN_LIT(nasty));
    wr_text(&w, "</a>");
    xml_open(&r, wr_span(&w));
    assert_true(xml_attribute(&r, "key", &a, &value));
    assert_span_equal(value, SPAN_LIT("a<b>&\"'\t\n\r\xC3\xA9??"));
    assert_false(xml_attribute(&r, "other", &a, &value));
    assert_span_equal(xml_text(&r, &a), SPAN_LIT("a<b>&\"'\t\n\r\xC3\xA9??"));
    xmlDocPtr doc = theirs(wr_span(&w));
    xmlChar *want = xmlGetProp(xmlDocGetRootElement(doc), (const xmlChar *)"key");
    assert_span_equal(value, span_text((const char *)want));
    xmlFree(want);
    xmlFreeDoc(doc);
    arena_release(&a);
}

static void names_are_compared_by_the_one_rule(void **state)
{
    (void)state;
    assert_true(xml_name_is(SPAN_LIT("smsrId"), "Smsr-id"));
    assert_true(xml_name_is(SPAN_LIT("SmSr-id"), "Smsr-id"));
    assert_true(xml_name_is(SPAN_LIT("isdpLoadFileAid"), "Isd-p-loadfile-aid"));
    assert_false(xml_name_is(SPAN_LIT("smsrIds"), "Smsr-id"));
    assert_false(xml_name_is(SPAN_LIT("smsr"), "Smsr-id"));
}

static void dates(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } good[] = {
        { "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z" },
        { "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z" },
        { "2026-01-02T03:04:05", "2026-01-02T03:04:05Z" },
        { "2026-01-02T03:04:05.6", "2026-01-02T03:04:05.600Z" },
        { "2026-01-02T03:04:05.123456789+02:00", "2026-01-02T01:04:05.123Z" },
        { "2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00Z" },
        { "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z" },
    };
    static const char *const bad[] = { "",
                                       "2026",
                                       "2026-13-01T00:00:00Z",
                                       "2026-02-29T00:00:00Z",
                                       "2026-01-01T24:00:00Z",
                                       "2026-01-01T00:00:00X",
                                       "2026-01-01T00:00:00.Z",
                                       "1969-12-31T23:59:59Z",
                                       "2026-01-01 00:00:00Z",
                                       "2026-01-01T00:00:00Zx",
                                       "2026-01-01T00:00:00+15:00" };
    char text[DATETIME_TEXT_SIZE];
    uint64_t ms;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(datetime_read(span_text(good[i].text), &ms));
        assert_string_equal(datetime_text(ms, text), good[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(datetime_read(span_text(bad[i]), &ms), ERR_BAD_VALUE);
    assert_ok(datetime_read(SPAN_LIT("2026-01-02T03:04:05Z"), &ms));
    assert_int_equal(ms, 1767323045000u); /* date -u -d 2026-01-02T03:04:05 +%s */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document_as_it_should),
        cmocka_unit_test(never_more_lenient_than_libxml2),
        cmocka_unit_test(text_is_what_libxml2_sees),
        cmocka_unit_test(raw_elements_stand_alone),
        cmocka_unit_test(attributes_and_escapes),
        cmocka_unit_test(names_are_compared_by_the_one_rule),
        cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
