#include "arguments.h"

#include <stdlib.h>

static const struct {
    const char *name, *value, *help;
} options[OP_OPTION_COUNT] = {
    [OPT_EID] = { "eid", "DIGITS", "the eUICC: 32 digits" },
    [OPT_ICCID] = { "iccid", "DIGITS", "the profile: 18 to 20 digits" },
    [OPT_TYPE] = { "type", "TEXT", "any free profile of this profile type" },
    [OPT_ENABLE] = { "enable", NULL, "enable the profile once it is installed" },
    [OPT_RULES] = { "rules", "RULES",
                    "disable:not-allowed, delete:not-allowed, disable:auto-delete (with commas), or none" },
    [OPT_IMSI] = { "imsi", "DIGITS", "the subscription's IMSI" },
    [OPT_MSISDN] = { "msisdn", "DIGITS", "the subscription's number, without +" },
    [OPT_TARGET] = { "target", "SM-SR", "the SM-SR that takes over: a partner's name, or an OID" },
    [OPT_CURRENT] = { "current", "SM-SR", "the SM-SR in charge now: a partner's name, or an OID" },
    [OPT_COUNT_MESSAGES] = { "count", "N", "leave after N messages" },
    [OPT_FOLLOW] = { "follow", NULL, "wait for more" },
    [OPT_VIA] = { "via", "PARTNER", "whom to ask: sm-dp, sm-sr, or a partner's name" },
    [OPT_SM_SR] = { "sm-sr", "SM-SR", "the SM-SR in charge, when an SM-DP is asked: a partner's name, or an OID" },
    [OPT_VALIDITY] = { "validity", "SECONDS", "how long the command is valid" },
    [OPT_TIMEOUT] = { "timeout", "SECONDS", "how long to wait for the answer; else the validity and half a minute" },
    [OPT_CALL_ID] = { "call-id", "TEXT", "repeat the call of this identifier: it is not carried out twice" },
    [OPT_CAMPAIGN] = { "campaign", "NAME", "the call is one of this campaign, which may have a budget of its own at the SM-SR" },
    [OPT_NO_WAIT] = { "no-wait", NULL, "leave once the command is accepted" },
    [OPT_CONFIG] = { "config", "FILE", "else $OSPREY_CONFIG, ./osprey.conf, ~/.config/osprey/, /etc/osprey/" },
    [OPT_JSON] = { "json", NULL, "one JSON object a line instead of text" },
    [OPT_EXPLAIN] = { "explain", NULL, "show the messages that go over the wire" },
    [OPT_HELP] = { "help", NULL, "this text" },
    [OPT_SP] = { "sp", "OID", "the M2M service provider that is authorised: a partner's name, or an OID" },
    [OPT_ALLOW] = { "allow", "NAMES", "what it may do: functions and notifications with commas between, or none" },
    [OPT_DISCARD] = { "discard", "NAMES", "notifications that shall not be sent, with commas between, or none" },
    [OPT_DRY_RUN] = { "dry-run", NULL, "show the message that would be sent, and send nothing" },
    [OPT_WEBHOOK] = { "webhook", "URL", "POST every message there as JSON" },
    [OPT_SECRET] = { "secret", "FILE", "sign what goes to the webhook (HMAC-SHA-256) with this file's octets" },
    [OPT_EXEC] = { "exec", "COMMAND", "run this for every message, with its JSON on standard input" },
    [OPT_PACKAGE] = { "package", "FILE", "the profile package, DER (osprey-profile builds one)" },
    [OPT_KEYS] = { "keys", "FILE", "the profile's keys: [profile] with kvn, kic, kid, tar; FILE.counter is kept beside it" },
    [OPT_CENTRE] = { "centre", "NUMBER", "the SMSC that the card shall use: +4917…" },
    [OPT_APN] = { "apn", "NAME", "the access point that the card shall use for HTTPS" },
    [OPT_SCRIPT] = { "script", "APDUS", "C-APDUs in hexadecimal digits, with commas between" },
    [OPT_POLL] = { "poll", NULL, "fetch from the partners that have poll in the configuration, instead of listening" },
    [OPT_EIDS] = { "eids", "FILE", "many eUICCs, one EID a line; FILE.progress is kept beside it: the same command goes on after a kill" },
    [OPT_PARALLEL] = { "parallel", "N", "with --eids: so many at a time (8)" },
    [OPT_REPORT] = { "report", "FILE", "with --eids: what became of each, as JSON" },
    [OPT_FILE] = { "file", "FILE", "orders: a line each, PACKAGE [type=…] [imsi=…] [msisdn=…] [rules=…] [token=yes]; master-delete: a token" },
    [OPT_TOKEN] = { "token", NULL, "its ISD-P shall get a key for delete tokens: osprey profile master-delete" },
    [OPT_HTTPS] = { "https", NULL, "the card fetches the script over HTTPS, with the key psk of the key file; an SMS invites it" },
    [OPT_WORD] = { "", NULL, "" },
};

