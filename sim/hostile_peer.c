/* A server that speaks out of turn (hostile.h). */
#include <stdio.h>
#include <stdlib.h>

#include "ecosystem.h"

#define MESSAGE_MAX (1u << 18)

static bool holds(struct span body, const char *text) { return body.ptr && memmem(body.ptr, body.len, text, strlen(text)) != NULL; }

/* The text of the first element of that name. */
static struct span text_of(struct span body, const char *element)
{
    const uint8_t *end = body.ptr + body.len, *at = memmem(body.ptr, body.len, element, strlen(element));
    const uint8_t *from = at ? memchr(at, '>', (size_t)(end - at)) : NULL;
    const uint8_t *to = from ? memchr(from, '<', (size_t)(end - from)) : NULL;
    return to ? (struct span){ from + 1, (size_t)(to - from - 1) } : SPAN_NONE;
}

static char other_digit(uint8_t c) { return c == '0' ? '1' : '0'; }

/* Gives each occurrence of that name (an identifier in hexadecimal) another digit there. */
static void rename_all(uint8_t *octets, size_t len, const char *name, size_t name_len, size_t digit)
{
    uint8_t *at = octets;
    while ((at = memmem(at, len - (size_t)(at - octets), name, name_len)) != NULL) {
        at[digit] = (uint8_t)other_digit(at[digit]);
        at += name_len;
    }
}

/* The last part of an identifier, behind its last hyphen. */
static struct span random_part(struct span id)
{
    size_t from = id.len;
    while (from && id.ptr[from - 1] != '-')
        from--;
    return span_from(id, from);
}

/* Questions and answers get another digit each: an answer to a renamed question must not become one to the first. */
static void post_renamed(struct world *w, const char *from, const struct effect *effect, struct span name, bool answer)
{
    char text[64];
    uint8_t *copy = name.len && name.len < sizeof text && effect->body.len <= MESSAGE_MAX ? malloc(effect->body.len) : NULL;
    if (!copy)
        return;
    memcpy(text, name.ptr, name.len);
    memcpy(copy, effect->body.ptr, effect->body.len);
    rename_all(copy, effect->body.len, text, name.len, answer ? 0 : name.len - 1);
    struct effect other = { .to = effect->to, .body = { copy, effect->body.len } };
    memcpy(other.line, effect->line, sizeof other.line);
    world_post(w, from, &other);
    free(copy);
}

/* ---- later */

/* Who, NUL, to whom, NUL, the message. */
static void post_late(void *context, uint64_t nothing, struct span octets)
{
    const char *from = (const char *)octets.ptr, *to = from + strlen(from) + 1;
    size_t head = strlen(from) + strlen(to) + 2;
    (void)nothing;
    world_post(context, from, &(struct effect){ .to = to, .body = span_from(octets, head) });
}

static void say_late(const struct hostile *h, struct world *w, const char *from, const struct effect *effect)
{
    struct weather later = { .delay_min_ms = 1000, .delay_max_ms = 1000 + h->late_max_ms };
    size_t from_len = strlen(from) + 1, to_len = strlen(effect->to) + 1, len = from_len + to_len + effect->body.len;
    uint8_t *octets = len <= MESSAGE_MAX ? malloc(len) : NULL;
    if (!octets)
        return;
    memcpy(octets, from, from_len);
    memcpy(octets + from_len, effect->to, to_len);
    memcpy(octets + from_len + to_len, effect->body.ptr, effect->body.len);
    world_carry(w, "out-of-turn", &later, (struct span){ octets, len }, post_late, w, 0);
    free(octets);
}

/* Of one who takes an eUICC over. An SM-SR that hands it over twice and listens to one of the answers alone harms itself. */
static bool may_be_asked_twice(struct span body)
{
    return holds(body, "ES7-AuthenticateSMSRRequest") || holds(body, "ES7-CreateAdditionalKeySetRequest");
}

void hostile_peer(const struct hostile *h, struct world *w, const char *from, const struct effect *effect)
{
    struct chance *fate = world_fate(w);
    if (!h)
        return;
    bool answer = holds(effect->body, "RelatesTo"), to_server = strncmp(effect->to, ECOSYSTEM_OPERATOR_URL, strlen(ECOSYSTEM_OPERATOR_URL)) != 0;
    if (!answer && h->asks_twice_permille && may_be_asked_twice(effect->body) && chance_permille(fate, h->asks_twice_permille))
        post_renamed(w, from, effect, random_part(text_of(effect->body, "FunctionCallIdentifier")), false);
    if (answer && to_server && h->stray_permille && chance_permille(fate, h->stray_permille))
        post_renamed(w, from, effect, random_part(text_of(effect->body, "RelatesTo")), true);
    if (answer && h->late_permille && chance_permille(fate, h->late_permille))
        say_late(h, w, from, effect);
}
