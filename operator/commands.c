#include "commands.h"

#include <stdio.h>

#include "admin.h"
#include "batch.h"
#include "show.h"

/* --- bodies ---------------------------------------------------------------------------------------------------- */

static bool complain(struct op_session *s, const char *text)
{
    snprintf(s->detail, sizeof s->detail, "%s", text);
    return false;
}

static bool oid_of(struct op_session *s, const char *name, struct oid *ret)
{
    const struct op_partner *p = op_partner_find(&s->config, name);
    if (p)
        *ret = p->oid;
    else if (oid_from_text(span_text(name), ret) != ERR_NONE) {
        snprintf(s->detail, sizeof s->detail, "%s: neither a partner nor an OID", name);
        return false;
    }
    return true;
}

/* The SM-SR in charge, which calls to an SM-DP must name (and those to an SM-SR do not). */
static bool smsr_of(struct op_session *s, const struct op_arguments *a, struct oid *ret)
{
    const char *name = a->sm_sr ? a->sm_sr : s->config.sm_sr;
    if (!s->partner->is_smdp)
        return true;
    return name ? oid_of(s, name, ret) : complain(s, "which SM-SR? Give --sm-sr, or sm_sr in [operator]");
}

static bool fill_download(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es2_download_profile *b = body;
    b->eid = a->eid;
    b->enable = a->given & OPT(ENABLE);
    if (a->type)
        b->profile_type = span_text(a->type);
    if (a->iccid_count)
        b->iccid = a->iccids[0];
    if (!a->type && !a->iccid_count)
        return complain(s, "which profile? Give --iccid or --type");
    return smsr_of(s, a, &b->smsr_id);
}

static bool fill_profile(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_profile_request *b = body;
    b->eid = a->eid;
    b->iccid = a->iccids[0];
    return smsr_of(s, a, &b->smsr_id);
}

static bool fill_audit(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_audit_request *b = body;
    b->eid = a->eid;
    b->iccids = (struct iccid *)(uintptr_t)a->iccids;
    b->iccid_count = a->iccid_count;
    return smsr_of(s, a, &b->smsr_id);
}

static bool fill_eid(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_eid_request *b = body;
    b->eid = a->eid;
    if (a->given & OPT(TARGET))
        return oid_of(s, a->target.text, &b->smsr_id);
    if (a->given & OPT(CURRENT))
        return oid_of(s, a->current.text, &b->smsr_id);
    return smsr_of(s, a, &b->smsr_id);
}

static bool fill_pol2(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_pol2_request *b = body;
    b->eid = a->eid;
    b->iccid = a->iccids[0];
    b->has_pol2 = true;
    b->pol2 = a->rules;
    return smsr_of(s, a, &b->smsr_id);
}

static bool fill_address(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_address_request *b = body;
    b->eid = a->eid;
    b->iccid = a->iccids[0];
    b->address = a->address;
    if (!(a->given & (OPT(IMSI) | OPT(MSISDN))))
        return complain(s, "which address? Give --imsi, --msisdn or both");
    return smsr_of(s, a, &b->smsr_id);
}

/* "A,B,C" into spans; "none" is an empty list. */
static bool names_of(struct op_session *s, const char *text, struct span **ret, size_t *ret_count)
{
    struct span *list = ARENA_ARRAY(&s->arena, struct span, ES_OPERATIONS_MAX);
    size_t count = 0;
    if (!list)
        return complain(s, "no memory");
    for (const char *at = strcmp(text, "none") ? text : ""; *at; at += *at == ',') {
        size_t len = strcspn(at, ",");
        if (!len || count == ES_OPERATIONS_MAX)
            return complain(s, len ? "too many names" : "an empty name in the list");
        list[count++] = (struct span){ (const uint8_t *)at, len };
        at += len;
    }
    *ret = list;
    *ret_count = count;
    return true;
}

static bool fill_set_plma(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_set_plma_request *b = body;
    b->plma.mno_id = s->config.oid;
    b->plma.profile_type = span_text(a->type);
    return oid_of(s, a->sp, &b->plma.m2m_sp_id) &&
           names_of(s, a->names, &b->plma.operations, &b->plma.operation_count) && smsr_of(s, a, &b->smsr_id);
}

