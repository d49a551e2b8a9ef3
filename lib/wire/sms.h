/* lib/wire/sms.h: the short message as the card and the network see it: TPDUs and user data header of TS 23.040, the
 * parts of a long secured packet (oncard.md §7.5), the ENVELOPE of SMS-PP data download (uicc-platform.md §13). Pure.
 */
#ifndef OSPREY_WIRE_SMS_H
#define OSPREY_WIRE_SMS_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define SMS_UD_MAX 140u       /* octets of user data in one short message, header included */
#define SMS_TPDU_MAX 176u
#define SMS_DIGITS_MAX 20u
#define SMS_PARTS_MAX 24u     /* of one secured packet */
#define SMS_PACKET_MAX 3200u  /* octets of a reassembled packet, SMS_PARTS_MAX parts */
#define SMS_PID_USIM_DOWNLOAD 0x7F
#define SMS_DCS_CLASS2_8BIT 0xF6
#define SMS_IEI_CONCAT8 0x00
#define SMS_IEI_CONCAT16 0x08
#define SMS_IEI_COMMAND 0x70  /* secured command packet, TS 31.115 */
#define SMS_IEI_RESPONSE 0x71 /* its response */

/* Digits (0-9*#abc) or, with an alphanumeric type of number (D0), the text itself (7-bit default alphabet). */
struct sms_address {
    uint8_t ton_npi; /* 0x91 international, 0x81 unknown, 0xD0 alphanumeric */
    char text[SMS_DIGITS_MAX + 1];
};
/* "+4917…" gives 91, digits alone 81; ERR_TOO_LONG, ERR_BAD_VALUE. */
MUST_USE enum err sms_address_of(const char *text, struct sms_address *ret);
/* As in TPDUs: number of digits, type, BCD. */
void wr_sms_address(struct writer *w, const struct sms_address *address);
MUST_USE enum err rd_sms_address(struct reader *r, struct sms_address *ret);
/* As in the service centre object 06/86: type, BCD, no count. */
void wr_sms_service_centre(struct writer *w, const struct sms_address *address);
MUST_USE enum err sms_service_centre_read(struct span value, struct sms_address *ret);

struct sms_deliver {
    bool more_to_send, udhi, status_report, reply_path, loop_prevention;
    struct sms_address from;
    uint8_t pid, dcs;
    uint8_t scts[7];
    struct span ud; /* octets, header included; borrowed */
};
struct sms_submit {
    bool reject_duplicates, udhi, status_report, reply_path;
    uint8_t reference;
    struct sms_address to;
    uint8_t pid, dcs;
    uint8_t vp_format;     /* 0 none, 2 relative, 1 enhanced, 3 absolute */
    uint8_t validity[7];   /* 1 octet of it when relative */
    struct span ud;
};
void wr_sms_deliver(struct writer *w, const struct sms_deliver *m);
void wr_sms_submit(struct writer *w, const struct sms_submit *m);
/* UDL counts octets (8-bit data) or septets (default alphabet); ud are the octets either way. A UDL that promises more
 * than there is: ERR_TRUNCATED. */
MUST_USE enum err sms_deliver_read(struct span tpdu, struct sms_deliver *ret);
/* For the USIM itself: PID 7F and a coding of class 2 (TS 31.111 §7.1). */
bool sms_is_usim_download(const struct sms_deliver *m);
MUST_USE enum err sms_submit_read(struct span tpdu, struct sms_submit *ret);
/* Seven-bit text (TS 23.038): whether lengths count septets with this data coding scheme; characters (one an octet, as SMPP
 * carries them) to the packed octets of user data without a header, and back. A seventh character of eight leaves room for
 * one more: it is filled with CR when packing, and a CR or @ in its place is dropped when unpacking. */
#define SMS_CHARACTERS_MAX 160u
bool sms_is_septets(uint8_t dcs);
void wr_sms_packed(struct writer *w, struct span characters);
size_t sms_unpack(struct span packed, uint8_t out[SMS_CHARACTERS_MAX]); /* how many; of at most SMS_UD_MAX octets */
/* Time stamp in semi-octets, UTC. */
void sms_scts(uint64_t now_ms, uint8_t out[7]);

/* The user data header taken apart. */
struct sms_header {
    bool concatenated;
    uint16_t reference;
    uint8_t total, number; /* number 1…total */
    bool command, response; /* IEI 70 or 71 was there */
    struct span body;       /* what follows the header */
};
MUST_USE enum err sms_header_read(struct span ud, struct sms_header *ret);

/* Cuts a secured packet (without its own UDH) into user data of at most SMS_UD_MAX octets each: "02 70 00 packet" when
 * it fits (iei SMS_IEI_COMMAND or RESPONSE), else parts with the 8-bit reference, iei in the first only.
 * parts[i] point into out. ERR_TOO_LONG over SMS_PARTS_MAX. */
MUST_USE enum err sms_split(struct span packet, uint8_t iei, uint8_t reference, struct writer *out,
                            struct span parts[SMS_PARTS_MAX], size_t *ret_count);

/* Puts packets together again, several at a time, from any order; duplicates are ignored. A packet not complete after
 * SMS_REASSEMBLY_MS is forgotten, the oldest makes room for a new one. The memory is the caller's: sizeof it. */
#define SMS_REASSEMBLY_SLOTS 4u
#define SMS_REASSEMBLY_MS (5u * 60u * 1000u)
struct sms_reassembly {
    struct sms_pending {
        bool used;
        char from[SMS_DIGITS_MAX + 1];
        uint16_t reference;
        uint8_t total, iei;
        uint32_t have; /* bit number-1 */
        uint64_t since_ms;
        uint8_t lens[SMS_PARTS_MAX];
        uint8_t parts[SMS_PARTS_MAX][SMS_UD_MAX];
    } slots[SMS_REASSEMBLY_SLOTS];
    uint8_t packet[SMS_PACKET_MAX];
};
/* ERR_NONE with *ret_complete: ret_packet (inside s or ud, until the next call) and ret_iei (70, 71 or 0) are the whole
 * packet. ERR_NONE without: more parts to come. */
MUST_USE enum err sms_reassemble(struct sms_reassembly *s, const char *from, uint64_t now_ms, struct span ud,
                                 bool *ret_complete, struct span *ret_packet, uint8_t *ret_iei);

/* D1: device identities 83 -> 81, service centre, TPDU. */
void wr_sms_envelope(struct writer *w, const struct sms_address *service_centre, struct span tpdu);
/* The TPDU inside; service centre is left empty when absent. */
MUST_USE enum err sms_envelope_read(struct span envelope, struct sms_address *ret_centre, struct span *ret_tpdu);

#endif
