/* osprey-device: a modem with a software eUICC in its slot, on the lab's network. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "euicc/euicc.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/daemon/daemon.h"
#include "lib/io/file.h"
#include "network.h"

static const struct config_option options[] = {
    { "card", "state", CONFIG_PATH, NULL, true, "the card: its memory image, made by osprey-eum" },
    { "card", "master_key", CONFIG_PATH, NULL, false, "the key that wraps the secrets in the image, when it has one" },
    { "modem", "imei", CONFIG_TEXT, "350000000000006", false, "15 digits" },
    { "modem", "pin", CONFIG_TEXT, NULL, false, "PIN1, when the card asks for it" },
    { "modem", "poll_s", CONFIG_NUMBER, "30", false, "seconds between STATUS commands" },
    { "modem", "attach_retry_s", CONFIG_NUMBER, "60", false, "pause after a refused attach" },
    { "network", "hlr", CONFIG_ADDRESS, "127.0.0.1:4222", false, "HLR that speaks GSUP" },
    { "network", "smsc", CONFIG_ADDRESS, "127.0.0.1:2775", false, "SMSC that speaks SMPP 3.4" },
    { "network", "system_id", CONFIG_TEXT, "device", false, "who we are at the SMSC" },
    { "network", "password", CONFIG_TEXT, "", false, "our password there, at most 8 characters" },
    { "subscriber *", "msisdn", CONFIG_TEXT, NULL, false, "number of this IMSI when the HLR does not say it" },
    { "lab", "apdu_trace", CONFIG_PATH, NULL, false, "writes every command and response of the card into this file" },
    { "lab", "events", CONFIG_PATH, NULL, false, "writes one JSON line per attach and channel into this file" },
};

static const char help[] =
    "  Powers the card, attaches with it (GSUP), serves its short messages (SMPP) and channels (TCP).\n"
    "  Signals: USR1 takes the coverage away, USR2 gives it back; TERM switches off.\n"
    "  The card is made with osprey-eum; see what is on it with osprey-euicc fs --state FILE.\n";

struct device {
    struct daemon *daemon;
    struct arena arena;
    struct nvm_file *file;
    struct keystore_soft *keys;
    struct euicc *card;
    struct network *network;
    struct modem *modem;
    struct loop_timer *timer;
    FILE *apdu_trace, *events;
};

static void slot_reset(void *context, struct writer *atr) { euicc_reset(((struct device *)context)->card, atr); }

static void slot_transmit(void *context, struct span command, struct writer *answer)
{
    euicc_transmit(((struct device *)context)->card, command, answer);
}

static uint64_t slot_idle(void *context, uint64_t now_ms) { return euicc_idle(((struct device *)context)->card, now_ms); }
static bool slot_has_proactive(void *context) { return euicc_has_proactive(((struct device *)context)->card); }

/* The lines' context is the network; the device behind it is the program's only one. */
static struct device *the_device;

static void print_hex(FILE *out, char mark, struct span bytes)
{
    fputc(mark, out);
    fputc(' ', out);
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(out, "%02X", bytes.ptr[i]);
    fputc('\n', out);
}

static void on_apdu(void *context, struct span command, struct span answer)
{
    FILE *out = the_device->apdu_trace;
    (void)context;
    if (!out)
        return;
    if (command.len)
        print_hex(out, '>', command);
    print_hex(out, command.len ? '<' : '*', answer);
    fflush(out);
}

static void on_fact(void *context, enum log_level level, const char *text)
{
    (void)context;
    log_fact(the_device->daemon->log, level, NULL, "%s", text);
}

static void write_counts(FILE *out)
{
    struct modem_counts c = modem_counts(the_device->modem);
    fprintf(out, ",\"sms_mt\":%" PRIu64 ",\"sms_mo\":%" PRIu64 ",\"channels\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", c.sms_mt,
            c.sms_mo, c.channels, c.bytes_up + c.bytes_down);
    fflush(out);
}

static void on_attached(void *context, const char *imsi, bool accepted, const char *why)
{
    struct device *d = the_device;
    (void)context;
    if (!d->events)
        return;
    fprintf(d->events, "{\"event\":\"attach\",\"at_ms\":%" PRIu64 ",\"imsi\":\"%s\",\"accepted\":%s,\"why\":\"%s\"",
            d->daemon->clock->now_ms(d->daemon->clock), imsi, accepted ? "true" : "false", why);
    write_counts(d->events);
}

static const char *msisdn_of(void *context, const char *imsi)
{
    struct device *d = context;
    for (const char *s = NULL; (s = config_next(d->daemon->config, "subscriber", s));)
        if (!strcmp(config_section_name(s), imsi))
            return config_text(d->daemon->config, s, "msisdn");
    return "";
}

static void tick(void *context)
{
    struct device *d = context;
    uint64_t now = d->daemon->clock->now_ms(d->daemon->clock);
    uint64_t next = modem_tick(d->modem, now);
    uint64_t pause = next > now ? next - now : 1;
    loop_timer_set(d->timer, pause < 100 ? pause : 100); /* the lab is impatient: the card may speak after any message */
}

static void on_signal(void *context, int number)
{
    struct device *d = context;
    modem_coverage(d->modem, d->daemon->clock->now_ms(d->daemon->clock), number == SIGUSR2);
}

static enum err complain(struct daemon *d, enum err err, const char *what, const char *about)
{
    snprintf(d->detail, sizeof d->detail, "%s %s: %s", what, about ? about : "", err_text(err));
    return err;
}

