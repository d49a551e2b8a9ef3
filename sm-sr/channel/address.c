#include "address.h"

#include <stdio.h>

enum err smsr_address_first(struct turn *t, struct exchange *x, const char *to)
{
    const struct profile *enabled = smsr_profile_enabled(t->e);
    if (!to || !*to)
        to = enabled && *enabled->info.address.msisdn ? enabled->info.address.msisdn : t->e->seen_from;
    snprintf(x->to, sizeof x->to, "%s", to);
    return *x->to ? ERR_NONE : ERR_NOT_FOUND;
}

struct numbers {
    const char *list[SMSR_PROFILES_MAX + 1];
    size_t count;
};

static void number_add(struct numbers *n, const char *number)
{
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->list[i], number))
            return;
    if (*number && n->count < ARRAY_LEN(n->list))
        n->list[n->count++] = number;
}

static void number_of_profile(struct numbers *n, const struct profile *p)
{
    if (p && p->change != ROW_GONE && *p->info.iccid.digits)
        number_add(n, p->info.address.msisdn);
}

/* Where the card may be, likeliest first: where it was heard last, what a switch was about whose end nobody knows, what it falls
 * back to; then all others. */
static struct numbers numbers_of(struct turn *t, const struct exchange *x)
{
    struct numbers n = { .count = 0 };
    const struct operation *op = smsr_operation_by_n(t->e, x->operation);
    number_add(&n, t->e->seen_from);
    if (op) {
        number_of_profile(&n, smsr_profile_by_aid(t->e, &op->isdp));
        number_of_profile(&n, smsr_profile_by_aid(t->e, &op->other));
    }
    number_of_profile(&n, smsr_profile_by_aid(t->e, &t->e->expired_isdp));
    number_of_profile(&n, smsr_profile_enabled(t->e));
    number_of_profile(&n, smsr_profile_fallback(t->e));
    for (size_t i = 0; i < t->e->profile_count; i++)
        number_of_profile(&n, &t->e->profiles[i]);
    return n;
}

/* The card may have gone back to another profile with nobody to tell us: after some tries its other numbers get their
 * turn. The packet is for this eUICC alone, whatever number it goes to. */
void smsr_address_next(struct turn *t, struct exchange *x)
{
    if (x->tries < 2 || x->tries % 2)
        return;
    struct numbers n = numbers_of(t, x);
    size_t at = 0;
    while (at < n.count && strcmp(n.list[at], x->to) != 0)
        at++;
    if (n.count)
        snprintf(x->to, sizeof x->to, "%s", n.list[at < n.count ? (at + 1) % n.count : 0]);
}
