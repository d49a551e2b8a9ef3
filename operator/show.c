#include "show.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/codec/datetime.h"
#include "lib/codec/hex.h"
#include "explain.h"
#include "words.h"

/* --- pieces of JSON -------------------------------------------------------------------------------------------- */

static json_t *json_span(struct span s)
{
    json_t *value = json_stringn((const char *)s.ptr, s.len);
    return value ? value : json_string("");
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

static void set_span(json_t *object, const char *name, struct span s)
{
    if (s.len)
        json_object_set_new(object, name, json_span(s));
}

static void set_time(json_t *object, const char *name, uint64_t ms)
{
    char text[DATETIME_TEXT_SIZE];
    if (ms)
        set_text(object, name, datetime_text(ms, text));
}

static void set_hex(json_t *object, const char *name, struct span s)
{
    char text[513];
    if (s.len)
        set_text(object, name, hex_text(s, text, sizeof text));
}

static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(object);
}

void op_show_json(const json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    fputc('\n', stdout);
    fflush(stdout);
}

static json_t *json_address(const struct subscription_address *a)
{
    json_t *o = json_object();
    set_text(o, "imsi", a->imsi);
    set_text(o, "msisdn", a->msisdn);
    return o;
}

static json_t *json_profile(const struct profile_info *p)
{
    char aid[AID_TEXT_SIZE], pol2[POL2_TEXT_SIZE];
    json_t *o = json_object();
    set_text(o, "iccid", p->iccid.digits);
    if (p->isdp_aid.len)
        set_text(o, "isdp_aid", aid_text(&p->isdp_aid, aid));
    set_text(o, "state", profile_state_text(p->state));
    json_object_set_new(o, "fallback", json_boolean(p->fallback));
    set_text(o, "mno_id", p->mno_id.text);
    set_text(o, "smdp_id", p->smdp_id.text);
    set_span(o, "profile_type", p->profile_type);
    json_object_set_new(o, "address", json_address(&p->address));
    json_object_set_new(o, "allocated_memory", json_integer((json_int_t)p->allocated_memory));
    set_text(o, "pol2", pol2_text(p->pol2, pol2));
    return o;
}

static json_t *json_eis(const struct eis *e)
{
    char eid[EID_TEXT_SIZE];
    json_t *o = json_object(), *profiles = json_array();
    set_text(o, "eid", eid_text(&e->eid, eid));
    set_text(o, "eum_id", e->eum_id.text);
    set_time(o, "production_date", e->production_ms);
    set_span(o, "platform_type", e->platform_type);
    set_text(o, "platform_version", e->platform_version.text);
    set_text(o, "remote_provisioning_version", e->capabilities.remote_provisioning_version.text);
    set_text(o, "smsr_id", e->smsr_id.text);
    json_object_set_new(o, "remaining_memory", json_integer((json_int_t)e->remaining_memory));
    json_object_set_new(o, "available_memory", json_integer((json_int_t)e->available_memory));
    set_time(o, "last_audit", e->last_audit_ms);
    for (size_t i = 0; i < e->profile_count; i++)
        json_array_append_new(profiles, json_profile(&e->profiles[i]));
    json_object_set_new(o, "profiles", profiles);
    return o;
}

/* The other reasons with these numbers, when there are any. */
static void set_twins(json_t *o, enum reason reason)
{
    json_t *twins = json_array();
    while ((reason = reason_twin(reason)) != REASON_NONE) {
        json_t *twin = json_object();
        set_text(twin, "text", reason_text(reason));
        set_text(twin, "advice", reason_advice(reason));
        json_array_append_new(twins, twin);
    }
    if (json_array_size(twins))
        json_object_set(o, "or", twins);
    json_decref(twins);
}

void op_show_reasons(FILE *out, const char *word, enum reason reason, const char *(*say)(enum reason))
{
    const char *first = say(reason);
    fprintf(out, "  %-8s %s\n", word, first);
    while ((reason = reason_twin(reason)) != REASON_NONE)
        if (strcmp(say(reason), first))
            fprintf(out, "  or       %s\n", say(reason));
}

