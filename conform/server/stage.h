/* conform/server/stage.h: where the servers are tested: the runner plays all other roles, each with its own TLS identity,
 * client and listener, in one thread. A case reads like its line in the fact book: it says a function with its body as
 * text, and what must come back. What is not as it must be ends the case (fail, skip: no return).
 *
 * Messages are written and read here as text and by libxml2, without the servers' own reader and writer. */
#ifndef OSPREY_CONFORM_SERVER_STAGE_H
#define OSPREY_CONFORM_SERVER_STAGE_H

#include <setjmp.h>
#include <stdio.h>

#include "conform/verdict.h"
#include "lib/base/arena.h"
#include "lib/engine/engine.h" /* struct reply_ref */
#include "target.h"

#define STAGE_ARENA_MAX    ((size_t)512 * 1024 * 1024)
#define STAGE_MESSAGES_MAX 4096u
#define STAGE_DOCS_MAX     4096u
#define SCENE_MADE_MAX     8u
#define CALLBACK_S         25u /* how long a case waits for a callback when it does not say */
#define QUIET_MS           250u /* how long nothing must come */

struct _xmlDoc;
struct _xmlNode;
struct lab;
struct tap;
struct schema;
struct stage;

/* What came: the answer to a POST (http is its status), or a POST of a server to a role (http 0). */
struct message {
    enum err err;       /* ERR_NONE, or why there is no answer: then detail says more */
    const char *detail; /* never NULL */
    int http;
    struct span octets;
    struct _xmlDoc *doc;    /* NULL: no XML */
    struct _xmlNode *body;  /* root element of the SOAP body; NULL: none */
    const char *name, *ns;  /* of it: "ES4-EnableProfileResponse"; "Fault"; "" */
    const char *message_id, *relates_to, *action, *from, *to; /* "" when absent */
    const char *status;     /* "EXECUTED_SUCCESS", "FAILED 8.2.1/3.9", "Sender ActionNotSupported" of a fault; "" */
    const char *status_id;  /* SubjectIdentifier */
    const char *status_text; /* Message */
    enum role at;           /* whom it came to, and at which path */
    const char *path;
    const char *peer;       /* OID of the other end's certificate */
    uint64_t came_ms;
    struct reply_ref reply; /* of a POST that is still to be answered */
    bool answered, seen;
};

/* How a call differs from an ordinary one; zero everywhere: not at all. */
struct wish {
    unsigned validity_s;
    const char *call_id, *message_id;
    const char *reply_to;   /* "": none at all; NULL: the role's endpoint */
    const char *from;       /* the whole wsa:From address; NULL: the role's, with its EntityId */
    const char *to;         /* the whole wsa:To address */
    const char *ns;         /* namespace of the body: its last digit; NULL: "3" */
    const char *join;       /* "?" or "&amp;" */
    const char *transaction;
    const char *header;     /* more header elements */
    unsigned patience_s;    /* for the callback */
    bool no_base;           /* the body is written without FunctionCallIdentifier */
};

struct server_case {
    struct case_def def;
    void (*run)(struct stage *);
    bool waits; /* a second or more for something that must, or must not, happen */
};
#define CASE(number, group, section, title, run)  { { number, group, title, section, NULL }, run, false }
#define WAITS(number, group, section, title, run) { { number, group, title, section, NULL }, run, true }
struct server_group {
    const struct server_case *cases;
    size_t count;
};

/* A role that must answer requests itself: called once for each that comes, outside of the network's callbacks, so that
 * it may fail and call others. It answers with stage_reply. */
typedef void role_play(struct stage *s, struct message *request);

struct actor; /* a role at work (stage.c) */
struct relay;

struct stage {
    struct target target;
    struct lab *lab; /* NULL: servers of somebody else */
    struct tap *tap; /* NULL: none */
    struct schema *schema;
    uint32_t generation; /* of the running case: answers to an earlier one are dropped */
    struct arena arena; /* of the running case */
    jmp_buf leave;
    enum case_verdict verdict;
    char detail[BED_DETAIL_MAX];
    struct loop *loop;
    struct actor *actors[ROLE_COUNT];
    struct message *messages[STAGE_MESSAGES_MAX]; /* that came to roles, in order */
    size_t message_count;
    struct _xmlDoc *docs[STAGE_DOCS_MAX];
    size_t doc_count;
    role_play *play[ROLE_COUNT];
    struct relay *relay; /* relay.h */
    size_t played; /* messages before this one were given to their role */
    uint32_t number; /* counts identifiers */
    bool schema_off; /* in cases that use other namespaces */
    char run_id[9];
    bool touched[CARD_COUNT]; /* by the running case: brought back after it (scene.c) */
    char made[SCENE_MADE_MAX][24];
    size_t made_count;
    bool rights_given;
    char invalid[BED_DETAIL_MAX]; /* the first message of a server that does not fit the schema */
};

