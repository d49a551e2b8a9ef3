#include "access_rules.h"

#include "lib/codec/hex.h"

const char access_rules_text[] =
    "8001019000800102A406830101950108800158A40683010A950108 | 800101A40683010195010880015AA40683010A950108 | "
    "80015BA40683010A950108 | 800101900080011A9700800140A40683010A950108 | "
    "800103A406830101950108800158A40683010A950108 | 800111A40683010195010880014AA40683010A950108 | "
    "800103A406830101950108800158A40683010A950108840132A406830101950108 | "
    "800101A406830101950108800102A406830181950108800158A40683010A950108 | "
    "800101900080011AA406830101950108800140A40683010A950108 | 800101900080015AA40683010A950108 | "
    "8001019000800118A40683010A9501088001429700 | 800101A40683010195010880015A9700 | "
    "800113A406830101950108800148A40683010A950108 | 80015EA40683010A950108";

void wr_access_rules(struct writer *w)
{
    struct span rest = { (const uint8_t *)access_rules_text, sizeof access_rules_text - 1 };
    while (rest.len) {
        uint8_t rule[ACCESS_RULE_LEN];
        size_t digits = 0, len = 0;
        while (digits < rest.len && rest.ptr[digits] != ' ')
            digits++;
        enum err err = hex_read(span_sub(rest, 0, digits), rule, sizeof rule, &len);
        if (err != ERR_NONE)
            wr_fail(w, err);
        wr_bytes(w, (struct span){ rule, len });
        wr_fill(w, 0xFF, sizeof rule - len);
        rest = span_from(rest, digits + 3 < rest.len ? digits + 3 : rest.len);
    }
}