static void set_status(json_t *o, const struct status *s)
{
    set_text(o, "status", exec_status_xml(s->exec));
    if (s->exec == EXECUTED_SUCCESS)
        return;
    set_text(o, "subject", s->subject);
    set_text(o, "subject_words", op_subject_words(s->subject));
    set_text(o, "reason", s->code);
    set_text(o, "reason_words", op_reason_words(s->code));
    set_text(o, "subject_identifier", s->subject_id);
    set_text(o, "message", s->detail);
    set_text(o, "text", reason_text(s->reason));
    set_text(o, "advice", reason_advice(s->reason));
    set_twins(o, s->reason);
}

void op_show_status_json(const struct status *status, const char *advice)
{
    json_t *o = json_object();
    set_text(o, "subject", status->subject);
    set_text(o, "subject_words", op_subject_words(status->subject));
    set_text(o, "reason", status->code);
    set_text(o, "reason_words", op_reason_words(status->code));
    if (status->reason != REASON_FOREIGN)
        set_text(o, "text", reason_text(status->reason));
    set_text(o, "advice", advice);
    set_twins(o, status->reason);
    print_json(o);
}

void op_show_partner_json(const struct op_partner *partner)
{
    json_t *o = json_object();
    set_text(o, "name", partner->name);
    set_text(o, "kind", partner->is_smdp ? "sm-dp" : "sm-sr");
    set_text(o, "oid", partner->oid.text);
    set_text(o, "url", partner->url);
    print_json(o);
}

void op_show_check_json(const char *what, const char *side, const char *text)
{
    json_t *o = json_object();
    set_text(o, "check", what);
    set_text(o, "side", side);
    set_text(o, "text", text);
    print_json(o);
}

/* --- authorisations -------------------------------------------------------------------------------------------- */

static json_t *json_names(const struct span *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_span(names[i]));
    return list;
}

static json_t *json_plma(const struct es_plma_response *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->plma_count; i++) {
        json_t *o = json_object();
        set_text(o, "mno_id", r->plma[i].mno_id.text);
        set_text(o, "m2m_sp_id", r->plma[i].m2m_sp_id.text);
        set_span(o, "profile_type", r->plma[i].profile_type);
        json_object_set_new(o, "operations", json_names(r->plma[i].operations, r->plma[i].operation_count));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *json_onc(const struct es_onc_response *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->onc_count; i++) {
        json_t *o = json_object();
        set_text(o, "mno_id", r->onc[i].mno_id.text);
        set_span(o, "profile_type", r->onc[i].profile_type);
        json_object_set_new(o, "discarded", json_names(r->onc[i].discarded, r->onc[i].discarded_count));
        json_array_append_new(list, o);
    }
    return list;
}

static void print_names(const struct span *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s%.*s", i ? ", " : "", (int)names[i].len, (const char *)names[i].ptr);
    puts(count ? "" : "nothing");
}

static void print_entries(const struct es_plma_response *plma, const struct es_onc_response *onc)
{
    for (size_t i = 0; plma && i < plma->plma_count; i++) {
        const struct es_plma *p = &plma->plma[i];
        printf("  %.*s: %s may ", (int)p->profile_type.len, (const char *)p->profile_type.ptr, p->m2m_sp_id.text);
        print_names(p->operations, p->operation_count);
    }
    for (size_t i = 0; onc && i < onc->onc_count; i++) {
        const struct es_onc *o = &onc->onc[i];
        printf("  %.*s: not sent: ", (int)o->profile_type.len, (const char *)o->profile_type.ptr);
        print_names(o->discarded, o->discarded_count);
    }
    if ((plma && !plma->plma_count) || (onc && !onc->onc_count))
        puts("  there is none");
}

/* --- what a message is about ----------------------------------------------------------------------------------- */

struct about {
    char name[96], eid[EID_TEXT_SIZE];
    const char *iccid;
    struct span euicc_response;
    const struct eis *eis;
    const struct es_plma_response *plma;
    const struct es_onc_response *onc;
};

static bool has_card_response(enum es_function function)
{
    return es_body_size(function, ES_RESPONSE) == sizeof(struct es_card_response);
}

static bool is_profile_request(enum es_function function)
{
    return es_body_size(function, ES_REQUEST) == sizeof(struct es_profile_request);
}

static bool is_get_plma(enum es_function f)
{
    return f == ES2_GET_PLMA || f == ES3_GET_PLMA || f == ES4_GET_PLMA || f == ES4A_GET_PLMA;
}
static bool is_get_onc(enum es_function f) { return f == ES2_GET_ONC || f == ES3_GET_ONC || f == ES4A_GET_ONC; }