/* detail: BED_DETAIL_MAX. */
MUST_USE enum err stage_new(const char *target_file, struct stage **ret, char *detail);
void stage_free(struct stage *s);
enum case_verdict stage_guard(struct stage *s, void (*run)(struct stage *));
/* Between cases: forgets what came. */
void stage_clear(struct stage *s);

/* ---- verdicts ---- */
void stage_end(struct stage *s, enum case_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
#define fail(s, ...) stage_end((s), VERDICT_FAIL, __VA_ARGS__)
#define skip(s, ...) stage_end((s), VERDICT_SKIP, __VA_ARGS__)
#define need(s, condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail((s), __VA_ARGS__);                                                                                    \
    } while (0)
void remark(struct stage *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *textf(struct stage *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- time ---- */
uint64_t now_ms(void);
void stage_round(struct stage *s, uint64_t wait_ms);
void stage_wait(struct stage *s, uint64_t ms);
/* Waits until done(context) or for that long; whether it was done. */
bool stage_until(struct stage *s, uint64_t ms, bool (*done)(struct stage *, void *), void *context);

/* ---- saying (soap.c) ---- */
const char *server_oid(struct stage *s, enum server to); /* skips the case when there is no such server */
const char *server_url(struct stage *s, enum server to, const char *function);
const char *role_oid(struct stage *s, enum role r);
const char *role_url(struct stage *s, enum role r, const char *function); /* where its answers go */
/* The SOAP text of a request of that function, the body's own children as given; of a message of any name; of a response. */
char *request_text(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                   const char *children);
char *message_text(struct stage *s, const struct wish *w, enum role by, enum server to, const char *action,
                   const char *body);
/* Octets as they are to a server, over that role's TLS. path NULL: "/". Never NULL. */
struct message *post(struct stage *s, enum role by, enum server to, const char *path, struct span octets);
struct message *post_text(struct stage *s, enum role by, enum server to, const char *text);
/* The same without waiting; the answer comes into the message, whose http or err is then not zero. */
struct message *post_begin(struct stage *s, enum role by, enum server to, const char *path, struct span octets);

/* Calls a function and gives the answer; for functions with callback that is the callback (an immediate answer is taken
 * as well). children: printf format of the body's own children, in the namespace of the message. */
struct message *ask(struct stage *s, enum role by, enum server to, const char *function, const char *children, ...)
    __attribute__((format(printf, 5, 6)));
struct message *ask_with(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                         const char *children, ...) __attribute__((format(printf, 6, 7)));
/* Only says it: the callback is still to come. id: MessageID (may be NULL). */
struct message *say(struct stage *s, const struct wish *w, enum role by, enum server to, const char *function,
                    const char **ret_id, const char *children, ...) __attribute__((format(printf, 7, 8)));
/* The callback to that MessageID; NULL after the time. */
struct message *callback(struct stage *s, enum role at, const char *id, uint64_t ms);
struct message *must_callback(struct stage *s, enum role at, const char *id, uint64_t ms);

/* ---- hearing ---- */
/* "FAILED 8.2.1/3.9" and the like; several with | between. */
void need_status(struct stage *s, const struct message *m, const char *want);
void need_success(struct stage *s, const struct message *m);
/* A refusal before anything happened: 4xx, a fault, or FAILED; not accepted and not executed. */
void need_refused(struct stage *s, const struct message *m, const char *what);
/* Text of the first element on the path below the body's root ("Eis/ProfileInfo/Iccid"); NULL: not there. */
const char *value(struct stage *s, const struct message *m, const char *path);
const char *must_value(struct stage *s, const struct message *m, const char *path);
size_t value_count(const struct message *m, const char *path);
struct _xmlNode *node_at(const struct message *m, const char *path, size_t nth);
const char *node_value(struct stage *s, struct _xmlNode *node, const char *path);

/* A notification (name without "ESx-Handle" and "Notification": "ProfileEnabled") about that ICCID (NULL: any) that was
 * not taken before. over: "ES4", "ES2", "ES3". */
struct message *mail(struct stage *s, enum role at, const char *over, const char *name, const char *iccid, uint64_t ms);
struct message *must_mail(struct stage *s, enum role at, const char *over, const char *name, const char *iccid);
void no_mail(struct stage *s, enum role at, const char *over, const char *name, const char *iccid);
/* How many came, whether taken or not, repeats of a MessageID counted once. */
size_t mail_count(struct stage *s, enum role at, const char *name, const char *iccid);

/* All that came so far is taken. */
void stage_clear_mail(struct stage *s);

/* ---- roles that answer ---- */
void stage_play(struct stage *s, enum role r, role_play *play);
void stage_reply(struct stage *s, struct message *request, int http, const char *text);
/* Listener of a role, off and on again. */
void role_deaf(struct stage *s, enum role r, bool deaf);

#endif