static bool fill_get_plma(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_get_plma_request *b = body;
    if (a->type)
        b->profile_type = span_text(a->type);
    if (a->iccid_count)
        b->iccid = a->iccids[0];
    return (!a->sp || oid_of(s, a->sp, &b->m2m_sp_id)) && smsr_of(s, a, &b->smsr_id);
}

static bool fill_set_onc(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_set_onc_request *b = body;
    b->onc.mno_id = s->config.oid;
    b->onc.profile_type = span_text(a->type);
    return names_of(s, a->names, &b->onc.discarded, &b->onc.discarded_count) && smsr_of(s, a, &b->smsr_id);
}

static bool fill_get_onc(struct op_session *s, const struct op_arguments *a, void *body)
{
    struct es_get_onc_request *b = body;
    if (a->type)
        b->profile_type = span_text(a->type);
    return smsr_of(s, a, &b->smsr_id);
}

/* --- commands that call nobody --------------------------------------------------------------------------------- */

static enum op_exit run_example(struct op_session *s, const struct op_arguments *a)
{
    (void)s;
    (void)a;
    config_print_example(stdout, op_options, op_option_count);
    return OP_OK;
}

#define CALL(...) .allowed = OPT_CALLING | __VA_ARGS__, .required = __VA_ARGS__
#define OPT_OTA   (OPT_EVERY | OPT(KEYS) | OPT(MSISDN) | OPT(TIMEOUT) | OPT(DRY_RUN))
#define OTA(...)  .allowed = OPT_OTA | OPT(HTTPS) | __VA_ARGS__, .required = OPT(KEYS) | OPT(MSISDN) | __VA_ARGS__
#define PROFILE   CALL(OPT(EID) | OPT(ICCID)), .fill = fill_profile

