/* A card in a PC/SC reader. Built without libpcsclite, this target says so. */
#include "target.h"

#ifdef HAVE_PCSC
#include <stdlib.h>
#include <winscard.h>

#define READERS_MAX 4096u

struct pcsc {
    struct target target;
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    bool connected;
};

static struct pcsc *pcsc_of(struct target *t) { return (struct pcsc *)t; }

static enum err reconnect(struct pcsc *p, DWORD what)
{
    return SCardReconnect(p->card, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, what, &p->protocol) ==
                   SCARD_S_SUCCESS
               ? ERR_NONE
               : ERR_IO;
}

static enum err pcsc_reset(struct target *t) { return reconnect(pcsc_of(t), SCARD_RESET_CARD); }
static enum err pcsc_power_cycle(struct target *t) { return reconnect(pcsc_of(t), SCARD_UNPOWER_CARD); }

static enum err pcsc_transmit(struct target *t, struct span capdu, struct writer *ret)
{
    struct pcsc *p = pcsc_of(t);
    uint8_t answer[512];
    DWORD len = sizeof answer;
    const SCARD_IO_REQUEST *io = p->protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0;
    if (SCardTransmit(p->card, io, capdu.ptr, (DWORD)capdu.len, NULL, answer, &len) != SCARD_S_SUCCESS)
        return ERR_IO;
    wr_bytes(ret, (struct span){ answer, len });
    return ret->err;
}

static void pcsc_free(struct target *t)
{
    struct pcsc *p = pcsc_of(t);
    if (p->connected)
        SCardDisconnect(p->card, SCARD_RESET_CARD);
    if (p->context)
        SCardReleaseContext(p->context);
    free(p);
}

static enum err connect_card(struct pcsc *p, unsigned index)
{
    char names[READERS_MAX];
    DWORD len = sizeof names;
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &p->context) != SCARD_S_SUCCESS)
        return ERR_CLOSED;
    if (SCardListReaders(p->context, NULL, names, &len) != SCARD_S_SUCCESS)
        return ERR_NOT_FOUND;
    const char *name = names;
    for (; index && *name; index--)
        name += strlen(name) + 1;
    if (!*name)
        return ERR_NOT_FOUND;
    p->connected = SCardConnect(p->context, name, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                                &p->card, &p->protocol) == SCARD_S_SUCCESS;
    return p->connected ? ERR_NONE : ERR_IO;
}

enum err target_pcsc_new(unsigned index, unsigned speed, struct target **ret)
{
    struct pcsc *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    p->target = (struct target){
        .free = pcsc_free, .reset = pcsc_reset, .power_cycle = pcsc_power_cycle, .transmit = pcsc_transmit
    };
    target_real_begin(&p->target, speed);
    enum err err = connect_card(p, index);
    if (err == ERR_NONE)
        *ret = &p->target;
    else
        pcsc_free(&p->target);
    return err;
}
#else
enum err target_pcsc_new(unsigned index, unsigned speed, struct target **ret)
{
    (void)index, (void)speed, (void)ret;
    return ERR_UNSUPPORTED;
}
#endif
