#include "relay.h"

#include <string.h>

#include "functions.h"
#include "lib/codec/datetime.h"
#include "stage_private.h"

#define WSA "xmlns:w=\"http://www.w3.org/2005/08/addressing\""

const char *function_of(struct stage *s, const struct message *request)
{
    size_t len = strlen(request->name);
    return len > 7 && !strcmp(request->name + len - 7, "Request") ? textf(s, "%.*s", (int)len - 7, request->name) : "";
}

/* ---- headers ---- */

static const char *escaped(struct stage *s, const char *text)
{
    const char *out = "", *and;
    for (; (and = strchr(text, '&')) != NULL; text = and + 1)
        out = textf(s, "%s%.*s&amp;", out, (int)(and - text), text);
    return textf(s, "%s%s", out, text);
}

static char *header_children(struct stage *s, enum role by, const char *from, const char *to, const char *action,
                             const char *relates_to, const char *reply_to, const char **ret_id)
{
    char moment[DATETIME_TEXT_SIZE];
    datetime_text(now_ms(), moment);
    const char *id = textf(s, "//%s/%s-r%u?TransactionId=R%u?MessageDate=%s", role_oid(s, by), s->run_id, s->number + 1, s->number + 1,
                           moment);
    s->number++;
    if (ret_id)
        *ret_id = id;
    const char *relates = relates_to ? textf(s, "<w:RelatesTo " WSA ">%s</w:RelatesTo>", escaped(s, relates_to)) : "";
    const char *reply = reply_to ? textf(s, "<w:ReplyTo " WSA "><w:Address>%s</w:Address></w:ReplyTo>", reply_to) : "";
    return textf(s,
                 "<w:From " WSA "><w:Address>%s?EntityId=%s</w:Address></w:From><w:To " WSA ">%s</w:To>"
                 "<w:MessageID " WSA ">%s</w:MessageID><w:Action " WSA ">%s</w:Action>%s%s",
                 from, role_oid(s, by), escaped(s, to), id, action, relates, reply);
}

static const char *action_of(struct stage *s, const char *function, bool request)
{
    const struct function *f = function_find(function);
    const char *group = f ? f->group : "ProfileManagement";
    bool callback = f && f->callback;
    return textf(s, "http://gsma.com/%.*s/%s%s/%s%s", (int)strcspn(function, "-"), function, group,
                 callback && !request ? "CallBack" : "", function, callback ? "" : request ? "Request" : "Response");
}

static char *answer_header(struct stage *s, const struct message *request)
{
    const char *function = function_of(s, request);
    return header_children(s, request->at, role_url(s, request->at, function), request->from, action_of(s, function, false),
                           request->message_id, NULL, NULL);
}

char *answer_text(struct stage *s, const struct message *request, const char *body)
{
    return textf(s,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\">"
                 "<e:Header>%s</e:Header><e:Body>%s</e:Body></e:Envelope>",
                 answer_header(s, request), body);
}

char *response_text(struct stage *s, const struct message *request, const char *status, const char *codes,
                    const char *children)
{
    const char *function = function_of(s, request), *data = "";
    if (codes)
        data = textf(s, "<StatusCodeData><Subject>%.*s</Subject><Reason>%s</Reason></StatusCodeData>", (int)strcspn(codes, "/"),
                     codes, strchr(codes, '/') + 1);
    return answer_text(s, request,
                       textf(s,
                             "<%sResponse xmlns=\"http://namespaces.gsma.org/esim-messaging/3\"><FunctionExecutionStatus>"
                             "<Status>%s</Status>%s</FunctionExecutionStatus>%s</%sResponse>",
                             function, status, data, children, function));
}

/* ---- callbacks of a role ---- */

static const char *without_query(struct stage *s, const char *address)
{
    return textf(s, "%.*s", (int)strcspn(address, "?"), address);
}

