#include "card_trace.h"

#include "lib/wire/gsmtap.h"

enum err card_trace_open(struct card_trace *t, const char *text_path, const char *pcap_path)
{
    *t = (struct card_trace){ 0 };
    if (text_path && !(t->text = fopen(text_path, "ae")))
        return ERR_IO;
    if (pcap_path && !(t->pcap = fopen(pcap_path, "abe"))) {
        card_trace_close(t);
        return ERR_IO;
    }
    if (t->pcap && fseek(t->pcap, 0, SEEK_END) == 0 && ftell(t->pcap) == 0) {
        WRITER_ON_STACK(w, GSMTAP_FILE_HEADER_SIZE);
        wr_gsmtap_file_header(&w);
        fwrite(w.buf, 1, w.len, t->pcap);
        fflush(t->pcap);
    }
    return ERR_NONE;
}

static void write_line(FILE *out, int slot, char mark, struct span bytes)
{
    if (slot >= 0)
        fprintf(out, "%d ", slot);
    fprintf(out, "%c ", mark);
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(out, "%02X", bytes.ptr[i]);
    fputc('\n', out);
}

void card_trace_write(struct card_trace *t, uint64_t now_ms, int slot, struct span command, struct span answer)
{
    if (t->text) {
        if (command.len)
            write_line(t->text, slot, '>', command);
        write_line(t->text, slot, command.len ? '<' : '*', answer);
        fflush(t->text);
    }
    if (t->pcap) {
        WRITER_ON_STACK(w, GSMTAP_RECORD_MAX);
        wr_gsmtap_record(&w, now_ms, slot < 0 ? 0 : (uint8_t)slot, command, answer);
        if (w.err == ERR_NONE)
            fwrite(w.buf, 1, w.len, t->pcap);
        fflush(t->pcap);
    }
}

void card_trace_close(struct card_trace *t)
{
    if (t->text)
        fclose(t->text);
    if (t->pcap)
        fclose(t->pcap);
    *t = (struct card_trace){ 0 };
}