/* clang-format off */
const struct op_command op_commands[] = {
    { "profile", "download", "download a profile to an eUICC and install it",
      "osprey profile download --eid 8900… --iccid 8949… --enable", .allowed = OPT_CALLING | OPT(EID) | OPT(ICCID) |
      OPT(TYPE) | OPT(ENABLE), .required = OPT(EID), .via_smdp = ES2_DOWNLOAD_PROFILE, .fill = fill_download },
    { "profile", "enable", "enable an installed profile; the enabled one is disabled",
      "osprey profile enable --eid 8900… --iccid 8949…", PROFILE, .via_smdp = ES2_ENABLE_PROFILE,
      .via_smsr = ES4_ENABLE_PROFILE },
    { "profile", "disable", "disable the enabled profile; the one with the fall-back attribute takes over",
      "osprey profile disable --eid 8900… --iccid 8949…", PROFILE, .via_smdp = ES2_DISABLE_PROFILE,
      .via_smsr = ES4_DISABLE_PROFILE },
    { "profile", "delete", "delete a profile from the eUICC",
      "osprey profile delete --eid 8900… --iccid 8949…", PROFILE,
      .via_smdp = ES2_DELETE_PROFILE, .via_smsr = ES4_DELETE_PROFILE },
    { "profile", "fallback", "give the fall-back attribute to a profile",
      "osprey profile fallback --eid 8900… --iccid 8949…", PROFILE, .via_smdp = ES2_SET_FALLBACK_ATTRIBUTE, .via_smsr = ES4_SET_FALLBACK_ATTRIBUTE },
    { "profile", "emergency", "make a profile the one for emergency calls",
      "osprey profile emergency --eid 8900… --iccid 8949…", PROFILE, .via_smdp = ES2_SET_EMERGENCY_PROFILE_ATTRIBUTE,
      .via_smsr = ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE },
    { "profile", "connectivity", "have the SM-DP set connectivity parameters in an installed profile (no function of SGP.02 asks it)",
      "osprey profile connectivity --iccid 8949… --centre +4917…", .allowed = OPT_LATER | OPT(ICCID) | OPT(CENTRE) | OPT(APN),
      .required = OPT(ICCID), .run = op_profile_connectivity },
    { "profile", "token", "have the SM-DP load the key for delete tokens into an installed profile",
      "osprey profile token --iccid 8949…", .allowed = OPT_LATER | OPT(ICCID), .required = OPT(ICCID), .run = op_profile_token },
    { "profile", "delete-token", "get a token from the SM-DP with which the profile can be deleted whatever its policy says",
      "osprey profile delete-token --iccid 8949… > token.json", .allowed = OPT_EVERY | OPT(VIA) | OPT(ICCID) | OPT(DRY_RUN),
      .required = OPT(ICCID), .run = op_delete_token },
    { "profile", "master-delete", "delete a disabled profile with a token of its SM-DP: asked for now, or from --file",
      "osprey profile master-delete --iccid 8949…", .allowed = OPT_LATER | OPT(SM_SR) | OPT(ICCID) | OPT(FILE),
      .run = op_master_delete },
    { "keys", "show", "show the master key of a server by its id, and how far the secrets have moved to it", "osprey keys show --via sm-sr",
      .allowed = OPT_EVERY | OPT(VIA), .run = op_keys_show },
    { "keys", "rewrap", "have a server walk over all its secrets once more, and bring them under its master key",
      "osprey keys rewrap --via sm-dp", .allowed = OPT_EVERY | OPT(VIA), .run = op_keys_rewrap },
    { "keys", "rotate", "have the SM-SR agree with an eUICC, or all of a file, on new OTA keys (SCP80), and delete the old ones",
      "osprey keys rotate --eid 8900…\n  osprey keys rotate --eids fleet.txt --report fleet.json", .allowed = OPT_LATER | OPT(EID) |
      OPT(EIDS) | OPT(PARALLEL) | OPT(REPORT), .required = OPT(EID), .run = op_keys_rotate },
    { "audit", NULL, "ask the eUICC itself for its profiles, and correct the record", "osprey audit --eid 8900…",
      .allowed = OPT_CALLING | OPT(EID) | OPT(ICCID), .required = OPT(EID), .via_smdp = ES2_AUDIT_EIS,
      .via_smsr = ES4_AUDIT_EIS, .fill = fill_audit },
    { "eis", "show", "show what the SM-SR has on record about an eUICC", "osprey eis show --eid 8900…", CALL(OPT(EID)),
      .via_smdp = ES2_GET_EIS, .via_smsr = ES4_GET_EIS, .fill = fill_eid },
    { "pol2", "set", "replace the policy rules of a profile",
      "osprey pol2 set --eid 8900… --iccid 8949… --rules delete:not-allowed", CALL(OPT(EID) | OPT(ICCID) | OPT(RULES)),
      .via_smdp = ES2_UPDATE_POLICY_RULES, .via_smsr = ES4_UPDATE_POLICY_RULES, .fill = fill_pol2 },
    { "policy", "set", "the same as pol2 set",
      "osprey policy set --eid 8900… --iccid 8949… --rules delete:not-allowed", CALL(OPT(EID) | OPT(ICCID) | OPT(RULES)),
      .via_smdp = ES2_UPDATE_POLICY_RULES, .via_smsr = ES4_UPDATE_POLICY_RULES, .fill = fill_pol2 },
    { "plma", "set", "say what an M2M service provider may do with our profiles of a type (empties it: --allow none)",
      "osprey plma set --sp 1.3.6.1.4.1.99.7 --type Meters --allow EnableProfile,DisableProfile",
      CALL(OPT(SP) | OPT(TYPE) | OPT(ALLOW)), .via_smdp = ES2_SET_PLMA, .via_smsr = ES4A_SET_PLMA,
      .fill = fill_set_plma },
    { "plma", "show", "show what M2M service providers may do with our profiles", "osprey plma show --type Meters",
      .allowed = OPT_CALLING | OPT(TYPE) | OPT(SP) | OPT(ICCID), .via_smdp = ES2_GET_PLMA, .via_smsr = ES4A_GET_PLMA,
      .fill = fill_get_plma },
    { "plma", "mine", "show what operators let us do, as an M2M service provider", "osprey plma mine --via sm-sr",
      .allowed = OPT_CALLING | OPT(TYPE) | OPT(ICCID), .via_smsr = ES4_GET_PLMA, .fill = fill_get_plma },
    { "onc", "set", "say which notifications we do not want for our profiles of a type (wants all: --discard none)",
      "osprey onc set --type Meters --discard HandleProfileEnabledNotification", CALL(OPT(TYPE) | OPT(DISCARD)),
      .via_smdp = ES2_SET_ONC, .via_smsr = ES4A_SET_ONC, .fill = fill_set_onc },
    { "onc", "show", "show which notifications we do not want", "osprey onc show", .allowed = OPT_CALLING | OPT(TYPE),
      .via_smdp = ES2_GET_ONC, .via_smsr = ES4A_GET_ONC, .fill = fill_get_onc },
    { "address", "set", "replace the subscription address of a profile",
      "osprey address set --eid 8900… --iccid 8949… --msisdn 4917…", .allowed = OPT_CALLING | OPT(EID) | OPT(ICCID) |
      OPT(IMSI) | OPT(MSISDN), .required = OPT(EID) | OPT(ICCID), .via_smdp = ES2_UPDATE_SUBSCRIPTION_ADDRESS,
      .via_smsr = ES4_UPDATE_SUBSCRIPTION_ADDRESS, .fill = fill_address },
    { "sm-sr", "prepare", "ask an SM-SR to get ready to take an eUICC over (ask the new one: --via)",
      "osprey sm-sr prepare --via new-sr --eid 8900… --current old-sr", CALL(OPT(EID) | OPT(CURRENT)),
      .via_smsr = ES4_PREPARE_SMSR_CHANGE, .fill = fill_eid },
    { "sm-sr", "change", "move an eUICC to another SM-SR (--via: the one in charge); with --eids all of a file, our PLMA and ONC too",
      "osprey sm-sr change --via old-sr --eid 8900… --target new-sr\n  osprey sm-sr change --via old-sr --target new-sr "
      "--eids fleet.txt --report fleet.json", .allowed = OPT_CALLING | OPT(EID) | OPT(TARGET) | OPT(EIDS) | OPT(PARALLEL) |
      OPT(REPORT), .required = OPT(EID) | OPT(TARGET), .via_smsr = ES4_SMSR_CHANGE, .fill = fill_eid },
    { "ota", "pol1", "set the policy rules inside our enabled profile (POL1, ES6), by SMS or HTTPS with its own keys",
      "osprey ota pol1 --keys meter.keys --msisdn 4917… --rules delete:not-allowed", OTA(OPT(RULES)), .run = op_ota_pol1 },
    { "ota", "connectivity", "set SMSC and access point inside our enabled profile (ES6), by SMS or HTTPS with its own keys",
      "osprey ota connectivity --keys meter.keys --msisdn 4917… --centre +4917…", .allowed = OPT_OTA | OPT(HTTPS) | OPT(CENTRE) |
      OPT(APN), .required = OPT(KEYS) | OPT(MSISDN), .run = op_ota_connectivity },
    { "ota", "script", "send C-APDUs to our enabled profile (RAM, RFM) by SMS or HTTPS with its own keys, and show the answers",
      "osprey ota script --keys meter.keys --msisdn 4917… --script 80F21000024F0000", OTA(OPT(SCRIPT)),
      .run = op_ota_script },
    { "ota", "repeat", "send the packet again whose answer has not come: the same octets, which the card takes once",
      "osprey ota repeat --keys meter.keys --msisdn 4917…", .allowed = OPT_OTA, .required = OPT(KEYS) | OPT(MSISDN),
      .run = op_ota_repeat },
    { "order", "add", "order a profile from the SM-DP (Osprey's own: SGP.02 leaves it to the parties)",
      "osprey order add --package meter.der --type Meters --msisdn 4917…", .allowed = OPT_EVERY | OPT(VIA) |
      OPT(PACKAGE) | OPT(FILE) | OPT(TYPE) | OPT(IMSI) | OPT(MSISDN) | OPT(RULES) | OPT(TOKEN) | OPT(DRY_RUN),
      .run = op_order_add },
    { "order", "list", "list our profiles at the SM-DP: free, reserved, installed and where", "osprey order list",
      .allowed = OPT_EVERY | OPT(VIA), .run = op_order_list },
    { "euicc", "list", "list the eUICCs on record at the SM-SR: those with a profile of ours", "osprey euicc list",
      .allowed = OPT_EVERY | OPT(VIA), .run = op_euicc_list },
    { "procedure", "list", "list what runs or waits at the SM-SR", "osprey procedure list", .allowed = OPT_EVERY | OPT(VIA) |
      OPT(EID), .run = op_procedure_list },
    { "procedure", "show", "show the procedures of an eUICC with their steps, and follow them to the end",
      "osprey procedure show --eid 8900… --follow", .allowed = OPT_EVERY | OPT(VIA) | OPT(EID) | OPT(FOLLOW),
      .required = OPT(EID), .run = op_procedure_show },
    { "outbox", "list", "list the messages of a server that have no answer yet (administrators)", "osprey outbox list --via sm-sr",
      .allowed = OPT_EVERY | OPT(VIA), .run = op_outbox_list },
    { "undelivered", "list", "list the answers and notifications that a server gave up (administrators)",
      "osprey undelivered list --via sm-sr", .allowed = OPT_EVERY | OPT(VIA), .run = op_undelivered_list },
    { "undelivered", "retry", "send one of them once more", "osprey undelivered retry 17 --via sm-sr", .allowed = OPT_EVERY |
      OPT(VIA) | OPT(WORD), .required = OPT(WORD), .run = op_undelivered_retry },
    { "undelivered", "forget", "forget one of them", "osprey undelivered forget 17 --via sm-sr", .allowed = OPT_EVERY |
      OPT(VIA) | OPT(WORD), .required = OPT(WORD), .run = op_undelivered_forget },
    { "server", "partners", "list who may come in at a server, with limits (administrators)", "osprey server partners --via sm-sr",
      .allowed = OPT_EVERY | OPT(VIA), .run = op_server_partners },
    { "partner", "list", "list the partners of the configuration", "osprey partner list", .allowed = OPT_EVERY,
      .run = op_partner_list },
    { "partner", "test", "try the connection to a partner, and say what is wrong and on which side",
      "osprey partner test sm-sr", .allowed = OPT_EVERY | OPT(WORD) | OPT(TIMEOUT), .required = OPT(WORD),
      .run = op_partner_test },
    { "status", NULL, "explain a status code in words, with what to do next; without one: list all",
      "osprey status 8.2.3/3.8", .allowed = OPT(HELP) | OPT(JSON) | OPT(WORD), .plain = true, .run = op_status },
    { "codes", NULL, "list what is not confirmed about SGP.02, our choices, and how a partner gets others",
      "osprey codes", .allowed = OPT(HELP) | OPT(JSON), .plain = true, .run = op_codes },
    { "completion", NULL, "print what makes bash complete our commands",
      "source <(osprey completion bash)", .allowed = OPT(HELP) | OPT(WORD), .plain = true, .run = op_completion },
    { "listen", NULL, "take callbacks and notifications, keep them in the inbox, print them and hand them on",
      "osprey listen --webhook http://127.0.0.1:8080/esim --secret hook.key", .allowed = OPT_EVERY |
      OPT(COUNT_MESSAGES) | OPT(WEBHOOK) | OPT(SECRET) | OPT(EXEC) | OPT(POLL), .run = op_listen },
    { "inbox", NULL, "print what has arrived", "osprey inbox --follow", .allowed = OPT_EVERY | OPT(FOLLOW) |
      OPT(COUNT_MESSAGES), .run = op_inbox },
    { "config", "check", "read the configuration and its files, and say whether they are good",
      "osprey config check --config osprey.conf", .allowed = OPT_EVERY, .run = op_config_check },
    { "config", "example", "print a configuration with every option", "osprey config example > osprey.conf",
      .allowed = OPT_EVERY, .plain = true, .run = run_example },
};
/* clang-format on */
const size_t op_command_count = ARRAY_LEN(op_commands);

