#include "functions.h"

#include "field.h"

#define V3 false
#define V4 true
static const struct es_function_info infos[ES_FUNCTION_COUNT] = {
#define ES_FUNCTION(interface_, name_, text, group_, pattern_, caller_, provider_, request, response, section_, v4_)   \
    [interface_##_##name_] = { .interface = #interface_,                                                               \
                               .name = text,                                                                           \
                               .interface_len = sizeof #interface_ - 1,                                                \
                               .name_len = sizeof text - 1,                                                            \
                               .section = section_,                                                                    \
                               .number = ES_IF_##interface_,                                                           \
                               .group = ES_GROUP_##group_,                                                             \
                               .pattern = ES_##pattern_,                                                               \
                               .caller = ES_ROLE_##caller_,                                                            \
                               .provider = ES_ROLE_##provider_,                                                        \
                               .v4 = v4_ },
#include "functions.def"
#undef ES_FUNCTION
};

static const struct xml_table es_table_nothing = { .count = 0 };
static const struct {
    const struct xml_table *request, *response;
} tables[ES_FUNCTION_COUNT] = {
#define ES_FUNCTION(interface_, name_, text, group_, pattern_, caller_, provider_, request_, response_, section_, v4_) \
    [interface_##_##name_] = { &es_table_##request_, &es_table_##response_ },
#include "functions.def"
#undef ES_FUNCTION
};

const struct es_function_info *es_function_info(enum es_function function) { return &infos[function]; }

const struct xml_table *es_table(enum es_function function, enum es_kind kind)
{
    const struct xml_table *t = NULL;
    if (function <= ES_FUNCTION_NONE || function >= ES_FUNCTION_COUNT || kind == ES_SOAP_FAULT)
        return NULL;
    if ((kind == ES_NOTIFICATION) == (infos[function].pattern == ES_NOTIFY))
        t = kind == ES_RESPONSE ? tables[function].response : tables[function].request;
    return t == &es_table_nothing ? NULL : t;
}

/* "ES4A-GetPLMA…" → the function of that interface whose name is the rest. */
static enum es_function find(struct span text)
{
    for (int i = 1; i < ES_FUNCTION_COUNT; i++) {
        const struct es_function_info *f = &infos[i];
        if (text.len == (size_t)f->interface_len + 1 + f->name_len && text.ptr[f->interface_len] == '-' &&
            !memcmp(text.ptr + f->interface_len + 1, f->name, f->name_len) &&
            !memcmp(text.ptr, f->interface, f->interface_len))
            return (enum es_function)i;
    }
    return ES_FUNCTION_NONE;
}

static bool ends_with(struct span text, const char *suffix)
{
    size_t len = strlen(suffix);
    return text.len > len && xml_name_is(span_from(text, text.len - len), suffix);
}

enum err es_function_find(struct span root_element, enum es_function *ret, enum es_kind *ret_kind)
{
    static const struct {
        const char *suffix;
        enum es_kind kind;
    } kinds[] = { { "Request", ES_REQUEST }, { "Response", ES_RESPONSE }, { "Notification", ES_NOTIFICATION } };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!ends_with(root_element, kinds[i].suffix))
            continue;
        struct span name = root_element;
        if (kinds[i].kind != ES_NOTIFICATION)
            name.len -= strlen(kinds[i].suffix);
        enum es_function function = find(name);
        if (function == ES_FUNCTION_NONE || !es_table(function, kinds[i].kind))
            return ERR_NOT_FOUND;
        *ret = function;
        *ret_kind = kinds[i].kind;
        return ERR_NONE;
    }
    return ERR_NOT_FOUND;
}

enum err es_function_by_name(struct span text, enum es_function *ret)
{
    enum es_function function = find(text);
    if (function == ES_FUNCTION_NONE)
        return ERR_NOT_FOUND;
    *ret = function;
    return ERR_NONE;
}

static void wr_name(struct writer *w, const struct es_function_info *info)
{
    wr_text(w, info->interface);
    wr_text(w, "-");
    wr_text(w, info->name);
}

void es_root_element(struct writer *w, enum es_function function, enum es_kind kind)
{
    wr_name(w, &infos[function]);
    wr_text(w, kind == ES_REQUEST ? "Request" : kind == ES_RESPONSE ? "Response" : "");
}

void es_action(struct writer *w, enum es_function function, enum es_kind kind)
{
    static const char *const groups[] = { "eUICCManagement", "DataPreparation", "ProfileManagement",
                                          "PlatformManagement" };
    const struct es_function_info *info = &infos[function];
    bool callback = info->pattern == ES_CALLBACK && kind == ES_RESPONSE;
    wr_text(w, "http://gsma.com/");
    wr_text(w, info->interface);
    wr_text(w, "/");
    wr_text(w, groups[info->group]);
    wr_text(w, callback ? "CallBack/" : "/");
    wr_name(w, info);
    if (info->pattern == ES_SYNC)
        wr_text(w, kind == ES_REQUEST ? "Request" : "Response");
}

const char *es_service_path(enum es_interface number, enum es_role at)
{
    static const char *const paths[ES_INTERFACE_COUNT][ES_ROLE_COUNT] = {
        [ES_IF_ES1] = { [ES_ROLE_SMSR] = "/esim-messaging/3/ES1/ES1SmSrService" },
        [ES_IF_ES2] = { [ES_ROLE_SMDP] = "/esim-messaging/3/ES2/ES2SmDpService",
                        [ES_ROLE_OPERATOR] = "/esim-messaging/3/ES2/ES2MnoService" },
        [ES_IF_ES3] = { [ES_ROLE_SMSR] = "/esim-messaging/3/ES3/ES3SmSrService",
                        [ES_ROLE_SMDP] = "/esim-messaging/3/ES3/ES3SmDpService" },
        [ES_IF_ES4] = { [ES_ROLE_SMSR] = "/esim-messaging/3/ES4/ES4SmSrService",
                        [ES_ROLE_OPERATOR] = "/esim-messaging/3/ES4/ES4MnoService" },
        [ES_IF_ES4A] = { [ES_ROLE_SMSR] = "/esim-messaging/3/ES4A/ES4ASmSrService",
                         [ES_ROLE_OPERATOR] = "/esim-messaging/3/ES4/ES4MnoService" },
        [ES_IF_ES7] = { [ES_ROLE_SMSR] = "/esim-messaging/3/ES7/ES7SmSrProvider" },
    };
    return paths[number][at] ? paths[number][at] : "/esim-messaging/3";
}
