#include "bed.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

#include "lib/base/world.h"
#include "lib/codec/hex.h"
#include "package.h"

#define HEXF_TEXT_MAX 8192u
#define COUNTERS_FROM_MS                                                                                               \
    1262304000000u /* 2010: a counter has 40 bits; one millisecond each is above any run before                        \
                    */

/* ---- verdicts ---- */

void bed_end(struct bed *b, enum case_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(b->detail, sizeof b->detail, format, arguments);
    va_end(arguments);
    b->verdict = verdict;
    longjmp(b->leave, 1);
}

void note(struct bed *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(b->detail, sizeof b->detail, format, arguments);
    va_end(arguments);
}

void need_ok(struct bed *b, enum err err, const char *what)
{
    if (err != ERR_NONE)
        fail(b, "%s: %s", what, err_text(err));
}

void need_sw(struct bed *b, uint16_t got, uint16_t want, const char *what)
{
    if (got != want)
        fail(b, "%s: %04X instead of %04X", what, got, want);
}

void need_sw2(struct bed *b, uint16_t got, uint16_t want, uint16_t other, const char *what)
{
    if (got != want && got != other)
        fail(b, "%s: %04X instead of %04X or %04X", what, got, want, other);
}

void need_span(struct bed *b, struct span got, struct span want, const char *what)
{
    if (!span_eq(got, want))
        fail(b, "%s: %.80s instead of %.80s", what, hex_of(b, got), hex_of(b, want));
}

struct ec_key *bed_ephemeral(struct bed *b)
{
    need(b, b->drawn_count < BED_DRAWN_MAX, "the case draws more than %u keys", BED_DRAWN_MAX);
    struct ec_key **slot = &b->drawn[b->drawn_count];
    need_ok(b, ec_generate((enum ec_curve)b->keys->ecasd_curve, NULL, slot), "ephemeral key");
    b->drawn_count++;
    return *slot;
}

static void ephemerals_free(struct bed *b)
{
    while (b->drawn_count > 0)
        ec_key_free(b->drawn[--b->drawn_count]);
}

enum case_verdict bed_guard(struct bed *b, void (*run)(struct bed *))
{
    b->verdict = VERDICT_PASS;
    b->detail[0] = 0;
    if (setjmp(b->leave) == 0)
        run(b);
    ephemerals_free(b);
    return b->verdict;
}

/* ---- bytes ---- */

struct writer room(struct bed *b, size_t cap)
{
    struct writer w = wr_arena(&b->arena, cap);
    need_ok(b, w.err, "the runner's memory");
    return w;
}

struct span kept(struct bed *b, struct span s)
{
    struct span copy = arena_copy(&b->arena, s);
    if (s.len && !copy.ptr)
        fail(b, "the runner's memory is full");
    return copy;
}

char *hex_of(struct bed *b, struct span s)
{
    char *text = hex_arena(&b->arena, s);
    return text ? text : (char *)"";
}

struct span hexf(struct bed *b, const char *format, ...)
{
    char text[HEXF_TEXT_MAX];
    size_t n = 0, len;
    va_list arguments;
    va_start(arguments, format);
    int printed = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    need(b, printed >= 0 && (size_t)printed < sizeof text, "the runner's command is too long");
    for (const char *p = text; *p; p++)
        if (!isspace((unsigned char)*p))
            text[n++] = *p;
    struct writer w = room(b, n / 2 + 1);
    need_ok(b, hex_read((struct span){ (const uint8_t *)text, n }, w.buf, w.cap, &len), "the runner's hex");
    return (struct span){ w.buf, len };
}

/* ---- life ---- */

enum err bed_new(struct target *target, struct card_keys *keys, struct bed **ret)
{
    struct bed *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NO_MEMORY;
    b->target = target;
    b->keys = keys;
    b->next_tar = 0x000040;
    b->patience_s = BED_PATIENCE_S;
    b->key.kvn = keys->scp80.kvn;
    memcpy(b->key.kic, keys->scp80.kic, 16);
    memcpy(b->key.kid, keys->scp80.kid, 16);
    b->key.counter = target->is_new ? 0 : world_clock()->now_ms(world_clock()) - COUNTERS_FROM_MS;
    b->mno.kvn = 0x01;
    memcpy(b->mno.kic, PACKAGE_KIC, 16);
    memcpy(b->mno.kid, PACKAGE_KID, 16);
    memcpy(b->server.psk, keys->scp81.psk, 16);
    arena_init(&b->arena, BED_ARENA_MAX);
    enum ec_curve curve = ec_key_curve(keys->ci);
    enum err err = ec_generate(curve, NULL, &b->dp);
    if (err == ERR_NONE)
        err = ec_generate(curve, NULL, &b->sr);
    if (err == ERR_NONE)
        *ret = b;
    else
        bed_free(b);
    return err;
}

void bed_free(struct bed *b)
{
    if (!b)
        return;
    server_close(b);
    ec_key_free(b->dp);
    ec_key_free(b->sr);
    arena_release(&b->arena);
    wipe(b, sizeof *b);
    free(b);
}