static void about_body(struct about *a, const struct es_message *m)
{
    if (m->kind == ES_RESPONSE && has_card_response(m->function)) {
        const struct es_card_response *body = m->body;
        a->iccid = body->iccid.digits;
        a->euicc_response = body->euicc_response;
    } else if (m->kind == ES_RESPONSE && es_body_size(m->function, ES_RESPONSE) == sizeof(struct es_eis_response)) {
        a->eis = ((const struct es_eis_response *)m->body)->eis;
    } else if (m->kind == ES_RESPONSE && is_get_plma(m->function)) {
        a->plma = m->body;
    } else if (m->kind == ES_RESPONSE && is_get_onc(m->function)) {
        a->onc = m->body;
    } else if (m->kind == ES_NOTIFICATION &&
               es_body_size(m->function, ES_NOTIFICATION) == sizeof(struct es_profile_notification)) {
        a->iccid = ((const struct es_profile_notification *)m->body)->iccid.digits;
    } else if (m->kind == ES_REQUEST && is_profile_request(m->function)) {
        a->iccid = ((const struct es_profile_request *)m->body)->iccid.digits;
    } else if (m->kind == ES_REQUEST && m->function == ES2_DOWNLOAD_PROFILE) {
        a->iccid = ((const struct es2_download_profile *)m->body)->iccid.digits;
    }
}

static struct about about(const struct es_message *m)
{
    struct about a = { .iccid = "" };
    struct eid eid;
    const struct es_function_info *info = m->function ? es_function_info(m->function) : NULL;
    snprintf(a.name, sizeof a.name, "%s.%s", info ? info->interface : "SOAP", info ? info->name : "Fault");
    if (es_message_eid(m, &eid))
        eid_text(&eid, a.eid);
    if (info)
        about_body(&a, m);
    return a;
}

/* --- results --------------------------------------------------------------------------------------------------- */

static const char *const exits[] = { "ok",      "local",     "usage",       "warning", "failed",
                                     "expired", "no-answer", "unreachable", "protocol" };

static void json_result(const struct op_call *call, const struct op_result *r)
{
    struct es_message request = { .function = call->function, .kind = ES_REQUEST, .body = call->body };
    struct about asked = about(&request), answered = r->has_answer ? about(&r->answer) : (struct about){ .iccid = "" };
    json_t *o = json_object();
    set_text(o, "result", exits[r->exit]);
    set_text(o, "function", asked.name);
    set_text(o, "partner", call->partner->name);
    set_text(o, "eid", asked.eid);
    set_text(o, "iccid", *answered.iccid ? answered.iccid : asked.iccid);
    if (r->has_answer)
        set_status(o, &es_response_of(&r->answer)->status);
    if (r->has_answer && es_response_of(&r->answer)->acceptable_validity_s)
        json_object_set_new(o, "acceptable_validity_s", json_integer(es_response_of(&r->answer)->acceptable_validity_s));
    set_text(o, "error", r->text);
    set_hex(o, "euicc_response", answered.euicc_response);
    set_span(o, "call_id", r->call_id);
    set_span(o, "message_id", r->message_id);
    json_object_set_new(o, "took_ms", json_integer((json_int_t)r->took_ms));
    if (answered.eis)
        json_object_set_new(o, "eis", json_eis(answered.eis));
    if (answered.plma)
        json_object_set_new(o, "plma", json_plma(answered.plma));
    if (answered.onc)
        json_object_set_new(o, "onc", json_onc(answered.onc));
    print_json(o);
}

static void print_status(FILE *out, const struct status *s)
{
    op_show_reasons(out, "what", s->reason, reason_text);
    fprintf(out, "  where    %s (%s): %s (%s)", op_subject_words(s->subject), s->subject, op_reason_words(s->code),
            s->code);
    fprintf(out, s->subject_id[0] ? ", %s\n" : "\n", s->subject_id);
    if (s->detail[0])
        fprintf(out, "  message  %s\n", s->detail);
}