/* --- running one ----------------------------------------------------------------------------------------------- */

static bool can(const struct op_command *c, const struct op_partner *p)
{
    return (p->is_smdp ? c->via_smdp : c->via_smsr) != ES_FUNCTION_NONE;
}

static const struct op_partner *first_of_kind(const struct op_config *config, bool smdp)
{
    for (size_t i = 0; i < config->partner_count; i++)
        if (config->partners[i].is_smdp == smdp)
            return &config->partners[i];
    return NULL;
}

/* --via, else `via` of the configuration, else the only partner that can do it. */
static const struct op_partner *choose(struct op_session *s, const struct op_command *c, const struct op_arguments *a)
{
    const struct op_config *config = &s->config;
    const char *name = a->via ? a->via : config->via;
    const struct op_partner *p = name ? op_partner_find(config, name) : NULL, *only = NULL;
    size_t able = 0;
    if (!p && name && (!strcmp(name, "sm-dp") || !strcmp(name, "sm-sr")))
        p = first_of_kind(config, !strcmp(name, "sm-dp"));
    for (size_t i = 0; i < config->partner_count; i++)
        if (can(c, &config->partners[i])) {
            only = &config->partners[i];
            able++;
        }
    if (!p && !a->via && able == 1)
        p = only;
    if (p && !can(c, p) && !a->via && able == 1) /* the configured default cannot, but somebody else can */
        p = only;
    if (!p)
        snprintf(s->detail, sizeof s->detail, name ? "%s: there is no such partner in the configuration"
                                                   : "whom to ask? Give --via, or via in [operator]", name);
    else if (!can(c, p)) {
        snprintf(s->detail, sizeof s->detail, "%s is an %s and cannot do this; ask an %s with --via", p->name,
                 p->is_smdp ? "SM-DP" : "SM-SR", p->is_smdp ? "SM-SR" : "SM-DP");
        p = NULL;
    }
    return p;
}