struct parse {
    struct op_arguments *args;
    char *detail;
    size_t cap;
};

static enum err wrong(struct parse *p, enum op_option option, const char *why)
{
    snprintf(p->detail, p->cap, "--%s: %s", options[option].name, why);
    return ERR_BAD_VALUE;
}

static enum err read_number(struct parse *p, enum op_option option, const char *text, uint32_t *ret)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n == 0 || n > 0x7FFFFFFF)
        return wrong(p, option, "a number from 1 on");
    *ret = (uint32_t)n;
    return ERR_NONE;
}

static enum err read_eid(struct parse *p, const char *text)
{
    switch (eid_from_text(span_text(text), &p->args->eid)) {
    case ERR_NONE:
        return ERR_NONE;
    case ERR_BAD_LENGTH:
        return wrong(p, OPT_EID, "an EID has 32 digits");
    case ERR_VERIFY:
        return wrong(p, OPT_EID, "the check digits (the last two) do not fit: a digit is wrong or two are exchanged");
    default:
        return wrong(p, OPT_EID, "an EID has digits only and starts with 89");
    }
}

static enum err read_iccid(struct parse *p, const char *text)
{
    if (p->args->iccid_count == EIS_PROFILES_MAX)
        return wrong(p, OPT_ICCID, "too many");
    if (iccid_from_text(span_text(text), &p->args->iccids[p->args->iccid_count]) != ERR_NONE)
        return wrong(p, OPT_ICCID, "an ICCID has 18 to 20 digits and starts with 89");
    p->args->iccid_count++;
    return ERR_NONE;
}

static enum err read_campaign(struct parse *p, const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    p->args->campaign = text;
    return len && len <= OP_CAMPAIGN_MAX && !text[len] ? ERR_NONE : wrong(p, OPT_CAMPAIGN, "up to 64 letters, digits, - and _");
}

/* Options whose value is kept as it stands, and those that are a number. */
static const struct {
    enum op_option option;
    size_t at; /* in struct op_arguments */
    bool filled;
} texts[] = {
#define TEXT(option, field, filled) { option, offsetof(struct op_arguments, field), filled }
    TEXT(OPT_VIA, via, false),       TEXT(OPT_SM_SR, sm_sr, false),     TEXT(OPT_CALL_ID, call_id, true), TEXT(OPT_CONFIG, config, false),
    TEXT(OPT_SP, sp, false),         TEXT(OPT_WEBHOOK, webhook, false), TEXT(OPT_SECRET, secret, false),  TEXT(OPT_KEYS, keys, false),
    TEXT(OPT_CENTRE, centre, false), TEXT(OPT_APN, apn, false),         TEXT(OPT_SCRIPT, script, true),   TEXT(OPT_PACKAGE, package, false),
    TEXT(OPT_EIDS, eids, false),     TEXT(OPT_REPORT, report, false),   TEXT(OPT_FILE, file, false),      TEXT(OPT_EXEC, exec, false),
#undef TEXT
};
static const struct {
    enum op_option option;
    size_t at;
} numbers[] = {
    { OPT_COUNT_MESSAGES, offsetof(struct op_arguments, count) },
    { OPT_VALIDITY, offsetof(struct op_arguments, validity_s) },
    { OPT_TIMEOUT, offsetof(struct op_arguments, timeout_s) },
    { OPT_PARALLEL, offsetof(struct op_arguments, parallel) },
};

static enum err read_plain(struct parse *p, enum op_option option, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].option == option) {
            *(const char **)((char *)p->args + texts[i].at) = text;
            return *text || !texts[i].filled ? ERR_NONE : wrong(p, option, "is empty");
        }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (numbers[i].option == option)
            return read_number(p, option, text, (uint32_t *)((char *)p->args + numbers[i].at));
    return ERR_NONE; /* a switch */
}

static enum err read_rules(struct parse *p, const char *text)
{
    if (pol2_from_text(span_text(text), &p->args->rules) != ERR_NONE)
        return wrong(p, OPT_RULES, "rules are action:qualification, with commas between; see --help");
    return pol2_meaningful(p->args->rules, false) ? ERR_NONE : wrong(p, OPT_RULES, "these rules together make no sense");
}