static void text_result(const struct op_session *s, const struct op_call *call, const struct op_result *r)
{
    static const char *const words[] = { "done",   "failed",  "failed",    "done, with a warning",
                                         "FAILED", "EXPIRED", "no answer", "not reached",
                                         "refused" };
    struct es_message request = { .function = call->function, .kind = ES_REQUEST, .body = call->body };
    struct about asked = about(&request), answered = r->has_answer ? about(&r->answer) : (struct about){ .iccid = "" };
    FILE *out = r->exit == OP_OK || r->exit == OP_WARNING ? stdout : stderr;
    const char *iccid = *answered.iccid ? answered.iccid : asked.iccid;
    if (r->exit == OP_OK && call->no_wait && !r->has_answer)
        fprintf(out, "accepted: %s at %s; the answer will relate to %.*s\n", asked.name, call->partner->name,
                (int)r->message_id.len, (const char *)r->message_id.ptr);
    else
        fprintf(out, "%s: %s at %s%s%s%s%s (%.1f s)\n", words[r->exit], asked.name, call->partner->name,
                *asked.eid ? ", eUICC " : "", asked.eid, *iccid ? ", profile " : "", iccid, (double)r->took_ms / 1000);
    if (r->has_answer && es_response_of(&r->answer)->status.exec != EXECUTED_SUCCESS) {
        const struct status *status = &es_response_of(&r->answer)->status;
        char hex[129];
        print_status(out, status);
        if (answered.euicc_response.len)
            fprintf(out, "  card     %s\n", hex_text(answered.euicc_response, hex, sizeof hex));
        if (es_response_of(&r->answer)->acceptable_validity_s)
            fprintf(out, "  takes    --validity %u\n", es_response_of(&r->answer)->acceptable_validity_s);
        op_show_reasons(out, "next", status->reason, reason_advice);
    } else if (r->text[0]) {
        fprintf(out, "  what     %s\n", r->text);
    }
    if (answered.eis)
        op_show_eis(s, answered.eis);
    if (r->has_answer && r->exit == OP_OK && (answered.plma || answered.onc))
        print_entries(answered.plma, answered.onc);
}

static void show_dry_run(const struct op_session *s, const struct op_call *call, const struct op_result *r)
{
    if (s->json) {
        json_t *o = json_object();
        set_text(o, "result", "dry-run");
        set_text(o, "partner", call->partner->name);
        set_text(o, "url", r->url);
        set_span(o, "soap", r->soap);
        print_json(o);
        return;
    }
    printf("dry run, nothing is sent: POST %s\n", r->url);
    op_print_xml(stdout, r->soap);
}

void op_show_result(const struct op_session *s, const struct op_call *call, const struct op_result *result)
{
    if (call->dry_run && result->exit == OP_OK)
        show_dry_run(s, call, result);
    else if (s->json)
        json_result(call, result);
    else
        text_result(s, call, result);
}

void op_show_error(const struct op_session *s, enum op_exit exit, const char *text)
{
    if (s->json) {
        json_t *o = json_object();
        set_text(o, "result", exits[exit]);
        set_text(o, "error", text);
        print_json(o);
    } else {
        fprintf(stderr, "osprey: %s\n", text);
    }
}

/* --- an EIS ---------------------------------------------------------------------------------------------------- */

