#include "bearer.h"

#include "exchange.h"

#define BIG_MAX 2u

const char *smsr_bearer_text(enum bearer bearer)
{
    static const char *const text[] = { [BEARER_SMS] = "SMS", [BEARER_HTTPS] = "HTTPS", [BEARER_CAT_TP] = "CAT_TP" };
    return text[bearer];
}

bool smsr_bearer_is_of(enum bearer bearer, struct reply_ref session)
{
    return (bearer == BEARER_HTTPS && session.node == SMSR_NODE_ADMIN) ||
           (bearer == BEARER_CAT_TP && session.node == SMSR_NODE_LINK);
}

static bool is_possible(const struct turn *t, enum bearer bearer)
{
    const struct smsr_config *c = t->config;
    if (bearer == BEARER_HTTPS)
        return t->e->http && !c->no_https && (c->bearer == SMSR_BEARER_AUTO || c->bearer == SMSR_BEARER_HTTPS) &&
               smsr_keyset_of(t->e, KEYSET_SCP81);
    return t->e->cat_tp && c->cat_tp_port && (c->bearer == SMSR_BEARER_AUTO || c->bearer == SMSR_BEARER_CAT_TP) &&
           smsr_keyset_of(t->e, KEYSET_SCP80);
}

/* For what is too much for short messages, best first. */
static size_t big_bearers(const struct turn *t, enum bearer ret[BIG_MAX])
{
    const enum bearer order[BIG_MAX] = { t->config->cat_tp_first ? BEARER_CAT_TP : BEARER_HTTPS,
                                         t->config->cat_tp_first ? BEARER_HTTPS : BEARER_CAT_TP };
    size_t count = 0;
    for (size_t i = 0; i < BIG_MAX; i++)
        if (is_possible(t, order[i]))
            ret[count++] = order[i];
    return count;
}

size_t smsr_script_room(const struct turn *t)
{
    enum bearer big[BIG_MAX];
    if (!big_bearers(t, big))
        return t->config->sms_script_max;
    return big[0] == BEARER_HTTPS ? t->config->https_script_max : t->config->cat_tp_script_max;
}

static bool fits(const struct turn *t, enum bearer bearer, size_t len)
{
    return bearer != BEARER_CAT_TP || len <= t->config->cat_tp_script_max;
}

struct bearer_choice smsr_bearer_choose(const struct turn *t, size_t len, bool bulk, struct reply_ref session)
{
    enum bearer big[BIG_MAX];
    size_t count = big_bearers(t, big), first = 0;
    for (size_t i = 0; i < count; i++)
        if (smsr_bearer_is_of(big[i], session) && fits(t, big[i], len))
            return (struct bearer_choice){ big[i], "the card is here this way" };
    while (first < count && !fits(t, big[first], len))
        first++;
    if (first == count)
        return (struct bearer_choice){ BEARER_SMS, count ? "too long for the others" : "the only way to this card" };
    if (t->config->bearer != SMSR_BEARER_AUTO)
        return (struct bearer_choice){ big[first], "configured" };
    if (bulk)
        return (struct bearer_choice){ big[first], "a download" };
    if (len > t->config->sms_script_max)
        return (struct bearer_choice){ big[first], "too long for short messages" };
    return (struct bearer_choice){ BEARER_SMS, "short enough" };
}

static bool by_sms(const struct turn *t, size_t len, const char *why, struct bearer_choice *ret)
{
    if (t->config->bearer != SMSR_BEARER_AUTO || len > t->config->sms_script_max)
        return false;
    *ret = (struct bearer_choice){ BEARER_SMS, why };
    return true;
}

bool smsr_bearer_besides(const struct turn *t, enum bearer bearer, size_t len, struct bearer_choice *ret)
{
    static const char why[] = "too long for the card the other way";
    enum bearer big[BIG_MAX];
    size_t count = big_bearers(t, big);
    for (size_t i = 0; i < count; i++)
        if (big[i] != bearer && fits(t, big[i], len)) {
            *ret = (struct bearer_choice){ big[i], why };
            return true;
        }
    return by_sms(t, len, why, ret);
}

bool smsr_bearer_after(const struct turn *t, enum bearer bearer, size_t len, struct bearer_choice *ret)
{
    enum bearer big[BIG_MAX];
    size_t count = big_bearers(t, big), at = 0;
    while (at < count && big[at] != bearer)
        at++;
    for (at++; at < count; at++)
        if (fits(t, big[at], len)) {
            *ret = (struct bearer_choice){ big[at], "the card does not come the other way" };
            return true;
        }
    return by_sms(t, len, "the card does not come", ret);
}
