/* Messages through a bare scanner that finds every tag and text and matches the ends, and written again from what it found:
 * about what a strict SOAP subset needs, without knowing any function. */
#include "floor.h"

#include <string.h>

#include "lib/codec/hex.h"

#define TOKENS_MAX   4096u
#define DEPTH_MAX    64u
#define MESSAGE_MAX  65536u
#define HEX_OCTETS   12500u

enum token_kind { TOKEN_START, TOKEN_TEXT, TOKEN_END };
struct token {
    uint32_t offset, len;
    enum token_kind kind;
};

struct work {
    struct span message;
    struct token tokens[TOKENS_MAX];
    size_t count;
    char out[MESSAGE_MAX];
    bool is_name[256];
};

static size_t name_len(const struct work *w, const char *at, const char *end)
{
    const char *p = at;
    while (p < end && w->is_name[(uint8_t)*p])
        p++;
    return (size_t)(p - at);
}

static const char *token_add(struct work *w, enum token_kind kind, const char *at, size_t len)
{
    if (w->count == TOKENS_MAX)
        bench_must(ERR_NO_SPACE, "tokens");
    w->tokens[w->count++] = (struct token){ (uint32_t)(at - (const char *)w->message.ptr), (uint32_t)len, kind };
    return at + len;
}

static bool ends_match(const struct work *w, const struct token *start, const char *at, size_t len)
{
    return start->len >= len && !memcmp(w->message.ptr + start->offset, at, len);
}

static void scan_once(struct work *w)
{
    const char *p = (const char *)w->message.ptr, *end = p + w->message.len;
    size_t open[DEPTH_MAX], depth = 0;
    w->count = 0;
    while (p < end) {
        const char *tag = memchr(p, '<', (size_t)(end - p));
        if (!tag)
            break;
        if (tag > p && depth)
            token_add(w, TOKEN_TEXT, p, (size_t)(tag - p));
        const char *close = memchr(tag, '>', (size_t)(end - tag));
        if (!close || depth == DEPTH_MAX)
            bench_must(ERR_BAD_VALUE, "a message");
        if (tag[1] == '/') {
            if (!depth || !ends_match(w, &w->tokens[open[--depth]], tag + 2, name_len(w, tag + 2, end)))
                bench_must(ERR_BAD_VALUE, "an end tag");
            token_add(w, TOKEN_END, tag + 2, (size_t)(close - tag - 2));
        } else if (tag[1] != '?') {
            open[depth] = w->count;
            depth += close[-1] != '/';
            token_add(w, TOKEN_START, tag + 1, (size_t)(close - tag - 1));
        }
        p = close + 1;
    }
}

static void scan(void *context, unsigned repeats)
{
    while (repeats--)
        scan_once(context);
}

static void emit(void *context, unsigned repeats)
{
    struct work *w = context;
    while (repeats--) {
        char *o = w->out;
        for (size_t i = 0; i < w->count; i++) {
            const struct token *t = &w->tokens[i];
            if (t->kind != TOKEN_TEXT)
                *o++ = '<';
            if (t->kind == TOKEN_END)
                *o++ = '/';
            memcpy(o, w->message.ptr + t->offset, t->len);
            o += t->len;
            if (t->kind != TOKEN_TEXT)
                *o++ = '>';
        }
        bench_keep(w->out);
    }
}

/* Sixteen digits at a time, all of them right. */
static uint64_t eight_digits(uint64_t text)
{
    uint64_t letters = (text & 0x4040404040404040u) >> 6;
    uint64_t nibbles = (text & 0x0F0F0F0F0F0F0F0Fu) + letters * 9;
    uint64_t pairs = (nibbles << 4 | nibbles >> 8) & 0x00FF00FF00FF00FFu;
    pairs = (pairs | pairs >> 8) & 0x0000FFFF0000FFFFu;
    return (pairs | pairs >> 16) & 0xFFFFFFFFu;
}

static void unhex(void *context, unsigned repeats)
{
    struct work *w = context;
    while (repeats--) {
        for (size_t i = 0; i < HEX_OCTETS; i += 4) {
            uint64_t text;
            memcpy(&text, w->message.ptr + 2 * i, sizeof text);
            uint32_t octets = (uint32_t)eight_digits(text);
            memcpy(w->out + i, &octets, sizeof octets);
        }
        bench_keep(w->out);
    }
}

static struct span small_message(struct arena *a)
{
    const char *text = arena_printf(
        a,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:wsa=\"http://www.w3.org/2005/08/addressing\"><env:Header><wsa:From><wsa:Address>https://127.0.0.1:43133/"
        "esim-messaging/3/ES4/ES4MnoService?EntityId=2.999.10</wsa:Address></wsa:From><wsa:To>https://127.0.0.1:45751/"
        "esim-messaging/3/ES4/ES4SmSrService?EntityId=2.999.2</wsa:To><wsa:MessageID>//2.999.10/%032d?TransactionId=%032d"
        "?MessageDate=2026-11-22T15:44:37.505Z</wsa:MessageID><wsa:Action>http://gsma.com/ES4/PlatformManagement/"
        "ES4-EnableProfile</wsa:Action><wsa:ReplyTo><wsa:Address>https://127.0.0.1:43133/esim-messaging/3/ES4/ES4MnoService"
        "</wsa:Address></wsa:ReplyTo></env:Header><env:Body><rps:ES4-EnableProfileRequest "
        "xmlns:rps=\"http://namespaces.gsma.org/esim-messaging/3\"><rps:FunctionCallIdentifier>%032d"
        "</rps:FunctionCallIdentifier><rps:ValidityPeriod>3600</rps:ValidityPeriod><rps:Eid>%032d</rps:Eid>"
        "<rps:Iccid>%019d</rps:Iccid></rps:ES4-EnableProfileRequest></env:Body></env:Envelope>",
        1, 2, 3, 4, 5);
    return text ? span_text(text) : SPAN_NONE;
}

/* ES3.SendData of a whole package: a small message with 25 kB of digits in it. */
static struct span large_message(struct arena *a, struct span package)
{
    char *hex = hex_arena(a, package);
    const char *text = hex ? arena_printf(a, "<a xmlns=\"urn:b\"><c>1</c><Data>%s</Data></a>", hex) : NULL;
    return text ? span_text(text) : SPAN_NONE;
}

static void measure(double cost_us[FLOOR_UNIT_COUNT], struct work *w, struct span message, enum floor_unit scanned, int emitted)
{
    w->message = message;
    cost_us[scanned] = bench_cost_us(scan, w);
    if (emitted >= 0)
        cost_us[emitted] = bench_cost_us(emit, w);
}

void floor_text(double cost_us[FLOOR_UNIT_COUNT], struct span eis, struct span package)
{
    static struct work w;
    static char digits[2 * HEX_OCTETS + 8];
    struct arena a;
    arena_init(&a, 1u << 20);
    for (int c = 0; c < 256; c++)
        w.is_name[c] = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-_.:", c);
    memset(digits, 'A', sizeof digits);
    measure(cost_us, &w, small_message(&a), FLOOR_SCAN, FLOOR_EMIT);
    measure(cost_us, &w, eis, FLOOR_SCAN_EIS, FLOOR_EMIT_EIS);
    measure(cost_us, &w, large_message(&a, package), FLOOR_SCAN_27K, -1);
    w.message = (struct span){ (const uint8_t *)digits, sizeof digits };
    cost_us[FLOOR_HEX] = bench_cost_us(unhex, &w);
    arena_release(&a);
}
