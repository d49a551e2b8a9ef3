/* AT commands on a modem with a real card in its slot (PIN1 1234 enabled, see euicc/rig_profile.c) and a network made of
 * three lines. */
#include "device/at.h"

#include "tests/unit/euicc/rig.h"

struct bench {
    struct rig rig;
    struct modem *modem;
    struct at *at;
    char out[8192];
    size_t len;
    uint64_t now_ms;
    struct sms_submit sent;
    size_t submits, taken, refused;
    bool wants_auth;
};

static void on_auth(void *c, const char *imsi, const uint8_t *rand, const uint8_t *auts)
{
    (void)imsi, (void)rand, (void)auts;
    ((struct bench *)c)->wants_auth = true;
}
static void on_location(void *c, const char *imsi) { (void)c, (void)imsi; }
static void on_registered(void *c, const char *imsi, const char *msisdn) { (void)c, (void)imsi, (void)msisdn; }
static void on_submit(void *c, const struct sms_submit *sms)
{
    struct bench *b = c;
    b->sent = *sms;
    b->submits++;
}
static void on_taken(void *c, uint64_t tag, bool ok)
{
    struct bench *b = c;
    (void)tag;
    *(ok ? &b->taken : &b->refused) += 1;
}
static void on_close(void *c, unsigned channel) { (void)c, (void)channel; }
static void on_write(void *c, struct span bytes)
{
    struct bench *b = c;
    assert_true(b->len + bytes.len < sizeof b->out);
    memcpy(b->out + b->len, bytes.ptr, bytes.len);
    b->out[b->len += bytes.len] = '\0';
}

static void slot_reset(void *c, struct writer *atr) { euicc_reset(((struct bench *)c)->rig.card, atr); }
static void slot_transmit(void *c, struct span in, struct writer *out) { euicc_transmit(((struct bench *)c)->rig.card, in, out); }
static uint64_t slot_idle(void *c, uint64_t now) { return euicc_idle(((struct bench *)c)->rig.card, now); }
static bool slot_has_proactive(void *c) { return euicc_has_proactive(((struct bench *)c)->rig.card); }

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct modem_config config = { .imei = "490154203237518", .mcc_mnc = { 0x00, 0xF1, 0x10 }, .lac = { 0x12, 0x34 }, .cell = { 0, 7 } };
    struct modem_slot slot = { b, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
    struct modem_lines lines = { .context = b, .send_auth_info = on_auth, .update_location = on_location, .registered = on_registered,
                                 .sms_submit = on_submit, .sms_taken = on_taken, .channel_close = on_close };
    struct at_line line = { b, on_write };
    rig_make_own(&b->rig);
    b->now_ms = 1000;
    b->modem = modem_new(&config, &slot, &lines);
    b->at = at_new(b->modem, &line);
    modem_power_on(b->modem, b->now_ms);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    at_free(b->at);
    modem_free(b->modem);
    rig_done(&b->rig);
    free(b);
    return 0;
}

static void type(struct bench *b, const char *text)
{
    b->len = 0;
    b->out[0] = '\0';
    assert_int_equal(at_input(b->at, b->now_ms, span_text(text)), strlen(text));
}

/* Sends without echo and compares everything that comes. */
static void expect(struct bench *b, const char *text, const char *want)
{
    type(b, text);
    assert_string_equal(b->out, want);
}

static void quiet_line(struct bench *b)
{
    type(b, "ATE0+CMEE=1\r");
    assert_string_equal(b->out, "ATE0+CMEE=1\r\r\nOK\r\n");
}

/* PIN verified, network on the card's side of it reached by hand. */
static void unlock(struct bench *b) { expect(b, "AT+CPIN=\"1234\"\r", "\r\nOK\r\n"); }