static void print_known(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print_known(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  %-12s ", name);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

static void print_profile(const struct profile_info *p)
{
    char pol2[POL2_TEXT_SIZE];
    printf("  %-20s  %-8s  %-9s  %-20s  %-15s  %-15s  %8llu  %-24s  %s\n", p->iccid.digits,
           profile_state_text(p->state), p->fallback ? "fall-back" : "", p->mno_id.text, p->address.imsi,
           p->address.msisdn, (unsigned long long)p->allocated_memory, pol2_text(p->pol2, pol2),
           p->smdp_id.text[0] ? p->smdp_id.text : "factory");
}

static const char *version_or_no(bool support, const struct eis_version *v)
{
    return support ? v->text[0] ? v->text : "yes" : "no";
}

void op_show_eis(const struct op_session *s, const struct eis *e)
{
    char text[DATETIME_TEXT_SIZE > EID_TEXT_SIZE ? DATETIME_TEXT_SIZE : EID_TEXT_SIZE];
    const struct euicc_capabilities *c = &e->capabilities;
    if (s->json) {
        print_json(json_eis(e));
        return;
    }
    printf("eUICC %s\n", eid_text(&e->eid, text));
    if (e->eum_id.text[0])
        print_known("made", "%s by %s: %.*s %s", e->production_ms ? datetime_text(e->production_ms, text) : "?",
                    e->eum_id.text, (int)e->platform_type.len, (const char *)e->platform_type.ptr,
                    e->platform_version.text);
    if (e->smsr_id.text[0])
        print_known("SM-SR", "%s", e->smsr_id.text);
    if (c->remote_provisioning_version.text[0])
        print_known("speaks", "SGP.02 %s, secured packets %s, HTTPS %s, CAT_TP %s", c->remote_provisioning_version.text,
                    c->secure_packet_version.text, version_or_no(c->http, &c->http_version),
                    version_or_no(c->cat_tp, &c->cat_tp_version));
    print_known("memory", "%llu of %llu octets free", (unsigned long long)e->remaining_memory,
                (unsigned long long)e->available_memory);
    print_known("last audit", "%s", e->last_audit_ms ? datetime_text(e->last_audit_ms, text) : "none is told");
    printf("  %-20s  %-8s  %-9s  %-20s  %-15s  %-15s  %8s  %-24s  %s\n", "ICCID", "STATE", "", "OWNER", "IMSI",
           "MSISDN", "MEMORY", "POL2", "SM-DP");
    for (size_t i = 0; i < e->profile_count; i++)
        print_profile(&e->profiles[i]);
}

/* --- messages -------------------------------------------------------------------------------------------------- */

static json_t *json_message(const struct es_message *m)
{
    struct about a = about(m);
    json_t *o = json_object();
    set_text(o, "message", m->kind == ES_NOTIFICATION ? "notification" : m->kind == ES_RESPONSE ? "callback" : "fault");
    set_text(o, "function", a.name);
    set_text(o, "from", m->wsa.from.entity_id.text);
    set_text(o, "eid", a.eid);
    set_text(o, "iccid", a.iccid);
    if (es_response_of(m))
        set_status(o, &es_response_of(m)->status);
    set_hex(o, "euicc_response", a.euicc_response);
    set_span(o, "message_id", m->wsa.message_id.raw);
    set_span(o, "relates_to", m->wsa.relates_to);
    if (a.eis)
        json_object_set_new(o, "eis", json_eis(a.eis));
    return o;
}

char *op_message_json(const struct es_message *m)
{
    json_t *o = json_message(m);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

static void print_message(FILE *out, const char *when, const struct es_message *m)
{
    struct about a = about(m);
    const struct es_response *response = es_response_of(m);
    fprintf(out, "%s%s%s from %s%s%s%s%s", when, *when ? "  " : "", a.name, m->wsa.from.entity_id.text,
            *a.eid ? ", eUICC " : "", a.eid, *a.iccid ? ", profile " : "", a.iccid);
    if (response)
        fprintf(out, ": %s", exec_status_xml(response->status.exec));
    fputc('\n', out);
    if (response && response->status.exec != EXECUTED_SUCCESS)
        print_status(out, &response->status);
    fflush(out);
}

void op_show_message(const struct op_session *s, const struct es_message *m)
{
    op_show_waiting_over(s);
    if (s->json)
        print_json(json_message(m));
    else
        print_message(stdout, "", m);
}

void op_show_row(const struct op_session *s, const struct inbox_row *row)
{
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    char when[DATETIME_TEXT_SIZE];
    arena_init(&a, OP_ARENA_MAX);
    datetime_text(row->received_ms, when);
    if (es_decode(row->soap, &a, &m, &fault) != ERR_NONE) {
        fprintf(stderr, "%s  message %llu cannot be read: %s\n", when, (unsigned long long)row->number, fault.text);
    } else if (s->json) {
        json_t *o = json_message(&m);
        json_object_set_new(o, "number", json_integer((json_int_t)row->number));
        set_text(o, "received", when);
        print_json(o);
    } else {
        print_message(stdout, when, &m);
    }
    arena_release(&a);
}

static bool watched(const struct op_session *s) { return !s->json && !s->explain && isatty(STDERR_FILENO); }

void op_show_waiting(const struct op_session *s, uint64_t waited_ms)
{
    if (watched(s) && waited_ms > 1000)
        fprintf(stderr, "\rwaiting for the answer: %llu s ", (unsigned long long)(waited_ms / 1000));
}

void op_show_waiting_over(const struct op_session *s)
{
    if (watched(s))
        fputs("\r\033[K", stderr);
}
