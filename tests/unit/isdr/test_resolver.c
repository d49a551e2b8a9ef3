/* A server that the card knows by name: DNS over a UDP channel, then the administration session; servers that are
 * silent, answers to other questions, names that nobody knows, names in the stored parameters. */
#include "lab.h"

#include "euicc/agent/agent.h"
#include "lib/wire/dns.h"

#define NAME      "sr.osprey.test"
#define NAME_HEX  "D60E 73722E6F73707265792E74657374"
#define SERVER_1  "FA0C 3C03013039 3E0521C0000235" /* 192.0.2.53:12345 */
#define SERVER_2  "FA04 C0000236"                  /* 192.0.2.54 */
#define CHANNEL_1 "350103 39020578 3C03013039 3E0521C0000235"
#define CHANNEL_2 "350103 39020578 3C03010035 3E0521C0000236"
#define SESSION   "350103 39020578 3C030220FB 3E0521C0000207"

static struct {
    struct lab *lab;
    unsigned questions, mute;   /* mute: so many questions are not answered */
    bool unknown, forged, lies; /* forged: an answer with another identifier comes first; lies: only that */
    uint8_t channel[40];        /* objects of the UDP channel */
    size_t channel_len;
} dns;

/* The question with an answer behind it: 192.0.2.7. */
static void answer(struct span question, uint8_t last, bool right)
{
    uint8_t room[DNS_MESSAGE_MAX];
    struct writer w = wr_of(room, sizeof room);
    wr_bytes(&w, question);
    room[0] ^= right ? 0 : 0x55;
    room[2] |= 0x80;
    room[3] = dns.unknown ? 0x83 : 0x80;
    room[7] = !dns.unknown;
    if (!dns.unknown)
        wr_bytes(&w, hex_lit("C00C 0001 0001 0000003C 0004 C00002"));
    if (!dns.unknown)
        wr_u8(&w, last);
    lab_datagram(dns.lab, wr_span(&w));
}

static void on_question(void *context, struct span question)
{
    const struct lab_terminal *t = &dns.lab->terminal;
    (void)context;
    dns.questions++;
    dns.channel_len = t->open_len - 9;
    memcpy(dns.channel, t->open_command + 9, dns.channel_len);
    if (dns.mute) {
        dns.mute--;
        return;
    }
    if (dns.forged || dns.lies)
        answer(question, 0x66, false);
    if (!dns.lies)
        answer(question, 0x07, true);
}

static void begin(void)
{
    memset(&dns, 0, sizeof dns);
    dns.lab = malloc(sizeof *dns.lab);
    lab_init(dns.lab);
    dns.lab->p.bootstrap_package = lab_profile("TS48v3_SAIP2.3_NoBERTLV.der");
    dns.lab->p.smsr.https_port = 8443;
    dns.lab->p.smsr.https_uri = span_text("/gsma/adminagent");
    dns.lab->p.smsr.https_host = span_text(NAME);
    memcpy(dns.lab->p.smsr.https_ipv4, "\x7F\x00\x00\x01", 4);
    lab_make(dns.lab);
    memcpy(dns.lab->server.psk, LAB_PSK, 16);
    dns.lab->udp = (struct lab_udp){ .take = on_question };
    dns.lab->terminal.serviced = true;
    terminal_boot(dns.lab);
    assert_true(smsr_notification(dns.lab).len > 0);
    assert_int_equal(smsr_confirm(dns.lab, 1), 0x9000);
}

static void trigger(const char *dns_hex)
{
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    struct scp81_trigger t = { .connection = hex_lit("350103 39020578 3C030220FB"),
                               .dns = hex_lit(dns_hex),
                               .uri = span_text("/x") };
    scp81_trigger_write(&w, &t);
    assert_span_equal(smsr_script(dns.lab, TAR_ISDR, wr_span(&w)), SPAN_NONE);
}