void role_calls_back(struct stage *s, struct message *request, const char *text)
{
    if (!request->answered)
        stage_reply(s, request, 202, NULL);
    const char *reply_to = NULL;
    if (request->doc) {
        static const char open[] = "ReplyTo>";
        const char *at = memmem(request->octets.ptr, request->octets.len, open, sizeof open - 1);
        at = at ? strstr(at, "Address>") : NULL;
        reply_to = at ? textf(s, "%.*s", (int)strcspn(at + 8, "<"), at + 8) : NULL;
    }
    struct message *m = post_url(s, request->at, without_query(s, reply_to ? reply_to : request->from), span_text(text));
    post_finish(s, m);
    need(s, m->err == ERR_NONE && m->http >= 200 && m->http < 300, "a callback to %s is answered with HTTP %d", request->from,
         m->http);
}

/* ---- handing on ---- */

/* The message with other children in its header; all else stays as it is. */
static char *with_header(struct stage *s, const struct message *m, const char *children)
{
    const char *text = textf(s, "%.*s", (int)m->octets.len, (const char *)m->octets.ptr);
    const char *open = strstr(text, "Header"), *close = open ? strstr(open + 6, "Header>") : NULL;
    const char *from = open ? strchr(open, '>') : NULL;
    while (close && *close != '<')
        close--;
    if (!from || !close)
        fail(s, "a message without a header passes");
    return textf(s, "%.*s%s%s", (int)(from + 1 - text), text, children, close);
}

/* The SM-DP shall find itself in the EIS where the SM-SR sees the runner in its place. */
static char *with_its_name(struct stage *s, char *text)
{
    const char *ours = textf(s, ">%s</", role_oid(s, DP)), *its = textf(s, ">%s</", server_oid(s, SM_DP));
    char *out = textf(s, "%s", "");
    const char *from = text;
    for (const char *at; (at = strstr(from, ours)) != NULL; from = at + strlen(ours))
        out = textf(s, "%s%.*s%s", out, (int)(at - from), from, its);
    return textf(s, "%s%s", out, from);
}

static char *ask_on(struct stage *s, struct message *request, const char *function)
{
    const char *id, *reply_to = function_find(function)->callback ? role_url(s, DP, function) : NULL;
    char *header = header_children(s, DP, role_url(s, DP, function),
                                   textf(s, "%s?EntityId=%s", server_url(s, SM_SR, function), server_oid(s, SM_SR)),
                                   action_of(s, function, true), NULL, reply_to, &id);
    char *text = with_header(s, request, header);
    struct message *m = post_finish(s, post_url(s, DP, server_url(s, SM_SR, function), span_text(text)));
    if (m->http == 202)
        m = must_callback(s, DP, id, 60000);
    need(s, m->body, "%s is answered with HTTP %d", function, m->http);
    char *answer = with_header(s, m, answer_header(s, request));
    return strcmp(function, "ES3-GetEIS") ? answer : with_its_name(s, answer);
}

static void play(struct stage *s, struct message *request)
{
    struct relay *r = s->relay;
    const char *function = function_of(s, request);
    const struct function *f = function_find(function);
    if (!f || request->at != SR)
        return;
    if (r->seen_count < RELAY_LOG_MAX)
        r->seen[r->seen_count++] = request;
    if (f->callback)
        stage_reply(s, request, 202, NULL);
    char *answer = r->instead ? r->instead(s, request, function) : NULL;
    if (!answer) {
        answer = ask_on(s, request, function);
        if (r->change)
            answer = r->change(s, request, function, answer);
    }
    if (answer && f->callback)
        role_calls_back(s, request, answer);
    else if (answer)
        stage_reply(s, request, 200, answer);
}

void relay_begin(struct stage *s, struct relay *r)
{
    (void)role_oid(s, DP);
    s->relay = r;
    stage_play(s, SR, play);
}

size_t relay_place(struct stage *s, const struct relay *r, const char *function, const char *iccid, size_t nth)
{
    for (size_t i = 0; i < r->seen_count; i++) {
        const char *its = iccid ? value(s, r->seen[i], "Iccid") : NULL;
        if (!strcmp(function_of(s, r->seen[i]), function) && (!iccid || (its && !strcmp(its, iccid))) && nth-- == 0)
            return i;
    }
    return SIZE_MAX;
}