static bool needs_endpoint(const struct op_call *call)
{
    return es_function_info(call->function)->pattern == ES_CALLBACK && !call->partner->poll && !call->no_wait && !call->dry_run;
}

static enum op_exit call(struct op_session *s, const struct op_command *c, const struct op_arguments *a)
{
    struct op_call call = { .partner = choose(s, c, a), .wait_s = a->timeout_s, .no_wait = a->given & OPT(NO_WAIT),
                            .dry_run = a->given & OPT(DRY_RUN),
                            .repeat = a->call_id != NULL };
    struct op_result result;
    if (!call.partner)
        return OP_USAGE;
    s->partner = call.partner;
    call.function = call.partner->is_smdp ? c->via_smdp : c->via_smsr;
    if (needs_endpoint(&call) && op_session_endpoint(s) != ERR_NONE)
        return OP_LOCAL;
    call.body = arena_alloc(&s->arena, es_body_size(call.function, ES_REQUEST));
    if (!call.body)
        return OP_LOCAL;
    struct es_request *base = call.body;
    base->validity_s = a->validity_s;
    if (a->call_id)
        base->call_id = span_text(a->call_id);
    else if (a->campaign)
        base->call_id = op_call_id(s, a->campaign);
    if (!c->fill(s, a, call.body))
        return OP_USAGE;
    s->detail[0] = '\0';
    op_call_run(s, &call, &result);
    op_show_result(s, &call, &result);
    return result.exit;
}

enum op_exit op_command_run(const struct op_command *c, int argc, char **argv)
{
    static struct op_session s; /* large */
    struct op_arguments a;
    enum op_exit exit;
    if (op_arguments_read(argc, argv, c->allowed, c->required, &a, s.detail, sizeof s.detail) != ERR_NONE) {
        fprintf(stderr, "osprey: %s\n  %s\n(osprey %s%s%s --help says more)\n", s.detail, c->example, c->noun,
                c->verb ? " " : "", c->verb ? c->verb : "");
        return OP_USAGE;
    }
    if (a.given & OPT(HELP)) {
        op_command_help(c);
        return OP_OK;
    }
    s.json = a.given & OPT(JSON);
    if (c->plain)
        return c->run(&s, &a);
    s.explain = a.given & OPT(EXPLAIN);
    if (op_session_open(&s, a.config) != ERR_NONE) {
        op_show_error(&s, OP_LOCAL, s.detail);
        return OP_LOCAL;
    }
    exit = c->run ? c->run(&s, &a) : a.eids ? op_batch_change(&s, &a) : call(&s, c, &a);
    if (s.detail[0])
        op_show_error(&s, exit, s.detail);
    op_session_close(&s);
    return exit;
}