static enum err read_value(struct parse *p, enum op_option option, const char *text)
{
    struct op_arguments *a = p->args;
    switch (option) {
    case OPT_EID:
        return read_eid(p, text);
    case OPT_ICCID:
        return read_iccid(p, text);
    case OPT_TYPE:
        a->type = text;
        return *text && strlen(text) <= EIS_TEXT_MAX ? ERR_NONE : wrong(p, option, "1 to 100 characters");
    case OPT_CAMPAIGN:
        return read_campaign(p, text);
    case OPT_RULES:
        return read_rules(p, text);
    case OPT_IMSI:
        return imsi_from_text(span_text(text), &a->address) == ERR_NONE ? ERR_NONE : wrong(p, option, "at most 15 digits");
    case OPT_MSISDN:
        return msisdn_from_text(span_text(text), &a->address) == ERR_NONE ? ERR_NONE : wrong(p, option, "3 to 15 digits");
    case OPT_TARGET:
    case OPT_CURRENT: /* a partner's name is looked up later */
        *(option == OPT_TARGET ? &a->target : &a->current) = (struct oid){ { 0 } };
        snprintf(option == OPT_TARGET ? a->target.text : a->current.text, OID_TEXT_MAX + 1, "%s", text);
        return ERR_NONE;
    case OPT_ALLOW:
    case OPT_DISCARD:
        a->names = text;
        return *text ? ERR_NONE : wrong(p, option, "names, or none");
    default:
        return read_plain(p, option, text);
    }
}

static enum op_option find(const char *word, uint64_t allowed, const char **ret_value)
{
    for (int i = 0; i < OPT_WORD; i++) {
        size_t len = strlen(options[i].name);
        if (!(allowed >> i & 1) || strncmp(word, options[i].name, len) != 0 || (word[len] && word[len] != '='))
            continue;
        *ret_value = word[len] ? word + len + 1 : NULL;
        return (enum op_option)i;
    }
    return OP_OPTION_COUNT;
}

enum err op_arguments_read(int argc, char **argv, uint64_t allowed, uint64_t required, struct op_arguments *ret,
                           char *detail, size_t cap)
{
    struct parse p = { ret, detail, cap };
    *ret = (struct op_arguments){ 0 };
    for (int i = 0; i < argc; i++) {
        const char *word = strcmp(argv[i], "-h") ? argv[i] : "--help", *value = NULL;
        if (*word != '-' && (allowed & OPT(WORD)) && !ret->word) {
            ret->word = word;
            ret->given |= OPT(WORD);
            continue;
        }
        enum op_option option = strncmp(word, "--", 2) ? OP_OPTION_COUNT : find(word + 2, allowed, &value);
        if (option == OP_OPTION_COUNT) {
            snprintf(detail, cap, *word == '-' ? "%s: not an option of this command" : "%s: what is that? Options begin with --", word);
            return ERR_BAD_VALUE;
        }
        if (ret->given >> option & 1 && option != OPT_ICCID)
            return wrong(&p, option, "is given twice");
        if (options[option].value && !value)
            value = i + 1 < argc ? argv[++i] : NULL;
        else if (!options[option].value && value)
            return wrong(&p, option, "takes no value");
        if (options[option].value && !value)
            return wrong(&p, option, "a value is missing");
        ret->given |= 1ull << option;
        enum err err = read_value(&p, option, value);
        if (err != ERR_NONE)
            return err;
    }
    if (ret->eids)
        required &= ~OPT(EID);
    if ((required & OPT(WORD)) && !ret->word && !(ret->given & OPT(HELP))) {
        snprintf(detail, cap, "a word behind the command is missing");
        return ERR_MISSING;
    }
    for (int i = 0; i < OPT_WORD; i++)
        if (required >> i & 1 && !(ret->given >> i & 1) && !(ret->given & OPT(HELP)))
            return wrong(&p, (enum op_option)i, "is needed");
    return ERR_NONE;
}

const char *op_option_name(enum op_option option) { return options[option].name; }

void op_arguments_help(FILE *out, uint64_t allowed, uint64_t required)
{
    for (int i = 0; i < OPT_WORD; i++) {
        char left[40];
        if (!(allowed >> i & 1))
            continue;
        snprintf(left, sizeof left, "--%s %s", options[i].name, options[i].value ? options[i].value : "");
        fprintf(out, "  %-20s %s%s\n", left, options[i].help, required >> i & 1 ? " (needed)" : "");
    }
}
