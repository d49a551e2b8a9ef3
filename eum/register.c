#include "register.h"

#include <stdio.h>

enum err eum_register_encode(const struct eum_register *q, struct arena *arena, struct span *ret, struct eid *ret_eid)
{
    struct eis eis;
    struct es_fault fault;
    enum err err = eis_decode(q->eis, arena, &eis, &fault);
    if (err != ERR_NONE)
        return err;
    const struct es1_register_eis body = { .base = { .call_id = q->unique }, .eis = &eis };
    const struct es1_update_additional_properties update = { .base = { .call_id = q->unique },
                                                             .eid = eis.eid,
                                                             .properties = (struct eis_property *)(uintptr_t)q->properties,
                                                             .property_count = q->property_count };
    struct es_message m = { .function = ES1_REGISTER_EIS, .kind = ES_REQUEST, .body = &body };
    if (q->property_count) {
        m.function = ES1_UPDATE_EIS_ADDITIONAL_PROPERTIES;
        m.body = &update;
    }
    m.wsa.from.address = SPAN_LIT(WSA_ANONYMOUS);
    m.wsa.from.entity_id = q->eum_id;
    m.wsa.to.address = span_text(q->url);
    m.wsa.to.entity_id = q->smsr_id;
    err = wsa_message_id_make(arena, &q->eum_id, q->unique, SPAN_NONE, SPAN_NONE, q->now_ms, '?', &m.wsa.message_id);
    if (err == ERR_NONE)
        err = es_encode(&m, arena, ret);
    if (err == ERR_NONE && ret_eid)
        *ret_eid = eis.eid;
    return err;
}

static enum err read_answer(enum es_function function, struct span soap, struct arena *arena, struct status *ret,
                            char detail[EUM_ANSWER_DETAIL_MAX])
{
    struct es_message m;
    struct es_fault fault;
    enum err err = es_decode(soap, arena, &m, &fault);
    if (err != ERR_NONE) {
        snprintf(detail, EUM_ANSWER_DETAIL_MAX, "the answer cannot be read: %s", fault.text);
        return ERR_BAD_VALUE;
    }
    if (m.kind == ES_SOAP_FAULT) {
        struct span reason = ((const struct soap_fault *)m.body)->reason;
        snprintf(detail, EUM_ANSWER_DETAIL_MAX, "SOAP fault: %.*s", (int)(reason.len < 160 ? reason.len : 160),
                 (const char *)reason.ptr);
        return ERR_BAD_VALUE;
    }
    const struct es_response *response = es_response_of(&m);
    if (!response || m.function != function) {
        snprintf(detail, EUM_ANSWER_DETAIL_MAX, "the answer is not one to ES1.%s", es_function_info(function)->name);
        return ERR_BAD_VALUE;
    }
    *ret = response->status;
    return ERR_NONE;
}

enum err eum_register_answer(struct span soap, struct arena *arena, struct status *ret, char detail[EUM_ANSWER_DETAIL_MAX])
{
    return read_answer(ES1_REGISTER_EIS, soap, arena, ret, detail);
}

enum err eum_update_answer(struct span soap, struct arena *arena, struct status *ret, char detail[EUM_ANSWER_DETAIL_MAX])
{
    return read_answer(ES1_UPDATE_EIS_ADDITIONAL_PROPERTIES, soap, arena, ret, detail);
}
