#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "lib/base/world.h"
#include "lib/codec/datetime.h"
#include "lib/codec/hex.h"
#include "schema.h"
#include "stage_private.h"

#define ENV  "http://www.w3.org/2003/05/soap-envelope"
#define WSA  "http://www.w3.org/2005/08/addressing"
#define BASE "/esim-messaging/3/"

/* ---- who and where ---- */

const char *server_oid(struct stage *s, enum server to)
{
    if (!s->target.servers[to].oid || !s->target.servers[to].url)
        skip(s, "the target has no [server %s]", server_text(to));
    return s->target.servers[to].oid;
}

const char *server_url(struct stage *s, enum server to, const char *function)
{
    (void)server_oid(s, to);
    return textf(s, "%s%s%s", s->target.servers[to].url, BASE, service_path(function));
}

const char *role_oid(struct stage *s, enum role r)
{
    if (!s->target.roles[r].oid)
        skip(s, "the target has no [role %s]", role_text(r));
    return s->target.roles[r].oid;
}

const char *role_url(struct stage *s, enum role r, const char *function)
{
    const struct target_role *t = &s->target.roles[r];
    (void)role_oid(s, r);
    if (t->url)
        return textf(s, "%s%s%s", t->url, BASE, answer_path(function));
    return textf(s, "https://%s:%u%s%s", t->host, t->port, BASE, answer_path(function));
}

/* ---- writing ---- */

static const char *moment(struct stage *s)
{
    char text[DATETIME_TEXT_SIZE];
    datetime_text(now_ms(), text);
    return textf(s, "%s", text);
}

static const char *id_made(struct stage *s, const struct wish *w, enum role by)
{
    if (w->message_id)
        return w->message_id;
    s->number++;
    return textf(s, "//%s/%s-%u?TransactionId=%s%sMessageDate=%s", role_oid(s, by), s->run_id, s->number,
                 w->transaction ? w->transaction : textf(s, "T%u", s->number), w->join ? w->join : "?", moment(s));
}

static char *envelope(struct stage *s, const struct wish *w, enum role by, enum server to, const char *action,
                      const char *function, const char *body, const char **ret_id)
{
    const char *id = id_made(s, w, by), *own = role_url(s, by, function);
    const char *from = w->from ? w->from : textf(s, "%s?EntityId=%s", own, role_oid(s, by));
    const char *there = w->to ? w->to : textf(s, "%s?EntityId=%s", server_url(s, to, function), server_oid(s, to));
    const struct function *f = function_find(function);
    const char *reply_to = w->reply_to ? w->reply_to : f && f->callback ? own : "";
    if (*reply_to)
        reply_to = textf(s, "<wsa:ReplyTo><wsa:Address>%s</wsa:Address></wsa:ReplyTo>", reply_to);
    if (ret_id)
        *ret_id = id;
    return textf(s,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope xmlns:env=\"" ENV "\" xmlns:wsa=\"" WSA "\">"
                 "<env:Header><wsa:From><wsa:Address>%s</wsa:Address></wsa:From><wsa:To>%s</wsa:To>"
                 "<wsa:MessageID>%s</wsa:MessageID><wsa:Action>%s</wsa:Action>%s%s</env:Header><env:Body>%s</env:Body>"
                 "</env:Envelope>",
                 from, there, id, action, reply_to, w->header ? w->header : "", body);
}

char *message_text(struct stage *s, const struct wish *w, enum role by, enum server to, const char *action,
                   const char *body)
{
    const char *name = strrchr(action, '/');
    return envelope(s, w, by, to, action, name ? name + 1 : action, body, NULL);
}

static char *request_with_id(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                             const char *children, const char **ret_id)
{
    const struct function *f = function_find(function);
    const char *base = "";
    if (!f)
        fail(s, "%s: the runner knows no such function", function);
    if (!w->no_base)
        base = textf(s, "<FunctionCallIdentifier>%s</FunctionCallIdentifier>",
                     w->call_id ? w->call_id : textf(s, "%s-c%u", s->run_id, ++s->number));
    if (w->validity_s)
        base = textf(s, "%s<ValidityPeriod>%u</ValidityPeriod>", base, w->validity_s);
    const char *body = textf(s, "<%sRequest xmlns=\"http://namespaces.gsma.org/esim-messaging/%s\">%s%s</%sRequest>", function,
                             w->ns ? w->ns : "3", base, children, function);
    const char *action = textf(s, "http://gsma.com/%.*s/%s/%s%s", (int)strcspn(function, "-"), function, f->group, function,
                               f->callback ? "" : "Request");
    return envelope(s, w, by, to, action, function, body, ret_id);
}