static void device_close(void *role)
{
    struct device *d = role;
    if (d->events && d->modem) {
        fprintf(d->events, "{\"event\":\"end\"");
        write_counts(d->events);
    }
    if (d->apdu_trace)
        fclose(d->apdu_trace);
    if (d->events)
        fclose(d->events);
    d->apdu_trace = d->events = NULL;
    loop_timer_free(d->timer);
    network_free(d->network);
    modem_free(d->modem);
    euicc_close(d->card);
    arena_release(&d->arena);
    keystore_soft_free(d->keys);
    nvm_file_close(d->file);
    free(d);
}

static enum err open_card(struct device *d)
{
    struct daemon *daemon = d->daemon;
    const char *state = config_text(daemon->config, "card", "state"), *master = config_text(daemon->config, "card", "master_key");
    struct env env = { .clock = daemon->clock, .rng = daemon->rng, .log = daemon->log };
    enum err err = ERR_NONE;
    if (master)
        err = keystore_soft_open(master, false, daemon->rng, &d->keys);
    if (err != ERR_NONE)
        return complain(daemon, err, "the master key", master);
    d->file = nvm_file_open(state, 0, &err);
    if (!d->file)
        return complain(daemon, err, "the card image", state);
    env.nvm = nvm_file_seam(d->file);
    env.keys = d->keys ? keystore_soft_keys(d->keys) : NULL;
    arena_init(&d->arena, 4 * EUICC_ARENA_SIZE);
    err = euicc_open(&d->arena, &env, &d->card);
    return err == ERR_NONE ? ERR_NONE : complain(daemon, err, "the card image", state);
}

static enum err open_file(struct daemon *d, const char *option, FILE **ret)
{
    const char *path = config_text(d->config, "lab", option);
    if (!path || d->check)
        return ERR_NONE;
    *ret = fopen(path, "a");
    return *ret ? ERR_NONE : complain(d, ERR_IO, "cannot write", path);
}

static enum err open_modem(struct device *d)
{
    struct config *c = d->daemon->config;
    struct modem_config modem = { .mcc_mnc = { 0x00, 0xF1, 0x10 }, .lac = { 0, 1 }, .cell = { 0, 1 } };
    struct network_config network = { .msisdn_of = msisdn_of, .context = d };
    struct modem_slot slot = { d, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
    struct modem_lines lines = { .apdu = on_apdu, .fact = on_fact, .attached = on_attached };
    snprintf(modem.imei, sizeof modem.imei, "%s", config_text(c, "modem", "imei"));
    if (strspn(modem.imei, "0123456789") != 15)
        return complain(d->daemon, ERR_BAD_VALUE, "[modem] imei", modem.imei);
    modem.poll_s = (uint32_t)config_number(c, "modem", "poll_s");
    modem.attach_retry_s = (uint32_t)config_number(c, "modem", "attach_retry_s");
    modem.pin = config_text(c, "modem", "pin");
    snprintf(network.system_id, sizeof network.system_id, "%s", config_text(c, "network", "system_id"));
    snprintf(network.password, sizeof network.password, "%s", config_text(c, "network", "password"));
    snprintf(network.name, sizeof network.name, "device-%s", modem.imei);
    enum err err = config_address(c, "network", "hlr", network.hlr_host, sizeof network.hlr_host, &network.hlr_port);
    if (err == ERR_NONE)
        err = config_address(c, "network", "smsc", network.smsc_host, sizeof network.smsc_host, &network.smsc_port);
    if (err != ERR_NONE)
        return complain(d->daemon, err, "[network] hlr, smsc", NULL);
    if (d->daemon->check)
        return ERR_NONE;
    d->network = network_new(d->daemon->loop, d->daemon->clock, d->daemon->log, &network, &lines);
    d->modem = d->network ? modem_new(&modem, &slot, &lines) : NULL;
    d->timer = loop_timer_new(d->daemon->loop, tick, d);
    return d->modem && d->timer ? ERR_NONE : complain(d->daemon, ERR_NO_MEMORY, "the modem", NULL);
}

static enum err device_open(struct daemon *daemon, void **ret_role)
{
    struct device *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NO_MEMORY;
    the_device = d;
    d->daemon = daemon;
    enum err err = open_card(d);
    if (err == ERR_NONE)
        err = open_file(daemon, "apdu_trace", &d->apdu_trace);
    if (err == ERR_NONE)
        err = open_file(daemon, "events", &d->events);
    if (err == ERR_NONE)
        err = open_modem(d);
    if (err == ERR_NONE && !daemon->check) {
        err = loop_on_signal(daemon->loop, SIGUSR1, on_signal, d);
        if (err == ERR_NONE)
            err = loop_on_signal(daemon->loop, SIGUSR2, on_signal, d);
    }
    if (err != ERR_NONE) {
        device_close(d);
        return err;
    }
    if (d->modem) {
        network_use(d->network, d->modem);
        modem_power_on(d->modem, daemon->clock->now_ms(daemon->clock));
        tick(d);
    }
    *ret_role = d;
    return ERR_NONE;
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "osprey-device", .summary = "a modem with a software eUICC, on the lab's network", .help = help,
        .options = options, .option_count = ARRAY_LEN(options), .open = device_open, .close = device_close,
    };
    return daemon_main(&program, argc, argv);
}
