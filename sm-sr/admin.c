#include "admin.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "channel/bearer.h"
#include "channel/pace.h"
#include "lib/codec/datetime.h"
#include "lib/es/message.h"
#include "lib/role/administration.h"
#include "lib/role/keys.h"
#include "trail_book.h"
#include "store/secrets.h"
#include "turn.h"

#define LIST_RAM_MAX (8u << 20)

/* ---- rows */

#define LOAD(s, a, statement, ...) ADMIN_LOAD(((struct smsr *)(s))->env.store, (a), (statement), __VA_ARGS__)

static void put_text(json_t *o, const char *name, const struct row *row, size_t column)
{
    char text[1024];
    row_text(row, column, text, sizeof text);
    json_object_set_new(o, name, json_string(text));
}

/* Its OID; behind it stands the name of the request (store/euicc.h: left_asked). */
static void put_offer(json_t *o, const struct row *row)
{
    char text[1024];
    row_text(row, 4, text, sizeof text);
    text[strcspn(text, " ")] = '\0';
    json_object_set_new(o, "offered_to", json_string(text));
}

/* Nothing for a time that never was. */
static void put_time(json_t *o, const char *name, const struct row *row, size_t column)
{
    char text[DATETIME_TEXT_SIZE];
    uint64_t at = (uint64_t)row_int(row, column);
    if (at)
        json_object_set_new(o, name, json_string(datetime_text(at, text)));
}

static void put_number(json_t *o, const char *name, const struct row *row, size_t column)
{
    json_object_set_new(o, name, json_integer((json_int_t)row_int(row, column)));
}

/* ---- eUICCs */

static json_t *euicc_json(const struct row *row)
{
    json_t *o = json_object();
    put_text(o, "eid", row, 0);
    put_time(o, "seen", row, 1);
    put_time(o, "audited", row, 2);
    json_object_set_new(o, "coming", json_boolean(row_int(row, 3) != 0));
    put_offer(o, row);
    put_number(o, "remaining_memory", row, 5);
    put_number(o, "profiles", row, 6);
    put_text(o, "enabled", row, 7);
    put_number(o, "procedures", row, 8);
    return o;
}

static int list_euiccs(void *role, const struct admin_request *r, json_t **ret)
{
    struct arena a;
    const char *after = admin_text(r, admin_query(r, "after"));
    arena_init(&a, LIST_RAM_MAX);
    const struct query *q =
        LOAD(role, &a, &SMSR_EUICC_PAGE, value_text(after), value_text(r->all ? "" : r->oid->text), value_int(PROFILE_ENABLED));
    json_t *rows = json_array();
    for (size_t i = 0; q && i < q->row_count; i++)
        json_array_append_new(rows, euicc_json(&q->rows[i]));
    *ret = json_pack("{s:o, s:b}", "euiccs", rows, "more", q && q->row_count == ADMIN_PAGE);
    arena_release(&a);
    return q ? 200 : admin_refuse(ret, 503, ADMIN_NO_DATABASE);
}

/* ---- procedures */

static json_t *steps_json(const struct row *row)
{
    char name[64];
    json_t *steps = json_array();
    row_text(row, 2, name, sizeof name);
    const struct procedure *p = smsr_procedure_by_name(name);
    for (size_t i = 0; p && i < p->step_count; i++)
        if (p->steps[i].name)
            json_array_append_new(steps, json_string(p->steps[i].name));
    return steps;
}

static json_t *procedure_json(const struct row *row)
{
    json_t *o = json_object();
    put_text(o, "eid", row, 0);
    put_number(o, "number", row, 1);
    put_text(o, "procedure", row, 2);
    put_text(o, "step", row, 3);
    put_text(o, "function", row, 4);
    put_text(o, "requester", row, 5);
    put_text(o, "call_id", row, 6);
    put_text(o, "iccid", row, 7);
    put_text(o, "other_sm_sr", row, 8);
    put_time(o, "started", row, 9);
    put_time(o, "deadline", row, 10);
    return o;
}

