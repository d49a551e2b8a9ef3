/* Where short messages are kept that the host has not deleted: in the modem ("ME"), or on the card ("SM": EF_SMS of the
 * USIM in use, TS 31.102 §4.2.25), where they outlive the modem. */
#include "at_private.h"

#define FID_SMS        "\x6F\x3C"
#define RECORD_MAX     255u
#define READ_ABSOLUTE  0x04u
#define STATUS_UNREAD  0x03u /* bit 1: used; 01 read, 03 to be read, 07 to be sent, 05 sent */

static const uint8_t status_of[] = { [AT_MESSAGE_FREE] = 0x00,
                                     [AT_MESSAGE_UNREAD] = STATUS_UNREAD,
                                     [AT_MESSAGE_READ] = 0x01,
                                     [AT_MESSAGE_UNSENT] = 0x07,
                                     [AT_MESSAGE_SENT] = 0x05 };

/* ---- the card ---- */

/* EF_SMS selected: its records, 0 when there is none. */
static unsigned card_records(struct at *at, size_t *ret_len)
{
    WRITER_ON_STACK(fcp, MODEM_HOST_ANSWER_MAX);
    struct span body, shape;
    if (at_card_error(at) != AT_OK ||
        modem_host_select(at->modem, at->now_ms, true, SPAN_LIT(FID_SMS), &fcp) != 0x9000 ||
        !tlv_find(wr_span(&fcp), 0x62, &body) || !tlv_find(body, 0x82, &shape) || shape.len < 5)
        return 0;
    *ret_len = (size_t)(shape.ptr[2] << 8 | shape.ptr[3]);
    return *ret_len <= RECORD_MAX ? shape.ptr[4] : 0;
}

static enum at_message_state state_of(uint8_t status)
{
    for (size_t i = AT_MESSAGE_UNREAD; i < ARRAY_LEN(status_of); i++)
        if (status_of[i] == (status & 0x07))
            return (enum at_message_state)i;
    return AT_MESSAGE_FREE;
}

static bool is_tpdu(enum at_message_state state, struct span tpdu)
{
    struct sms_deliver in;
    struct sms_submit out;
    bool delivered = state == AT_MESSAGE_UNREAD || state == AT_MESSAGE_READ;
    return (delivered ? sms_deliver_read(tpdu, &in) : sms_submit_read(tpdu, &out)) == ERR_NONE;
}

/* Where a TPDU ends only it says itself: FF behind it may be its own. */
static struct span tpdu_in(enum at_message_state state, struct span area)
{
    size_t least = area.len;
    while (least && area.ptr[least - 1] == 0xFF)
        least--;
    for (size_t len = least; len <= area.len; len++)
        if (is_tpdu(state, span_sub(area, 0, len)))
            return span_sub(area, 0, len);
    return span_sub(area, 0, least);
}

/* Status, service centre, TPDU, FF to the end. */
static bool card_read(struct at *at, unsigned index, struct at_message *ret)
{
    WRITER_ON_STACK(record, MODEM_HOST_ANSWER_MAX);
    size_t len;
    if (index > card_records(at, &len))
        return false;
    uint8_t command[] = { 0x00, 0xB2, (uint8_t)index, READ_ABSOLUTE, (uint8_t)len };
    if (modem_host_apdu(at->modem, at->now_ms, SPAN_OF(command), &record) != 0x9000 || record.len < 2)
        return false;
    *ret = (struct at_message){ .state = state_of(record.buf[0]) };
    if (ret->state == AT_MESSAGE_FREE)
        return true;
    struct span tpdu = tpdu_in(ret->state, span_from(wr_span(&record), 2u + record.buf[1]));
    if (tpdu.len == 0 || tpdu.len > sizeof ret->tpdu)
        return false;
    ret->len = (uint8_t)tpdu.len;
    memcpy(ret->tpdu, tpdu.ptr, tpdu.len);
    return true;
}

static bool card_write(struct at *at, unsigned index, const struct at_message *m)
{
    WRITER_ON_STACK(command, 5 + RECORD_MAX);
    WRITER_ON_STACK(answer, MODEM_HOST_ANSWER_MAX);
    size_t len;
    if (index > card_records(at, &len) || m->len + 2u > len)
        return false;
    const uint8_t header[] = { 0x00, 0xDC, (uint8_t)index, READ_ABSOLUTE, (uint8_t)len, status_of[m->state] };
    wr_bytes(&command, SPAN_OF(header));
    if (m->state != AT_MESSAGE_FREE) {
        wr_u8(&command, 0x00); /* no service centre */
        wr_bytes(&command, (struct span){ m->tpdu, m->len });
    }
    wr_fill(&command, 0xFF, 5 + len - command.len);
    return command.err == ERR_NONE && modem_host_apdu(at->modem, at->now_ms, wr_span(&command), &answer) == 0x9000;
}

/* ---- either ---- */

enum at_memory store_in_use(struct at *at, enum at_memory_use use)
{
    size_t len;
    enum at_memory memory = at->sms.memory[use];
    if (memory != AT_MEMORY_DEFAULT)
        return memory;
    return card_records(at, &len) ? AT_MEMORY_SM : AT_MEMORY_ME;
}

unsigned store_capacity(struct at *at, enum at_memory memory)
{
    size_t len;
    return memory == AT_MEMORY_SM ? card_records(at, &len) : AT_MESSAGES_MAX;
}

bool store_read(struct at *at, enum at_memory memory, unsigned long index, struct at_message *ret)
{
    if (index < 1 || index > RECORD_MAX)
        return false;
    if (memory == AT_MEMORY_SM)
        return card_read(at, (unsigned)index, ret);
    if (index > AT_MESSAGES_MAX)
        return false;
    *ret = at->sms.kept[index - 1];
    return true;
}

bool store_write(struct at *at, enum at_memory memory, unsigned index, const struct at_message *m)
{
    if (memory == AT_MEMORY_SM)
        return card_write(at, index, m);
    at->sms.kept[index - 1] = *m;
    return true;
}

unsigned store_used(struct at *at, enum at_memory memory)
{
    unsigned used = 0, all = store_capacity(at, memory);
    struct at_message m;
    for (unsigned i = 1; i <= all; i++)
        used += store_read(at, memory, i, &m) && m.state != AT_MESSAGE_FREE;
    return used;
}

unsigned store_add(struct at *at, enum at_memory memory, const struct at_message *m)
{
    unsigned all = store_capacity(at, memory);
    struct at_message there;
    for (unsigned i = 1; i <= all; i++)
        if (store_read(at, memory, i, &there) && there.state == AT_MESSAGE_FREE)
            return store_write(at, memory, i, m) ? i : 0;
    return 0;
}
