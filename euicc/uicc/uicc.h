/* euicc/uicc/uicc.h: the handlers of the UICC's own commands (ETSI TS 102 221 §11, TS 102 222, 3GPP TS 31.102 §7), and
 * what they share. Private to the card. The rows that name the handlers are in euicc/dispatch.c. */
#ifndef OSPREY_EUICC_UICC_UICC_H
#define OSPREY_EUICC_UICC_UICC_H

#include "euicc/card.h"

/* Status words lib/gp does not name. */
enum uicc_sw {
    SW_NO_INFORMATION = 0x6200,
    SW_END_OF_FILE = 0x6282, /* or: nothing found */
    SW_DEACTIVATED = 0x6283,
    SW_TERMINATED = 0x6284,
    SW_MORE_DATA_AVAILABLE = 0x62F1, /* + 1: and a proactive command waits */
    SW_MORE_DATA_EXPECTED = 0x63F1,  /* + 1: the same */
    SW_TRIES_LEFT = 0x63C0, /* | tries */
    SW_NO_FREE_CHANNEL = 0x6A81,
    SW_FILE_EXISTS = 0x6A89,
    SW_DF_NAME_EXISTS = 0x6A8A,
    SW_INCREASE_MAXIMUM = 0x9850,
    SW_SUSPENSION_TOO_LONG = 0x9864
};

/* select.c */
command_handler uicc_select, uicc_status;
/* The channel goes to this DF (and forgets its EF), or to this EF below its DF. */
void channel_go(struct card *card, struct channel *ch, const struct fs_file *f);
void channel_deselect(struct card *card, struct channel *ch); /* the applet, if one is selected */
/* fcp.c: tag 62 of a file. */
void fcp_write(struct card *card, const struct fs_file *f, struct writer *w);

/* channel.c */
command_handler uicc_manage_channel;

/* binary.c, record.c, tlv_data.c */
command_handler uicc_read_binary, uicc_update_binary;
command_handler uicc_read_record, uicc_update_record, uicc_search_record, uicc_increase;
command_handler uicc_retrieve_data, uicc_set_data;
void set_data_drop(struct card *card); /* the blocks of an object that is not complete */

/* The EF a command works on: that of the SFI below the current DF (which becomes current), or the current one with sfi
 * 0. SW_OK, SW_NO_EF, SW_FILE_NOT_FOUND. */
uint16_t ef_current(struct card *card, const struct command *cmd, uint8_t sfi, struct fs_file *ret);
/* Structure, life cycle and access rule: SW_OK, SW_INCOMPATIBLE_FILE, SW_REFERENCE_DATA_INVALIDATED,
 * SW_SECURITY_STATUS. */
uint16_t ef_usable(struct card *card, const struct command *cmd, const struct fs_file *f, enum fs_kind kind,
                   uint8_t right);

/* admin.c: ends the transaction of a change that takes memory: it stays when the profile keeps within its quota
 * (ERR_NO_SPACE otherwise) and err is ERR_NONE. */
enum err files_end(struct card *card, enum err err);

/* access.c: EF.ARR, expanded format. */
enum access_right {
    ACCESS_READ = 0x01,
    ACCESS_UPDATE = 0x02,
    ACCESS_WRITE = 0x04,
    ACCESS_DEACTIVATE = 0x08,
    ACCESS_ACTIVATE = 0x10,
    ACCESS_TERMINATE = 0x20,
    ACCESS_DELETE = 0x40,
    /* of a DF */
    ACCESS_DELETE_CHILD = 0x01,
    ACCESS_CREATE_EF = 0x02,
    ACCESS_CREATE_DF = 0x04,
    ACCESS_BY_INS = 0x00 /* what only a command header description names: INCREASE, RESIZE */
};
bool access_allowed(struct card *card, const struct command *cmd, const struct fs_file *f, uint8_t right);
/* The same on a rule: record of EF.ARR; context: the file. */
bool access_rule_allows(struct card *card, const struct command *cmd, fs_number context, struct span rule,
                        uint8_t right);

/* pin_commands.c */
command_handler uicc_verify, uicc_change_pin, uicc_disable_pin, uicc_enable_pin, uicc_unblock_pin;
/* Verified in this session, or a PIN that is disabled (and not replaced by an unverified universal one). */
bool pin_satisfied(struct card *card, fs_number df, uint8_t reference);
bool pin_is_enabled(struct card *card, fs_number df, uint8_t reference); /* for the PIN status in an FCP */

/* authenticate.c */
command_handler uicc_authenticate, uicc_get_challenge;
bool application_pin_satisfied(struct card *card, const struct fs_file *adf); /* PIN of a NAA */

/* identity.c */
command_handler uicc_get_identity;

/* suspend.c */
command_handler uicc_suspend;

/* admin.c */
command_handler uicc_create_file, uicc_delete_file, uicc_resize_file, uicc_activate_file, uicc_deactivate_file;
command_handler uicc_terminate;

/* proactive.c, envelope.c */
command_handler uicc_terminal_profile, uicc_terminal_capability, uicc_fetch, uicc_terminal_response, uicc_envelope;

/* proactive.c */
enum err proactive_open(struct card *card);
void proactive_reset(struct card *card);
uint16_t proactive_announced_len(const struct card *card); /* 0: nothing to announce now; 256 is 91 00 */
void proactive_suspend(struct card *card, struct writer *w); /* the toolkit session, while nothing is queued */
void proactive_resume(struct card *card, struct reader *r);
void proactive_pump(struct card *card);                    /* after each command: the event list, when it changed */

#endif