static const struct wish ordinary;

char *request_text(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                   const char *children)
{
    return request_with_id(s, w ? w : &ordinary, by, to, function, children, NULL);
}

/* ---- calling ---- */

static char *format_all(struct stage *s, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = len >= 0 ? arena_alloc(&s->arena, (size_t)len + 1) : NULL;
    if (!text)
        abort();
    vsnprintf(text, (size_t)len + 1, format, args);
    return text;
}

static struct message *say_text(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                                const char **ret_id, const char *children)
{
    char *text = request_with_id(s, w ? w : &ordinary, by, to, function, children, ret_id);
    return post_finish(s, post_url(s, by, server_url(s, to, function), span_text(text)));
}

struct message *say(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                    const char **ret_id, const char *children, ...)
{
    va_list args;
    va_start(args, children);
    char *body = format_all(s, children, args);
    va_end(args);
    return say_text(s, w, by, to, function, ret_id, body);
}

struct awaited {
    enum role at;
    const char *id;
    struct message *found;
};

static bool callback_came(struct stage *s, void *context)
{
    struct awaited *a = context;
    for (size_t i = 0; i < s->message_count; i++) {
        struct message *m = s->messages[i];
        if (m->at == a->at && !m->seen && !strcmp(m->relates_to, a->id)) {
            a->found = m;
            m->seen = true;
            return true;
        }
    }
    return false;
}

/* A MessageID is text: what stands as &amp; in the message is read as & again. */
static const char *unescaped(struct stage *s, const char *text)
{
    char *out = textf(s, "%s", text), *to = out;
    for (const char *at = out; *at; at++) {
        *to++ = *at;
        if (!strncmp(at, "&amp;", 5))
            at += 4;
    }
    *to = '\0';
    return out;
}

struct message *callback(struct stage *s, enum role at, const char *id, uint64_t ms)
{
    struct awaited a = { at, unescaped(s, id), NULL };
    (void)stage_until(s, ms, callback_came, &a);
    return a.found;
}

struct message *must_callback(struct stage *s, enum role at, const char *id, uint64_t ms)
{
    struct message *m = callback(s, at, id, ms);
    if (!m)
        fail(s, "no callback to %s within %llu ms", id, (unsigned long long)ms);
    return m;
}

static struct message *ask_text(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                                const char *children)
{
    const char *id;
    const struct function *f = function_find(function);
    struct message *m = say_text(s, w, by, to, function, &id, children);
    if (!f->callback || m->http != 202)
        return m;
    unsigned wait_s = w && w->patience_s ? w->patience_s : w && w->validity_s ? w->validity_s + CALLBACK_S : CALLBACK_S;
    return must_callback(s, by, id, wait_s * 1000ull);
}

struct message *ask_with(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                         const char *children, ...)
{
    va_list args;
    va_start(args, children);
    char *body = format_all(s, children, args);
    va_end(args);
    return ask_text(s, w, by, to, function, body);
}

struct message *ask(struct stage *s, enum role by, enum server to, const char *function, const char *children, ...)
{
    va_list args;
    va_start(args, children);
    char *body = format_all(s, children, args);
    va_end(args);
    return ask_text(s, NULL, by, to, function, body);
}

/* ---- reading ---- */

static xmlNodePtr child_of(xmlNodePtr parent, const char *name, size_t name_len, size_t nth)
{
    for (xmlNodePtr n = parent ? parent->children : NULL; n; n = n->next)
        if (n->type == XML_ELEMENT_NODE && strlen((const char *)n->name) == name_len &&
            !memcmp(n->name, name, name_len) && nth-- == 0)
            return n;
    return NULL;
}

/* The nth element of the last step; of the others the first that leads on. */
static xmlNodePtr walk(xmlNodePtr from, const char *path, size_t *nth)
{
    size_t len = strcspn(path, "/");
    xmlNodePtr n;
    for (size_t i = 0; (n = child_of(from, path, len, i)) != NULL; i++) {
        xmlNodePtr found = path[len] ? walk(n, path + len + 1, nth) : (*nth)-- == 0 ? n : NULL;
        if (found)
            return found;
    }
    return NULL;
}

