/* tests/unit/device/bench.h: a modem between a card that writes down what it hears and a network that does what it is told. */
#ifndef OSPREY_TESTS_DEVICE_BENCH_H
#define OSPREY_TESTS_DEVICE_BENCH_H

#include "device/modem_host.h"

#include "tests/support/test.h"

struct bench {
    struct modem *modem;
    uint64_t now_ms;
    struct span pending; /* proactive command that waits */
    size_t resets, polls, envelopes, responses, taken, lost, submits, host_sent, opened, closed, sent;
    uint8_t profile[40], profile_len, response[256], response_len, envelope[80], envelope_len;
    uint8_t datagram[1500]; /* the latest that went up */
    size_t datagram_len;
    enum modem_transport transport;
    uint8_t address[4];
    uint16_t port;
    struct sms_submit submitted;
};

struct bench *bench_new(const struct modem_quirks *quirks); /* powered on; modem_free ends it */
void bench_attach(struct bench *b);
void bench_wait_s(struct bench *b, unsigned seconds);
enum err bench_deliver(struct bench *b); /* a short message for the card */
/* What the card was answered to this proactive command: the general result. Channel 1 opens when it is asked for. */
uint8_t bench_serve(struct bench *b, const char *command);
/* The object of that tag in the latest TERMINAL RESPONSE. */
struct span bench_answered(const struct bench *b, uint16_t tag);

#endif