static void must_be_connected(unsigned questions, const char *channel)
{
    struct span c = { dns.lab->terminal.open_command, dns.lab->terminal.open_len };
    assert_int_equal(dns.questions, questions);
    assert_span_equal(((struct span){ dns.channel, dns.channel_len }), hex_lit(channel));
    assert_span_equal(span_from(c, 9), hex_lit(SESSION));
    assert_int_equal(dns.lab->server.request_count, 1);
    assert_false(agent_is_open(lab_card(dns.lab)));
    lab_free(dns.lab);
}

static void a_name_is_asked_for(void **state)
{
    (void)state;
    begin();
    trigger(NAME_HEX SERVER_1);
    must_be_connected(1, CHANNEL_1);
}

static void lost_questions_are_asked_again(void **state)
{
    (void)state;
    begin();
    dns.mute = 2;
    trigger(NAME_HEX SERVER_1);
    lab_wait(dns.lab, 9);
    must_be_connected(3, CHANNEL_1);
}

static void a_silent_server_gives_way_to_the_next(void **state)
{
    (void)state;
    begin();
    dns.mute = RESOLVER_TRIES;
    trigger(NAME_HEX SERVER_1 SERVER_2);
    lab_wait(dns.lab, 20);
    must_be_connected(RESOLVER_TRIES + 1, CHANNEL_2);
}

static void answers_to_other_questions_are_not_looked_at(void **state)
{
    (void)state;
    begin();
    dns.forged = true;
    trigger(NAME_HEX SERVER_1);
    must_be_connected(1, CHANNEL_1);
    begin();
    dns.lies = true;
    trigger(NAME_HEX SERVER_1);
    lab_wait(dns.lab, 400);
    assert_int_equal(dns.lab->server.connections, 0);
    assert_int_equal(dns.questions, RESOLVER_TRIES * (1 + AGENT_RETRIES));
    assert_false(agent_is_open(lab_card(dns.lab)));
    lab_free(dns.lab);
}

static void a_name_that_nobody_knows_ends_the_session(void **state)
{
    (void)state;
    begin();
    dns.unknown = true;
    trigger(NAME_HEX SERVER_1 SERVER_2);
    lab_wait(dns.lab, 400);
    assert_int_equal(dns.questions, 1 + AGENT_RETRIES); /* the second server knows no more */
    assert_int_equal(dns.lab->server.connections, 0);
    assert_false(agent_is_open(lab_card(dns.lab)));
    lab_free(dns.lab);
}

static void the_stored_parameters_may_have_a_name(void **state)
{
    (void)state;
    begin();
    WRITER_ON_STACK(value, 200);
    WRITER_ON_STACK(capdu, 255);
    wr_tlv(&value, 0x84, hex_lit("350103 39020578 3C030220FB"));
    wr_tlv(&value, 0xB3, hex_lit(NAME_HEX SERVER_1));
    es5_update_addressing_write(&capdu, &(struct es5_addressing){ .https = wr_span(&value) });
    assert_int_equal(smsr_sw(dns.lab, wr_span(&capdu)), 0x9000);
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    struct scp81_trigger t = { .uri = span_text("/x") };
    scp81_trigger_write(&w, &t);
    assert_span_equal(smsr_script(dns.lab, TAR_ISDR, wr_span(&w)), SPAN_NONE);
    must_be_connected(1, CHANNEL_1);
}

static void names_that_cannot_be_open_nothing(void **state)
{
    static const char *const bad[] = { NAME_HEX, "D603 2E2E2E" SERVER_1, NAME_HEX "FA02 0102" };
    (void)state;
    begin();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        trigger(bad[i]);
    assert_int_equal(dns.lab->terminal.opens, 0);
    lab_free(dns.lab);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_asked_for),
        cmocka_unit_test(lost_questions_are_asked_again),
        cmocka_unit_test(a_silent_server_gives_way_to_the_next),
        cmocka_unit_test(answers_to_other_questions_are_not_looked_at),
        cmocka_unit_test(a_name_that_nobody_knows_ends_the_session),
        cmocka_unit_test(the_stored_parameters_may_have_a_name),
        cmocka_unit_test(names_that_cannot_be_open_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