struct _xmlNode *node_at(const struct message *m, const char *path, size_t nth)
{
    return m->body ? walk(m->body, path, &nth) : NULL;
}

static const char *text_of(struct stage *s, xmlNodePtr n)
{
    if (!n)
        return NULL;
    xmlChar *content = xmlNodeGetContent(n);
    const char *text = textf(s, "%s", content ? (const char *)content : "");
    xmlFree(content);
    return text;
}

const char *node_value(struct stage *s, struct _xmlNode *node, const char *path)
{
    size_t nth = 0;
    return text_of(s, node ? walk(node, path, &nth) : NULL);
}

const char *value(struct stage *s, const struct message *m, const char *path) { return text_of(s, node_at(m, path, 0)); }

const char *must_value(struct stage *s, const struct message *m, const char *path)
{
    const char *text = value(s, m, path);
    if (!text)
        fail(s, "%s has no %s", m->name, path);
    return text;
}

size_t value_count(const struct message *m, const char *path)
{
    size_t n = 0;
    while (node_at(m, path, n))
        n++;
    return n;
}

static const char *header_text(struct stage *s, xmlNodePtr header, const char *path)
{
    const char *text = node_value(s, header, path);
    return text ? text : "";
}

static const char *without_prefix(const char *text)
{
    const char *colon = text ? strchr(text, ':') : NULL;
    return colon ? colon + 1 : text ? text : "";
}

static void read_fault(struct stage *s, struct message *m)
{
    const char *code = value(s, m, "Code/Value"), *sub = value(s, m, "Code/Subcode/Value");
    m->status = textf(s, "%s%s%s", without_prefix(code), sub ? " " : "", sub ? without_prefix(sub) : "");
    m->status_text = value(s, m, "Reason/Text") ? value(s, m, "Reason/Text") : "";
}

static void read_status(struct stage *s, struct message *m)
{
    const char *status = value(s, m, "FunctionExecutionStatus/Status");
    const char *subject = value(s, m, "FunctionExecutionStatus/StatusCodeData/Subject");
    const char *reason = value(s, m, "FunctionExecutionStatus/StatusCodeData/Reason");
    const char *id = value(s, m, "FunctionExecutionStatus/StatusCodeData/SubjectIdentifier");
    const char *text = value(s, m, "FunctionExecutionStatus/StatusCodeData/Message");
    m->status = subject ? textf(s, "%s %s/%s", status ? status : "", subject, reason ? reason : "") : status ? status : "";
    m->status_id = id ? id : "";
    m->status_text = text ? text : "";
}

/* What a server says must fit the schemas, but for what the book leaves open: no AID without an ISD-P (7.6), and the
 * set's own Eis in AuthenticateSMSR (7.18). */
static void judge(struct stage *s, struct message *m)
{
    bool failed = !strncmp(m->status, "FAILED", 6) || !strncmp(m->status, "EXPIRED", 7);
    if (s->schema_off || s->invalid[0] || !m->body || !strcmp(m->name, "Fault") || !strncmp(m->name, "MakeConnection", 14) ||
        (failed && !strcmp(m->name, "ES3-CreateISDPResponse")) || !strcmp(m->name, "ES7-AuthenticateSMSRRequest") ||
        (failed && !strcmp(m->name, "ES7-AuthenticateSMSRResponse")) ||
        (failed && !strcmp(m->name, "ES7-CreateAdditionalKeySetResponse")))
        return;
    const char *fault = schema_check(s->schema, m->body);
    if (fault)
        snprintf(s->invalid, sizeof s->invalid, "%s is not what the schema says: %.180s", m->name, fault);
}

void soap_read(struct stage *s, struct message *m)
{
    if (!m->octets.len || s->doc_count == STAGE_DOCS_MAX)
        return;
    m->doc = xmlReadMemory((const char *)m->octets.ptr, (int)m->octets.len, NULL, NULL,
                           XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE);
    if (!m->doc)
        return;
    s->docs[s->doc_count++] = m->doc;
    xmlNodePtr root = xmlDocGetRootElement(m->doc), header = child_of(root, "Header", 6, 0);
    xmlNodePtr body = child_of(root, "Body", 4, 0);
    m->message_id = header_text(s, header, "MessageID");
    m->relates_to = header_text(s, header, "RelatesTo");
    m->action = header_text(s, header, "Action");
    m->from = header_text(s, header, "From/Address");
    m->to = header_text(s, header, "To");
    for (xmlNodePtr n = body ? body->children : NULL; n && !m->body; n = n->next)
        if (n->type == XML_ELEMENT_NODE)
            m->body = n;
    if (!m->body)
        return;
    m->name = (const char *)m->body->name;
    m->ns = m->body->ns ? (const char *)m->body->ns->href : "";
    if (!strcmp(m->name, "Fault"))
        read_fault(s, m);
    else
        read_status(s, m);
    judge(s, m);
}

