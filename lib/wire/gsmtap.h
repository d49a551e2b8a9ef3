/* lib/wire/gsmtap.h: what goes between terminal and card as a capture that Wireshark reads: a pcap file of IPv4 packets on
 * the GSMTAP port, each a command with its answer (GSMTAP type 4, SIM). Pure. */
#ifndef OSPREY_WIRE_GSMTAP_H
#define OSPREY_WIRE_GSMTAP_H

#include "lib/codec/writer.h"

#define GSMTAP_FILE_HEADER_SIZE 24u
#define GSMTAP_RECORD_MAX       (16u + 20u + 8u + 16u + 261u + 258u) /* of short commands */

void wr_gsmtap_file_header(struct writer *w);
/* One record. command empty: the answer is an ATR. slot tells cards apart (GSMTAP's time slot). The Le behind the data of a
 * case 4 command is left out, as it never crosses the contacts with T=0. */
void wr_gsmtap_record(struct writer *w, uint64_t at_ms, uint8_t slot, struct span command, struct span answer);

#endif
