/* Properties: what our reader takes, libxml2 takes too; what decodes can be said again, and then stays the same. */
#include <assert.h>
#include <libxml/parser.h>

#include "lib/es/message.h"

#define ARENA_MAX (16u << 20)

static bool libxml2_takes(struct span soap)
{
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    xmlDocPtr doc = xmlReadMemory((const char *)soap.ptr, (int)soap.len, "", NULL, options);
    xmlFreeDoc(doc);
    return doc != NULL;
}

static void said_again(const struct es_message *m, struct arena *a)
{
    struct es_message back;
    struct es_fault fault;
    struct span once, twice;
    if (es_encode(m, a, &once) != ERR_NONE)
        return;
    assert(libxml2_takes(once));
    if (es_decode(once, a, &back, &fault) != ERR_NONE) {
        assert(fault.kind == ES_FAULT_HEADER_INVALID || fault.kind == ES_FAULT_NO_MEMORY); /* an URI grew too long */
        return;
    }
    assert(back.function == m->function && back.kind == m->kind);
    assert(es_encode(&back, a, &twice) == ERR_NONE && span_eq(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span soap = { data, size };
    struct arena a;
    struct es_message m, answer;
    struct es_fault fault;
    int http_status = 0;
    arena_init(&a, ARENA_MAX);
    if (es_decode(soap, &a, &m, &fault) == ERR_NONE) {
        assert(libxml2_takes(soap));
        said_again(&m, &a);
    } else {
        assert(fault.kind != ES_FAULT_NONE && fault.text[0]);
        assert(es_answer_fault(&m, &fault, &a, &answer, &http_status) == ERR_NONE && http_status >= 200);
    }
    arena_release(&a);
    return 0;
}