static const struct query *procedures(struct smsr *s, const struct admin_request *r, struct arena *a, const char *eid,
                                      const char *after, int64_t after_n)
{
    return LOAD(s, a, &SMSR_OPERATION_PAGE, value_text(eid), value_text(r->all ? "" : r->oid->text), value_text(after),
                value_int(after_n));
}

static int list_procedures(void *role, const struct admin_request *r, json_t **ret)
{
    struct arena a;
    int number = 0;
    char eid[40] = "";
    const char *after = admin_text(r, admin_query(r, "after")); /* EID.NUMBER */
    if (*after && sscanf(after, "%39[0-9].%d", eid, &number) != 2)
        return admin_refuse(ret, 400, "after: EID.NUMBER");
    arena_init(&a, LIST_RAM_MAX);
    const struct query *q = procedures(role, r, &a, admin_text(r, admin_query(r, "eid")), eid, number);
    json_t *rows = json_array();
    for (size_t i = 0; q && i < q->row_count; i++)
        json_array_append_new(rows, procedure_json(&q->rows[i]));
    *ret = json_pack("{s:o, s:b}", "procedures", rows, "more", q && q->row_count == ADMIN_PAGE);
    arena_release(&a);
    return q ? 200 : admin_refuse(ret, 503, ADMIN_NO_DATABASE);
}

static json_t *command_json(const struct row *row)
{
    static const char *const purposes[] = { "", "command", "confirmation", "query" };
    int64_t purpose = row_int(row, 2);
    json_t *o = json_object();
    json_object_set_new(o, "purpose", json_string(purpose > 0 && purpose < (int64_t)ARRAY_LEN(purposes) ? purposes[purpose] : ""));
    json_object_set_new(o, "bearer", json_string(smsr_bearer_text((enum bearer)row_int(row, 3))));
    json_object_set_new(o, "sent", json_boolean(row_int(row, 4) == EXCHANGE_SENT));
    put_number(o, "tries", row, 5);
    if ((uint64_t)row_int(row, 6) == PACE_PARKED)
        json_object_set_new(o, "waits_for_the_card", json_true());
    else
        put_time(o, "next_try", row, 6);
    put_text(o, "to", row, 7);
    return o;
}

/* One eUICC: each of its procedures with its steps, and the commands on their way to the card. */
static int show_procedures(void *role, const struct admin_request *r, json_t **ret)
{
    struct arena a;
    const char *eid = admin_text(r, r->parts[0]);
    arena_init(&a, LIST_RAM_MAX);
    const struct query *q = procedures(role, r, &a, eid, "", 0), *x = LOAD(role, &a, &SMSR_EXCHANGE_LOOK, value_text(eid));
    json_t *rows = json_array();
    for (size_t i = 0; q && x && i < q->row_count; i++) {
        json_t *o = procedure_json(&q->rows[i]), *commands = json_array();
        for (size_t k = 0; k < x->row_count; k++)
            if (row_int(&x->rows[k], 1) == row_int(&q->rows[i], 1))
                json_array_append_new(commands, command_json(&x->rows[k]));
        json_object_set_new(o, "steps", steps_json(&q->rows[i]));
        json_object_set_new(o, "commands", commands);
        json_array_append_new(rows, o);
    }
    *ret = json_pack("{s:o}", "procedures", rows);
    arena_release(&a);
    return q && x ? 200 : admin_refuse(ret, 503, ADMIN_NO_DATABASE);
}

/* ---- partners */

static json_t *kinds_json(unsigned kinds)
{
    static const char *const names[] = { "eum", "sm-dp", "operator", "sm-sr", "m2m-sp", "admin" };
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (kinds >> i & 1)
            json_array_append_new(list, json_string(names[i]));
    return list;
}

