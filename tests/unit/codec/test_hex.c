/* Hex, every pair of characters at every place, beside the C library's own idea of a digit. */
#include <ctype.h>
#include <stdio.h>

#include "tests/support/test.h"

static int value_of(int c) { return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1; }

static void every_pair_at_every_place(void **state)
{
    (void)state;
    for (size_t at = 0; at < 18; at += 2)
        for (int pair = 0; pair < 65536; pair++) {
            uint8_t text[19] = "0123456789abcdEF01", out[9];
            size_t len = 0;
            text[at] = (uint8_t)(pair >> 8);
            text[at + 1] = (uint8_t)pair;
            int high = value_of(pair >> 8), low = value_of(pair & 0xFF);
            enum err err = hex_read((struct span){ text, 18 }, out, sizeof out, &len);
            assert_int_equal(err, high < 0 || low < 0 ? ERR_BAD_VALUE : ERR_NONE);
            if (err == ERR_NONE)
                assert_int_equal(out[at / 2], high * 16 + low);
        }
}

static void every_octet_at_every_place(void **state)
{
    (void)state;
    for (size_t len = 1; len < 10; len++)
        for (int octet = 0; octet < 256; octet++) {
            uint8_t in[10] = { 0 };
            char want[21] = "";
            WRITER_ON_STACK(w, 20);
            in[len - 1] = in[len / 2] = (uint8_t)octet;
            for (size_t i = 0; i < len; i++)
                sprintf(want + 2 * i, "%02X", in[i]);
            wr_hex(&w, (struct span){ in, len });
            assert_span_equal(wr_span(&w), span_text(want));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_pair_at_every_place),
                                        cmocka_unit_test(every_octet_at_every_place) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
