#include "slot_pcsc.h"

#ifdef OSPREY_PCSC

#include <stdio.h>
#include <stdlib.h>
#include <winscard.h>

#define READERS_TEXT_MAX 4096u
#define READER_NAME_SIZE 256u
#define ANSWER_MAX       258u

struct slot_pcsc {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    bool connected;
    struct log *log;
    char reader[READER_NAME_SIZE];
};

static bool say(struct slot_pcsc *s, LONG result, const char *what)
{
    if (result != SCARD_S_SUCCESS)
        log_fact(s->log, LOG_WARN_, s->reader, "%s: %s", what, pcsc_stringify_error(result));
    return result == SCARD_S_SUCCESS;
}

static void disconnect(struct slot_pcsc *s)
{
    if (s->connected)
        (void)SCardDisconnect(s->card, SCARD_UNPOWER_CARD);
    s->connected = false;
}

/* A cold reset: power off and on again. */
static void reset(void *context, struct writer *atr)
{
    struct slot_pcsc *s = context;
    uint8_t octets[MAX_ATR_SIZE];
    char name[READER_NAME_SIZE];
    DWORD len = sizeof octets, name_len = sizeof name, state;
    disconnect(s);
    LONG result = SCardConnect(s->context, s->reader, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &s->card,
                               &s->protocol);
    s->connected = say(s, result, "the card");
    if (s->connected && say(s, SCardStatus(s->card, name, &name_len, &state, &s->protocol, octets, &len), "ATR"))
        wr_bytes(atr, (struct span){ octets, len });
}

static void transmit(void *context, struct span command, struct writer *answer)
{
    struct slot_pcsc *s = context;
    uint8_t octets[ANSWER_MAX];
    DWORD len = sizeof octets;
    if (!s->connected)
        return;
    bool t0 = s->protocol == SCARD_PROTOCOL_T0;
    if (t0 && command.len > 5 && command.len == 6u + command.ptr[4])
        command.len--; /* T=0 knows no Le behind data: the card announces its answer with 61xx */
    const SCARD_IO_REQUEST *pci = t0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    if (say(s, SCardTransmit(s->card, pci, command.ptr, command.len, NULL, octets, &len), "a command"))
        wr_bytes(answer, (struct span){ octets, len });
    wipe(octets, sizeof octets);
}

static uint64_t idle(void *context, uint64_t now_ms)
{
    (void)context;
    (void)now_ms;
    return UINT64_MAX;
}

static bool has_proactive(void *context)
{
    (void)context;
    return false; /* nobody but the card knows: the modem polls */
}

/* The names stand one after the other, each with its NUL, an empty one at the end. */
static enum err find_reader(struct slot_pcsc *s, unsigned number)
{
    char names[READERS_TEXT_MAX];
    DWORD len = sizeof names;
    LONG result = SCardListReaders(s->context, NULL, names, &len);
    if (result == SCARD_E_NO_READERS_AVAILABLE)
        return ERR_NOT_FOUND;
    if (!say(s, result, "the list of readers"))
        return ERR_IO;
    const char *name = names;
    for (; number && *name; number--)
        name += strlen(name) + 1;
    if (!*name || strlen(name) >= sizeof s->reader)
        return ERR_NOT_FOUND;
    strcpy(s->reader, name);
    return ERR_NONE;
}

enum err slot_pcsc_open(unsigned reader, struct log *log, struct slot_pcsc **ret, struct modem_slot *ret_slot)
{
    struct slot_pcsc *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    s->log = log;
    if (!say(s, SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &s->context), "PC/SC")) {
        free(s);
        return ERR_IO;
    }
    enum err err = find_reader(s, reader);
    if (err != ERR_NONE) {
        slot_pcsc_close(s);
        return err;
    }
    *ret = s;
    *ret_slot = (struct modem_slot){ s, reset, transmit, idle, has_proactive };
    return ERR_NONE;
}

const char *slot_pcsc_reader(const struct slot_pcsc *s) { return s->reader; }

void slot_pcsc_close(struct slot_pcsc *s)
{
    if (!s)
        return;
    disconnect(s);
    (void)SCardReleaseContext(s->context);
    free(s);
}

#else

enum err slot_pcsc_open(unsigned reader, struct log *log, struct slot_pcsc **ret, struct modem_slot *ret_slot)
{
    (void)reader, (void)log, (void)ret, (void)ret_slot;
    return ERR_UNSUPPORTED;
}

const char *slot_pcsc_reader(const struct slot_pcsc *s)
{
    (void)s;
    return "";
}

void slot_pcsc_close(struct slot_pcsc *s) { (void)s; }

#endif
