/* Property: reading ends; items lie inside the input; what was read as a script, written again, reads the same. */
#include <assert.h>

#include "lib/gp/ram_script.h"
#include "lib/ota/es5.h"
#include "lib/ota/es8.h"

static void inside(struct span in, struct span part)
{
    assert(part.len == 0 || (part.ptr >= in.ptr && part.ptr + part.len <= in.ptr + in.len));
}

static void parse_as_es5(struct span capdu)
{
    struct capdu c;
    struct es5_create_isdp create;
    struct es5_store_data store;
    struct es5_delete del;
    struct es5_get_status status;
    struct es5_get_data data;
    if (capdu_parse(capdu, &c) != ERR_NONE)
        return;
    if (es5_create_isdp_parse(&c, &create) == ERR_NONE)
        assert(aid_is_isdp(&create.isdp));
    if (es5_store_data_parse(c.data, &store) == ERR_NONE)
        inside(capdu, store.value);
    if (es5_delete_parse(&c, &del) == ERR_NONE)
        assert(del.range_count <= ES5_KEY_RANGES_MAX);
    (void)!es5_get_status_parse(&c, &status);
    (void)!es5_get_data_parse(&c, &data);
}

static void commands(struct span in)
{
    static uint8_t room[140000];
    struct writer w = wr_of(room, sizeof room);
    struct ram_reader r, again;
    struct ram_script s;
    struct ram_item item, twin;
    size_t count = 0;
    ram_commands_open(&r, in);
    ram_script_open(&s, &w, r.format);
    while (ram_commands_next(&r, &item)) {
        inside(in, item.value);
        ram_script_raw(&s, item.raw);
        parse_as_es5(item.value);
        assert(++count <= in.len);
    }
    if (r.format == RAM_COMPACT || r.bad_format || w.err != ERR_NONE)
        return;
    ram_script_close(&s);
    ram_commands_open(&again, wr_span(&w));
    while (ram_commands_next(&again, &twin))
        count--;
    assert(count == 0 && again.bad_format == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span in = { bytes, size };
    struct ram_reader r;
    struct ram_item item;
    struct rapdu last;
    struct es5_notification n;
    struct es8_profile_response p;
    if (size > 65536)
        return 0;
    commands(in);
    if (ram_results_open(&r, in) == ERR_NONE)
        while (ram_results_next(&r, &item))
            inside(in, item.value);
    if (es8_last_rapdu(in, 1, &last) == ERR_NONE)
        inside(in, last.data);
    if (es5_notification_parse(in, &n) == ERR_NONE)
        assert(n.isdp.len >= AID_MIN);
    if (es8_profile_response_parse(in, &p) == ERR_NONE)
        assert(p.count <= ES8_PE_STATUS_MAX);
    return 0;
}
