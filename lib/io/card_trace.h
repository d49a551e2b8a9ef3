/* lib/io/card_trace.h: commands and answers of cards written down as they happen: as text (">" command, "<" answer, "*" ATR,
 * in hex) and as a GSMTAP capture. Traces hold what was sent: PINs and keys too. */
#ifndef OSPREY_IO_CARD_TRACE_H
#define OSPREY_IO_CARD_TRACE_H

#include <stdio.h>

#include "lib/base/err.h"
#include "lib/base/span.h"

struct card_trace {
    FILE *text, *pcap; /* NULL: not wanted */
};

/* Paths may be NULL. Text goes behind what the file holds, as does a capture. ERR_IO; *t is all NULL then. */
MUST_USE enum err card_trace_open(struct card_trace *t, const char *text_path, const char *pcap_path);
/* command empty: the answer is an ATR. slot counts the cards of a program; -1: there is one only. */
void card_trace_write(struct card_trace *t, uint64_t now_ms, int slot, struct span command, struct span answer);
void card_trace_close(struct card_trace *t);

#endif