static int list_partners(void *role, const struct admin_request *r, json_t **ret)
{
    const struct smsr *s = role;
    json_t *rows = json_array();
    (void)r;
    for (size_t i = 0; i < s->config.partner_count; i++) {
        const struct smsr_partner *p = &s->config.partners[i];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:i, s:i}", "name", p->name, "oid", p->oid.text,
                                              "kinds", kinds_json(p->kinds), "es3_url", p->es3_url, "es4_url", p->es4_url,
                                              "es7_url", p->es7_url, "calls_per_s", (int)(p->guard.calls.per_minute / 60), "in_flight",
                                              (int)p->guard.in_flight));
    }
    *ret = json_pack("{s:o}", "partners", rows);
    return 200;
}

/* ---- the audit trail */

static int show_trail(void *role, const struct admin_request *r, json_t **ret)
{
    struct arena a;
    struct eid eid;
    const char *text = admin_text(r, r->parts[0]);
    if (eid_from_text(span_text(text), &eid) != ERR_NONE)
        return admin_refuse(ret, 400, "that is no EID");
    arena_init(&a, LIST_RAM_MAX);
    const struct query *q = LOAD(role, &a, &SMSR_AUDIT_PAGE, value_text(text),
                                 value_int(strtoll(admin_text(r, admin_query(r, "after")), NULL, 10)));
    json_t *rows = json_array();
    for (size_t i = 0; q && i < q->row_count; i++) {
        struct trail_row record;
        trail_row_read(&q->rows[i], &eid, &record);
        json_array_append_new(rows, smsr_trail_json(text, &record));
    }
    *ret = json_pack("{s:o, s:b}", "records", rows, "more", q && q->row_count == ADMIN_PAGE);
    arena_release(&a);
    return q ? 200 : admin_refuse(ret, 503, ADMIN_NO_DATABASE);
}

static int verify_trail(void *role, const struct admin_request *r, json_t **ret)
{
    struct smsr *s = role;
    struct trail_counts counts = { 0 };
    char *findings = NULL;
    size_t len = 0;
    struct eid eid;
    const char *text = admin_text(r, r->parts[0]);
    if (eid_from_text(span_text(text), &eid) != ERR_NONE)
        return admin_refuse(ret, 400, "that is no EID");
    FILE *out = open_memstream(&findings, &len);
    enum err err = out ? smsr_trail_verify(s->env.store, text, out, &counts) : ERR_NO_MEMORY;
    if (out)
        fclose(out);
    *ret = json_pack("{s:b, s:I, s:s}", "good", !counts.wrong, "records", (json_int_t)counts.records, "findings",
                     findings ? findings : "");
    free(findings);
    return err == ERR_NONE ? 200 : admin_refuse(ret, 503, ADMIN_NO_DATABASE);
}

/* ---- messages */

static struct undelivered messages(const struct smsr *s) { return (struct undelivered){ &s->env, s->engine }; }

/* ---- metrics */

static const struct {
    const char *name, *help;
} alarms[SMSR_ALARMS] = {
    [SMSR_ALARM_FOREIGN_PACKET] = { "smsr_foreign_packets_total", "Packets dropped that no eUICC has made, or that came before." },
    [SMSR_ALARM_REFUSED_PACKET] = { "smsr_refused_packets_total", "Packets that a card refused." },
    [SMSR_ALARM_STRAY_POR] = { "smsr_stray_answers_of_cards_total", "Answers of cards to what is not open." },
    [SMSR_ALARM_TURNED_AWAY] = { "smsr_calls_turned_away_total", "Calls of strangers, and calls that their caller may not make." },
    [SMSR_ALARM_STRAY_ANSWER] = { "smsr_stray_answers_total", "Answers of other SM-SRs to what was not asked." },
    [SMSR_ALARM_MEMORY_CLAIM] = { "smsr_memory_claims_refused_total", "Requests for more memory than the eUICC has." },
    [SMSR_ALARM_CERTIFICATE] = { "smsr_euiccs_refused_total", "eUICCs whose certificates or signature do not hold." },
};