static void lines_are_read_as_v250_says(void **state)
{
    struct bench *b = *state;
    type(b, "at\r");
    assert_string_equal(b->out, "at\r\r\nOK\r\n");
    quiet_line(b);
    expect(b, "\r\nAT\r\n", "\r\nOK\r\n");
    expect(b, "noise\r", "");
    expect(b, "AX\x08T\r", "\r\nOK\r\n");
    expect(b, "ATI\r", "\r\nOsprey osprey-device 0.1.0\r\n\r\nOK\r\n");
    expect(b, "AT+CGSN;+CGMI\r", "\r\n490154203237518\r\n\r\nOsprey\r\n\r\nOK\r\n");
    expect(b, "A/\r", "\r\n490154203237518\r\n\r\nOsprey\r\n\r\nOK\r\n");
    expect(b, "at+cgsn\r", "\r\n490154203237518\r\n\r\nOK\r\n");
    expect(b, "AT+NOSUCH\r", "\r\nERROR\r\n");
    expect(b, "AT+NOSUCH;+CGSN\r", "\r\nERROR\r\n"); /* what follows an error is not done */
    expect(b, "AT+CGSN?\r", "\r\n+CME ERROR: 4\r\n");
    expect(b, "AT+CMEE=3\r", "\r\n+CME ERROR: 50\r\n");
    expect(b, "AT+CMEE=\"1\r", "\r\n+CME ERROR: 50\r\n");
    expect(b, "AT+CMEE=2;+CMEE=9\r", "\r\n+CME ERROR: Incorrect parameters\r\n");
    expect(b, "ATV0\r", "0\r");
    expect(b, "AT+NOSUCH\r", "4\r\n");
    expect(b, "ATV1Q1\r", "");
    expect(b, "ATQ0\r", "\r\nOK\r\n");
    expect(b, "ATD112;\r", "\r\nNO CARRIER\r\n");
    type(b, "AT+CLAC\r");
    assert_non_null(strstr(b->out, "\r\nAT+CRSM\r\n"));
    assert_non_null(strstr(b->out, "\r\nAT+CMGS\r\n"));
    expect(b, "ATZ\r", "\r\nOK\r\n");
    type(b, "AT\r");
    assert_string_equal(b->out, "AT\r\r\nOK\r\n"); /* echo is back */
}

static void a_line_too_long_is_an_error(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    type(b, "AT+CSIM=2,\"");
    for (unsigned i = 0; i < AT_LINE_MAX; i++)
        type(b, "0");
    expect(b, "\"\r", "\r\nERROR\r\n");
    expect(b, "AT\r", "\r\nOK\r\n");
}