void soap_forget(struct stage *s)
{
    while (s->doc_count)
        xmlFreeDoc(s->docs[--s->doc_count]);
}

/* ---- judging ---- */

static const char *said(struct stage *s, const struct message *m)
{
    if (m->err != ERR_NONE)
        return textf(s, "no answer (%s)", m->detail);
    if (!m->body)
        return textf(s, "HTTP %d without a message", m->http);
    return textf(s, "%s%s%s%s%.100s", m->http == 200 || !m->http ? "" : textf(s, "HTTP %d ", m->http),
                 !strcmp(m->name, "Fault") ? "fault " : "", m->status, *m->status_text ? " " : "", m->status_text);
}

void need_status(struct stage *s, const struct message *m, const char *want)
{
    for (const char *at = want; *at; at += strcspn(at, "|"), at += *at == '|') {
        size_t len = strcspn(at, "|");
        if (m->err == ERR_NONE && strlen(m->status) == len && !memcmp(m->status, at, len))
            return;
    }
    fail(s, "%s: %s, wanted %s", m->name, said(s, m), want);
}

void need_success(struct stage *s, const struct message *m) { need_status(s, m, "EXECUTED_SUCCESS"); }

void need_refused(struct stage *s, const struct message *m, const char *what)
{
    bool refused = m->err != ERR_NONE || m->http >= 400 || !strncmp(m->status, "FAILED", 6);
    need(s, refused, "%s is taken: %s", what, said(s, m));
}

/* ---- notifications ---- */

struct expected {
    enum role at;
    const char *over, *name, *iccid;
    struct message *found;
};

static bool fits(struct stage *s, const struct message *m, const struct expected *e)
{
    const char *dash = strchr(m->name, '-');
    const char *iccid = e->iccid ? value(s, m, "Iccid") : NULL;
    if (m->at != e->at || !dash || (e->over && strncmp(m->name, e->over, strlen(e->over)) != 0))
        return false;
    char want[120];
    snprintf(want, sizeof want, "-Handle%sNotification", e->name);
    return !strcmp(dash, want) && (!e->iccid || (iccid && !strcmp(iccid, e->iccid)));
}

static bool mail_came(struct stage *s, void *context)
{
    struct expected *e = context;
    for (size_t i = 0; i < s->message_count; i++)
        if (!s->messages[i]->seen && fits(s, s->messages[i], e)) {
            e->found = s->messages[i];
            e->found->seen = true;
            return true;
        }
    return false;
}

struct message *mail(struct stage *s, enum role at, const char *over, const char *name, const char *iccid, uint64_t ms)
{
    struct expected e = { at, over, name, iccid, NULL };
    (void)stage_until(s, ms, mail_came, &e);
    return e.found;
}

struct message *must_mail(struct stage *s, enum role at, const char *over, const char *name, const char *iccid)
{
    struct message *m = mail(s, at, over, name, iccid, 8000);
    if (!m)
        fail(s, "%s is not told: no %s-Handle%sNotification of %s", role_text(at), over ? over : "ESx", name,
             iccid ? iccid : "anything");
    return m;
}

void no_mail(struct stage *s, enum role at, const char *over, const char *name, const char *iccid)
{
    struct message *m = mail(s, at, over, name, iccid, QUIET_MS);
    if (m)
        fail(s, "%s is told what is not for it: %s", role_text(at), m->name);
}

void stage_clear_mail(struct stage *s)
{
    for (size_t i = 0; i < s->message_count; i++)
        s->messages[i]->seen = true;
}

static bool repeated(struct stage *s, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (s->messages[k]->at == s->messages[i]->at && !strcmp(s->messages[k]->message_id, s->messages[i]->message_id))
            return true;
    return false;
}

size_t mail_count(struct stage *s, enum role at, const char *name, const char *iccid)
{
    struct expected e = { at, NULL, name, iccid, NULL };
    size_t n = 0;
    for (size_t i = 0; i < s->message_count; i++)
        n += fits(s, s->messages[i], &e) && !repeated(s, i);
    return n;
}