static void metrics(void *role, struct writer *w)
{
    struct smsr *s = role;
    struct undelivered u = messages(s);
    struct rewrap secrets = smsr_secrets(s);
    struct smsr_counts c = smsr_counts(s);
    struct arena a;
    arena_init(&a, 1u << 16);
    const struct query *q = LOAD(s, &a, &SMSR_FIGURES, value_int(0));
    admin_metric(w, "smsr_calls_total", "counter", "Calls of partners that were let in.", c.calls);
    admin_metric(w, "smsr_operations_total", "counter", "Procedures that have ended.", c.operations);
    admin_metric(w, "smsr_short_messages_sent_total", "counter", "Short messages to cards.", c.sms_out);
    admin_metric(w, "smsr_short_messages_received_total", "counter", "Short messages from cards.", c.sms_in);
    admin_metric(w, "smsr_sessions_total", "counter", "Administration sessions of cards.", c.sessions);
    admin_metric(w, "smsr_scripts_total", "counter", "Command scripts given to cards.", c.scripts);
    admin_metric(w, "smsr_short_messages_held_back_total", "counter", "Repeats that waited for a budget.", c.held_back);
    admin_metric(w, "smsr_notifications_total", "counter", "Notifications of cards.", c.notifications);
    for (size_t i = 0; i < SMSR_ALARMS; i++)
        admin_metric(w, alarms[i].name, "counter", alarms[i].help, c.alarms[i]);
    admin_metric(w, "smsr_euiccs", "gauge", "eUICCs on record.", q && q->row_count ? (uint64_t)row_int(&q->rows[0], 0) : 0);
    admin_metric(w, "smsr_procedures", "gauge", "Procedures that run or wait.",
                 q && q->row_count ? (uint64_t)row_int(&q->rows[0], 1) : 0);
    undelivered_metrics(&u, w, "smsr");
    rewrap_metrics(&secrets, w, "smsr");
    if (s->config.expiries)
        role_expiries_metrics(s->config.expiries, w, "smsr", s->env.clock->now_ms(s->env.clock));
    arena_release(&a);
}

/* ---- all */

#define OWNERS (SMSR_OPERATOR | SMSR_SMDP | SMSR_M2MSP)
static const struct admin_route routes[] = {
    { "GET", "euiccs", "eUICCs on record, by EID; an operator's: those with a profile of its own", SMSR_OPERATOR, list_euiccs },
    { "POST", "euiccs/{eid}/master-delete", "deletes a disabled profile with a token of its SM-DP, whatever its policy says",
      SMSR_OPERATOR, smsr_admin_master_delete },
    { "POST", "euiccs/{eid}/rotate-keys", "agrees with the card on a new SCP80 key set, and deletes the old one", 0, smsr_admin_rotate_keys },
    { "GET", "procedures", "procedures that run or wait; a partner's: those it asked for", OWNERS, list_procedures },
    { "GET", "procedures/{eid}", "those of one eUICC, with steps and the commands to the card", OWNERS, show_procedures },
    { "GET", "audit-trail/{eid}", "the audit trail of one eUICC, oldest record first", 0, show_trail },
    { "GET", "audit-trail/{eid}/verify", "whether it is as it was written", 0, verify_trail },
    { "GET", "partners", "who may come in", 0, list_partners },
};

int smsr_admin(struct smsr *s, const struct smsr_partner *partner, const struct http_request *request, struct reply_ref reply,
               struct arena *a, struct span *ret_body, const char **ret_type)
{
    struct administration admin = { .env = &s->env,
                                    .own = { routes, ARRAY_LEN(routes), s },
                                    .messages = messages(s),
                                    .secrets = smsr_secrets(s),
                                    .node = { &s->env, s->config.on_drain, s->config.on_drain_context },
                                    .metrics = metrics };
    struct admin_request who = { .reply = reply, .a = a };
    if (partner) {
        who.name = partner->name;
        who.oid = &partner->oid;
        who.kinds = partner->kinds;
        who.all = partner->kinds & SMSR_ADMIN;
        who.partner = partner;
    }
    return administration_serve(&admin, request, &who, ret_body, ret_type);
}