static void pin_and_subscription(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    expect(b, "AT+CPIN?\r", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
    expect(b, "AT+CIMI\r", "\r\n+CME ERROR: 11\r\n");
    expect(b, "AT+CLCK=\"SC\",2\r", "\r\n+CLCK: 1\r\n\r\nOK\r\n");
    expect(b, "AT+CPIN=\"12\"\r", "\r\n+CME ERROR: 50\r\n");
    expect(b, "AT+CPIN=\"0000\"\r", "\r\n+CME ERROR: 16\r\n");
    type(b, "AT+CPINR\r");
    assert_non_null(strstr(b->out, "+CPINR: SIM PIN,2"));
    assert_false(b->wants_auth);
    unlock(b);
    assert_true(b->wants_auth); /* the subscription is read, the modem goes for the network */
    expect(b, "AT+CPIN?\r", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
    type(b, "AT+CIMI\r");
    assert_non_null(strstr(b->out, modem_imsi(b->modem)));
    expect(b, "AT+CPIN=\"1234\"\r", "\r\n+CME ERROR: 3\r\n");
    expect(b, "AT+CPWD=\"SC\",\"1234\",\"5678\"\r", "\r\nOK\r\n");
    expect(b, "AT+CFUN=1,1\r", "\r\nOK\r\n");
    for (int i = 0; i < 2; i++)
        expect(b, "AT+CPIN=\"1234\"\r", "\r\n+CME ERROR: 16\r\n");
    expect(b, "AT+CPIN=\"1234\"\r", "\r\n+CME ERROR: 12\r\n");
    expect(b, "AT+CPIN?\r", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n");
    expect(b, "AT+CPIN=\"1234\"\r", "\r\n+CME ERROR: 12\r\n");
    expect(b, "AT+CPIN=\"22222222\",\"4321\"\r", "\r\n+CME ERROR: 16\r\n");
    expect(b, "AT+CPIN=\"11111111\",\"4321\"\r", "\r\nOK\r\n");
    expect(b, "AT+CPIN?\r", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
    expect(b, "AT+CFUN=0\r", "\r\nOK\r\n");
    expect(b, "AT+CPIN?\r", "\r\n+CME ERROR: 10\r\n");
    expect(b, "AT+CFUN?\r", "\r\n+CFUN: 0\r\n\r\nOK\r\n");
}

static void the_card_through_the_line(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    unlock(b);
    expect(b, "AT+CSIM=14,\"00A4000C023F00\"\r", "\r\n+CSIM: 4,\"9000\"\r\n\r\nOK\r\n");
    expect(b, "AT+CSIM=12,\"00A4000C023F00\"\r", "\r\n+CME ERROR: 50\r\n");
    expect(b, "AT+CSIM=10,\"8012000010\"\r", "\r\n+CME ERROR: 3\r\n"); /* FETCH is the modem's */
    type(b, "AT+CSIM=14,\"00A40004022FE2\"\r");
    assert_non_null(strstr(b->out, "+CSIM: "));
    assert_non_null(strstr(b->out, "9000\"")); /* 61xx was followed */
    expect(b, "AT+CCHO=\"A0000000871002FF02\"\r", "\r\n+CCHO: 1\r\n\r\nOK\r\n");
    expect(b, "AT+CGLA=1,14,\"00A4000C026F07\"\r", "\r\n+CGLA: 4,\"9000\"\r\n\r\nOK\r\n");
    expect(b, "AT+CGLA=2,14,\"00A4000C026F07\"\r", "\r\n+CGLA: 4,\"6881\"\r\n\r\nOK\r\n");
    expect(b, "AT+CGLA=0,14,\"00A4000C026F07\"\r", "\r\n+CME ERROR: 21\r\n");
    expect(b, "AT+CCHC=1\r", "\r\nOK\r\n");
    expect(b, "AT+CCHC=1\r", "\r\n+CME ERROR: 21\r\n");
    expect(b, "AT+CCHO=\"A000000003\"\r", "\r\n+CME ERROR: 22\r\n");
    expect(b, "AT+CCHO=\"xx\"\r", "\r\n+CME ERROR: 50\r\n");
    type(b, "AT+CRSM=176,28423,0,0,9\r");
    assert_non_null(strstr(b->out, "+CRSM: 144,0,\"08"));
    type(b, "AT+CRSM=192,28423\r");
    assert_non_null(strstr(b->out, "+CRSM: 144,0,\"62"));
    expect(b, "AT+CRSM=176,28671,0,0,9\r", "\r\n+CRSM: 106,130\r\n\r\nOK\r\n");
    expect(b, "AT+CRSM=214,28423,0,0,2,\"00\"\r", "\r\n+CME ERROR: 4\r\n");
    expect(b, "AT+CRSM=32,28423,0,0,2\r", "\r\n+CME ERROR: 4\r\n");
}

static void network_and_radio(void **state)
{
    struct bench *b = *state;
    struct gsup_vector none = { .res_len = 8 };
    quiet_line(b);
    expect(b, "AT+CREG?\r", "\r\n+CREG: 0,0\r\n\r\nOK\r\n");
    expect(b, "AT+CEREG=1;+CREG=2\r", "\r\nOK\r\n");
    unlock(b);
    b->len = 0;
    at_tick(b->at, b->now_ms);
    assert_string_equal((b->out[b->len] = 0, b->out), "\r\n+CREG: 2\r\n\r\n+CEREG: 2\r\n");
    b->len = 0;
    at_tick(b->at, b->now_ms);
    assert_int_equal(b->len, 0); /* said once */
    modem_auth_info(b->modem, b->now_ms, &none, 0);
    expect(b, "AT+CREG?\r", "\r\n+CREG: 2,3\r\n\r\nOK\r\n");
    expect(b, "AT+CSQ\r", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n");
    expect(b, "AT+COPS?\r", "\r\n+COPS: 0\r\n\r\nOK\r\n");
    expect(b, "AT+COPS=?\r", "\r\n+COPS: (1,\"Osprey Lab\",\"Osprey\",\"00101\",7),,(0-4),(0-2)\r\n\r\nOK\r\n");
    expect(b, "AT+COPS=1,2,\"26201\"\r", "\r\n+CME ERROR: 30\r\n");
    expect(b, "AT+COPS=2\r", "\r\nOK\r\n");
    expect(b, "AT+CREG?;+CFUN?\r", "\r\n+CREG: 2,0\r\n\r\n+CFUN: 4\r\n\r\nOK\r\n");
    b->wants_auth = false;
    expect(b, "AT+CFUN=1\r", "\r\nOK\r\n");
    assert_true(b->wants_auth);
    expect(b, "AT+CFUN=7\r", "\r\n+CME ERROR: 50\r\n");
}

static void receive(struct bench *b, uint8_t pid, uint8_t dcs, enum err want)
{
    struct sms_deliver m = { .pid = pid, .dcs = dcs, .ud = SPAN_LIT("hello") };
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    assert_ok(sms_address_of("+4917", &m.from));
    wr_sms_deliver(&tpdu, &m);
    assert_fails(modem_sms_deliver(b->modem, b->now_ms, wr_span(&tpdu), 5), want);
}

#define DELIVERED "0004049194710004000000000000000568656C6C6F"

static void messages_that_are_not_the_cards(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    expect(b, "AT+CNMI=2,1\r", "\r\nOK\r\n");
    b->len = 0;
    receive(b, 0x00, 0x04, ERR_NONE);
    assert_string_equal(b->out, "\r\n+CMTI: \"ME\",1\r\n");
    assert_int_equal(b->taken, 1);
    receive(b, 0x7F, 0xF6, ERR_NONE); /* the card's */
    expect(b, "AT+CPMS?\r", "\r\n+CPMS: \"ME\",1,20,\"ME\",1,20,\"ME\",1,20\r\n\r\nOK\r\n");
    expect(b, "AT+CMGL=1\r", "\r\nOK\r\n");
    expect(b, "AT+CMGR=1\r", "\r\n+CMGR: 0,,20\r\n" DELIVERED "\r\n\r\nOK\r\n");
    expect(b, "AT+CMGL=1\r", "\r\n+CMGL: 1,1,,20\r\n" DELIVERED "\r\n\r\nOK\r\n");
    expect(b, "AT+CMGR=2\r", "\r\n+CMS ERROR: 321\r\n");
    expect(b, "AT+CMGD=1\r", "\r\nOK\r\n");
    expect(b, "AT+CMGL=4\r", "\r\nOK\r\n");
    for (unsigned i = 0; i < AT_MESSAGES_MAX; i++)
        receive(b, 0x00, 0x04, ERR_NONE);
    assert_int_equal(b->refused, 0);
    receive(b, 0x00, 0x04, ERR_NONE);
    assert_int_equal(b->refused, 1); /* the network keeps it */
    expect(b, "AT+CMGD=1,4\r", "\r\nOK\r\n");
    expect(b, "AT+CNMI=2,2\r", "\r\nOK\r\n");
    b->len = 0;
    receive(b, 0x00, 0x04, ERR_NONE);
    assert_string_equal(b->out, "\r\n+CMT: ,20\r\n" DELIVERED "\r\n");
    expect(b, "AT+CMGL=4\r", "\r\nOK\r\n"); /* handed over, not kept */
}

/* EF_SMS with three records in the USIM, and the card read anew. */
static void with_ef_sms(struct bench *b)
{
    struct card *card = rig_card(&b->rig);
    struct fs_file f = { .parent = fs_by_aid(&card->fs, hex_lit(RIG_USIM1), 0), .fid = 0x6F3C, .fdb = 0x42, .size = 3 * 176,
                         .record_len = 176, .sfi = FS_NO_SFI, .arr_fid = FID_ARR_MF, .arr_record = 6, .lcsi = 5, .link = FS_NONE };
    uint8_t empty[3 * 176];
    fs_number number;
    memset(empty, 0xFF, sizeof empty);
    empty[0] = empty[176] = empty[2 * 176] = 0;
    assert_int_not_equal(f.parent, FS_NONE);
    card_begin(card);
    assert_ok(fs_create(&card->fs, &f, SPAN_OF(empty), &number));
    assert_ok(card_commit(card));
}

#define STORED "0004049194710004000000000000000568656C6C6F"

static void messages_are_kept_on_the_card(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    with_ef_sms(b);
    unlock(b);
    expect(b, "AT+CPMS?\r", "\r\n+CPMS: \"SM\",0,3,\"SM\",0,3,\"SM\",0,3\r\n\r\nOK\r\n");
    expect(b, "AT+CPMS=?\r", "\r\n+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")\r\n\r\nOK\r\n");
    expect(b, "AT+CNMI=2,1\r", "\r\nOK\r\n");
    b->len = 0;
    receive(b, 0x00, 0x04, ERR_NONE);
    assert_string_equal(b->out, "\r\n+CMTI: \"SM\",1\r\n");
    expect(b, "AT+CFUN=1,1\r", "\r\nOK\r\n"); /* the card loses power, the message stays */
    unlock(b);
    expect(b, "AT+CMGR=1\r", "\r\n+CMGR: 0,,20\r\n" STORED "\r\n\r\nOK\r\n");
    expect(b, "AT+CMGL=1\r", "\r\n+CMGL: 1,1,,20\r\n" STORED "\r\n\r\nOK\r\n");
    /* what any other terminal finds there: read, no service centre, the TPDU */
    type(b, "AT+CRSM=178,28476,1,4,176\r");
    assert_non_null(strstr(b->out, "+CRSM: 144,0,\"0100" "04049194710004000000000000000568656C6C6FFFFF"));
    receive(b, 0x00, 0x04, ERR_NONE);
    receive(b, 0x00, 0x04, ERR_NONE);
    assert_int_equal(b->refused, 0);
    receive(b, 0x00, 0x04, ERR_NONE);
    assert_int_equal(b->refused, 1); /* full: the network keeps it */
    expect(b, "AT+CPMS=\"ME\"\r", "\r\n+CPMS: 0,20,3,3,3,3\r\n\r\nOK\r\n");
    expect(b, "AT+CPMS=\"SM\",\"SM\",\"ME\"\r", "\r\n+CPMS: 3,3,3,3,0,20\r\n\r\nOK\r\n");
    receive(b, 0x00, 0x04, ERR_NONE);
    assert_int_equal(b->refused, 1); /* the modem has room */
    expect(b, "AT+CPMS=\"XX\"\r", "\r\n+CMS ERROR: 303\r\n");
    expect(b, "AT+CMGD=1,4\r", "\r\nOK\r\n");
    expect(b, "AT+CMGL=4\r", "\r\nOK\r\n");
    expect(b, "AT+CMGD=4\r", "\r\n+CMS ERROR: 321\r\n");
    expect(b, "AT+CMGR=4\r", "\r\n+CMS ERROR: 321\r\n");
}

static void a_locked_card_keeps_no_message(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    with_ef_sms(b);
    expect(b, "AT+CPMS=\"SM\"\r", "\r\n+CMS ERROR: 303\r\n");
    expect(b, "AT+CPMS?\r", "\r\n+CPMS: \"ME\",0,20,\"ME\",0,20,\"ME\",0,20\r\n\r\nOK\r\n");
}

/* ---- text mode ---- */

static void messages_as_text(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    expect(b, "AT+CMGF=1;+CMGF?\r", "\r\n+CMGF: 1\r\n\r\nOK\r\n");
    expect(b, "AT+CNMI=2,1\r", "\r\nOK\r\n");
    receive(b, 0x00, 0x04, ERR_NONE); /* 8-bit data are hex */
    expect(b, "AT+CMGL\r", "\r\n+CMGL: 1,\"REC UNREAD\",\"+4917\",,\"00/00/00,00:00:00+00\"\r\n68656C6C6F\r\n\r\nOK\r\n");
    expect(b, "AT+CMGL=\"REC UNREAD\"\r", "\r\nOK\r\n");
    expect(b, "AT+CMGR=1\r", "\r\n+CMGR: \"REC READ\",\"+4917\",,\"00/00/00,00:00:00+00\"\r\n68656C6C6F\r\n\r\nOK\r\n");
    expect(b, "AT+CSDH=1;+CMGR=1\r",
           "\r\n+CMGR: \"REC READ\",\"+4917\",,\"00/00/00,00:00:00+00\",145,4,0,4,\"+10000000000\",145,5\r\n68656C6C6F\r\n\r\nOK\r\n");
    expect(b, "AT+CMGL=\"ALL\"\r",
           "\r\n+CMGL: 1,\"REC READ\",\"+4917\",,\"00/00/00,00:00:00+00\",145,5\r\n68656C6C6F\r\n\r\nOK\r\n");
    expect(b, "AT+CMGL=4\r", "\r\n+CMS ERROR: 305\r\n");
    expect(b, "AT+CMGL=\"SOME\"\r", "\r\n+CMS ERROR: 305\r\n");
    expect(b, "AT+CSDH=0;+CNMI=2,2\r", "\r\nOK\r\n");
    b->len = 0;
    receive(b, 0x00, 0x04, ERR_NONE);
    assert_string_equal(b->out, "\r\n+CMT: \"+4917\",,\"00/00/00,00:00:00+00\"\r\n68656C6C6F\r\n");
}

/* Written into the store and seen as text, as PDU, and as it is sent. */
static void text_is_written_and_sent(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    expect(b, "AT+CSCS=\"IRA\";+CSCS?\r", "\r\n+CSCS: \"IRA\"\r\n\r\nOK\r\n");
    expect(b, "AT+CMGF=1\r", "\r\nOK\r\n");
    expect(b, "AT+CMGW=\"+4917\"\r", "\r\n> ");
    expect(b, "a@b_$ [x]\rnext\x1A", "\r\n> \r\n+CMGW: 1\r\n\r\nOK\r\n");
    expect(b, "AT+CMGR=1\r", "\r\n+CMGR: \"STO UNSENT\",\"+4917\",\r\na@b_$ [x]\nnext\r\n\r\nOK\r\n");
    expect(b, "AT+CMGF=0;+CMGR=1\r",
           "\r\n+CMGR: 2,,24\r\n001100049194710000A71061803822006D78F88D4FE12EE3E9\r\n\r\nOK\r\n");
    expect(b, "AT+CMSS=1\r", "\r\n+CMS ERROR: 331\r\n"); /* not registered */
    expect(b, "AT+CMSS=2\r", "\r\n+CMS ERROR: 321\r\n");
    expect(b, "AT+CMGF=1\r", "\r\nOK\r\n");
    expect(b, "AT+CSMP?\r", "\r\n+CSMP: 17,167,0,0\r\n\r\nOK\r\n");
    expect(b, "AT+CSMP=17,167,0,4\r", "\r\nOK\r\n"); /* 8-bit: hex */
    expect(b, "AT+CMGW=\"17\"\r", "\r\n> ");
    expect(b, "no hex\x1A", "\r\n+CMS ERROR: 305\r\n");
    expect(b, "AT+CMGW=\"17\",,\"STO SENT\"\r", "\r\n> ");
    expect(b, "0102FF\x1A", "\r\n+CMGW: 2\r\n\r\nOK\r\n");
    expect(b, "AT+CMGL=\"STO SENT\"\r", "\r\n+CMGL: 2,\"STO SENT\",\"17\",\r\n0102FF\r\n\r\nOK\r\n");
    expect(b, "AT+CMGW=\"17\",,\"REC READ\"\r", "\r\n+CMS ERROR: 305\r\n");
    expect(b, "AT+CMGW=\"17\",,\"ALL\"\r", "\r\n+CMS ERROR: 305\r\n");
    expect(b, "AT+CSMP=0,167,0,0\r", "\r\n+CMS ERROR: 305\r\n");
    expect(b, "AT+CMGS=\"\"\r", "\r\n+CMS ERROR: 305\r\n");
    expect(b, "AT+CMGS=\"12x\"\r", "\r\n> ");
    expect(b, "aa\x1A", "\r\n+CMS ERROR: 305\r\n");
    expect(b, "AT+CMGD=1,2\r", "\r\nOK\r\n"); /* read and sent ones */
    expect(b, "AT+CMGR=2\r", "\r\n+CMS ERROR: 321\r\n");
    expect(b, "AT+CMGD=1,3;+CMGL=\"ALL\"\r", "\r\nOK\r\n");
}

static void sending_needs_a_network(void **state)
{
    struct bench *b = *state;
    quiet_line(b);
    expect(b, "AT+CMGF=2\r", "\r\n+CMS ERROR: 303\r\n");
    expect(b, "AT+CMGS=3\r", "\r\n+CMS ERROR: 304\r\n");
    expect(b, "AT+CMGS=17\r", "\r\n> ");
    expect(b, "0011000B91947100000000F1000404AA\x1A", "\r\n+CMS ERROR: 304\r\n"); /* not 17 octets */
    expect(b, "AT+CMGS=12\r", "\r\n> ");
    expect(b, "00010004917194" "00040468656C6C\x1B", "\r\nOK\r\n"); /* dropped */
    expect(b, "AT+CMGS=13\r", "\r\n> ");
    expect(b, "0001000491719400040468656C6C\x1A", "\r\n+CMS ERROR: 331\r\n"); /* not registered */
    assert_int_equal(b->submits, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        CASE(lines_are_read_as_v250_says), CASE(a_line_too_long_is_an_error),   CASE(pin_and_subscription),
        CASE(the_card_through_the_line),   CASE(network_and_radio),             CASE(messages_that_are_not_the_cards),
        CASE(messages_are_kept_on_the_card), CASE(a_locked_card_keeps_no_message), CASE(messages_as_text),
        CASE(text_is_written_and_sent),    CASE(sending_needs_a_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
