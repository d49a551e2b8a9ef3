/* libsmpp34 as the other side of the codec. */
#include "lib/wire/smpp.h"
#include "tests/support/test.h"

#pragma GCC diagnostic ignored "-Wpedantic"
#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>

#include <libsmpp34/smpp34_params.h>

#include <stdio.h>

static const uint8_t text[] = { 0x02, 0x70, 0x00, 0x00, 0xFF, 0x0A, 0x1B, 0x00 };

static void we_write_it_reads(void **state)
{
    (void)state;
    struct submit_sm_t got = { 0 };
    struct smpp_sm sm = { .from = { 3, 1, "1234" },
                          .to = { 1, 1, "491701234" },
                          .esm_class = 0x40,
                          .pid = 0x7F,
                          .dcs = 0xF6,
                          .registered_delivery = 1,
                          .validity = "000000001500000R",
                          .message = SPAN_OF(text) };
    WRITER_ON_STACK(w, 300);
    wr_smpp(&w, &(struct smpp_pdu){ .command = SMPP_SUBMIT_SM, .sequence = 77, .sm = sm });
    assert_int_equal(smpp34_unpack2(&got, w.buf, (int)w.len), 0);
    assert_int_equal(got.command_id, SUBMIT_SM);
    assert_int_equal(got.sequence_number, 77);
    assert_string_equal((char *)got.source_addr, "1234");
    assert_string_equal((char *)got.destination_addr, "491701234");
    assert_int_equal(got.source_addr_ton, 3);
    assert_int_equal(got.dest_addr_npi, 1);
    assert_int_equal(got.esm_class, 0x40);
    assert_int_equal(got.protocol_id, 0x7F);
    assert_int_equal(got.data_coding, 0xF6);
    assert_string_equal((char *)got.validity_period, "000000001500000R");
    assert_int_equal(got.sm_length, sizeof text);
    assert_memory_equal(got.short_message, text, sizeof text);
}

static void it_writes_we_read(void **state)
{
    (void)state;
    uint8_t buf[1024];
    int len = 0;
    struct deliver_sm_t d = { .command_id = DELIVER_SM,
                              .sequence_number = 9,
                              .source_addr_ton = 1,
                              .source_addr_npi = 1,
                              .dest_addr_ton = 3,
                              .esm_class = 0x40,
                              .data_coding = 0xF6,
                              .protocol_id = 0x7F,
                              .sm_length = sizeof text };
    struct smpp_pdu got;
    snprintf((char *)d.source_addr, sizeof d.source_addr, "491701234");
    snprintf((char *)d.destination_addr, sizeof d.destination_addr, "1234");
    memcpy(d.short_message, text, sizeof text);
    assert_int_equal(smpp34_pack2(buf, sizeof buf, &len, &d), 0);
    assert_ok(smpp_read((struct span){ buf, (size_t)len }, &got));
    assert_int_equal(got.command, SMPP_DELIVER_SM);
    assert_string_equal(got.sm.from.text, "491701234");
    assert_string_equal(got.sm.to.text, "1234");
    assert_int_equal(got.sm.to.ton, 3);
    assert_int_equal(got.sm.dcs, 0xF6);
    assert_span_equal(got.sm.message, SPAN_OF(text));
}

static void long_messages_travel_as_payload(void **state)
{
    (void)state;
    uint8_t buf[2048], payload[300];
    int len = 0;
    struct smpp_pdu got;
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)i;
    struct submit_sm_t m = { .command_id = SUBMIT_SM, .sequence_number = 9 };
    tlv_t tlv = { .tag = TLVID_message_payload, .length = sizeof payload };
    memcpy(tlv.value.octet, payload, sizeof payload);
    build_tlv(&m.tlv, &tlv);
    assert_int_equal(smpp34_pack2(buf, sizeof buf, &len, &m), 0);
    destroy_tlv(m.tlv);
    assert_ok(smpp_read((struct span){ buf, (size_t)len }, &got));
    assert_span_equal(got.sm.message, SPAN_OF(payload));
    WRITER_ON_STACK(w, 2048);
    wr_smpp(&w, &got);
    assert_span_equal(wr_span(&w), ((struct span){ buf, (size_t)len }));
}

static void bind_and_alert(void **state)
{
    (void)state;
    uint8_t buf[256];
    int len = 0;
    struct bind_transceiver_t b = { 0 };
    struct alert_notification_t a = { .command_id = ALERT_NOTIFICATION, .sequence_number = 2 };
    struct smpp_pdu got;
    WRITER_ON_STACK(w, 300);
    struct smpp_bind bind = {
        .system_id = "device", .password = "secret", .system_type = "", .range = { 1, 1, "49170" }
    };
    wr_smpp(&w, &(struct smpp_pdu){ .command = SMPP_BIND_TRANSCEIVER, .sequence = 1, .bind = bind });
    assert_int_equal(smpp34_unpack2(&b, w.buf, (int)w.len), 0);
    assert_string_equal((char *)b.system_id, "device");
    assert_string_equal((char *)b.password, "secret");
    assert_int_equal(b.interface_version, 0x34);
    assert_string_equal((char *)b.address_range, "49170");
    snprintf((char *)a.source_addr, sizeof a.source_addr, "4917");
    assert_int_equal(smpp34_pack2(buf, sizeof buf, &len, &a), 0);
    assert_ok(smpp_read((struct span){ buf, (size_t)len }, &got));
    assert_string_equal(got.source.text, "4917");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(we_write_it_reads),
        cmocka_unit_test(it_writes_we_read),
        cmocka_unit_test(long_messages_travel_as_payload),
        cmocka_unit_test(bind_and_alert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
