/* lib/es/functions.h: the functions of ES1 … ES7 by number (SGP.02 §5; functions.def is the list). */
#ifndef OSPREY_ES_FUNCTIONS_H
#define OSPREY_ES_FUNCTIONS_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/codec/writer.h"

enum es_interface { ES_IF_ES1, ES_IF_ES2, ES_IF_ES3, ES_IF_ES4, ES_IF_ES4A, ES_IF_ES7, ES_INTERFACE_COUNT };
enum es_pattern {
    ES_SYNC,     /* request and response in one HTTP exchange */
    ES_CALLBACK, /* 202, the response comes as a request of its own */
    ES_NOTIFY    /* one way */
};
enum es_role { ES_ROLE_EUM, ES_ROLE_OPERATOR, ES_ROLE_SMDP, ES_ROLE_SMSR, ES_ROLE_COUNT };
enum es_group { ES_GROUP_EUICC, ES_GROUP_DATA, ES_GROUP_PROFILE, ES_GROUP_PLATFORM };
enum es_kind { ES_REQUEST, ES_RESPONSE, ES_NOTIFICATION, ES_SOAP_FAULT };

enum es_function {
    ES_FUNCTION_NONE = 0,
#define ES_FUNCTION(interface, name, ...) interface##_##name,
#include "functions.def"
#undef ES_FUNCTION
    ES_FUNCTION_COUNT
};

struct es_function_info {
    const char *interface; /* "ES3" */
    const char *name;      /* "EnableProfile"; notifications "Handle…Notification" */
    uint8_t interface_len, name_len;
    const char *section;   /* "5.4.8" */
    enum es_interface number;
    enum es_group group;
    enum es_pattern pattern;
    enum es_role caller, provider; /* of the request or notification; a callback goes the other way */
    bool v4;                       /* not in the v3 schema */
};
/* function: not ES_FUNCTION_NONE. */
const struct es_function_info *es_function_info(enum es_function function);

/* By the local name of the body's root element, in any spelling ("ES3-EnableProfileRequest"). ERR_NOT_FOUND. */
MUST_USE enum err es_function_find(struct span root_element, enum es_function *ret, enum es_kind *ret_kind);
/* By interface and name, for tools: "ES3-EnableProfile". ERR_NOT_FOUND. */
MUST_USE enum err es_function_by_name(struct span text, enum es_function *ret);

/* "ES3-EnableProfileRequest"; wsa:Action (§5.5 of the fact book). */
void es_root_element(struct writer *w, enum es_function function, enum es_kind kind);
void es_action(struct writer *w, enum es_function function, enum es_kind kind);
/* The path a service listens on: "/esim-messaging/3/ES3/ES3SmSrService" (§5.3). `at` is who listens. */
const char *es_service_path(enum es_interface number, enum es_role at);

#endif
