#include "datetime.h"

/* Days from 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years that start on 1 March. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static void date_of(int64_t days, int *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = days / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

struct scan {
    const uint8_t *pos, *end;
    bool bad;
};

static unsigned number(struct scan *s, size_t digits)
{
    unsigned n = 0;
    if ((size_t)(s->end - s->pos) < digits) {
        s->bad = true;
        return 0;
    }
    for (; digits; digits--, s->pos++) {
        s->bad |= *s->pos < '0' || *s->pos > '9';
        n = n * 10 + (unsigned)(*s->pos - '0');
    }
    return n;
}

static void expect(struct scan *s, char c)
{
    if (s->pos < s->end && *s->pos == c)
        s->pos++;
    else
        s->bad = true;
}

static unsigned fraction_ms(struct scan *s)
{
    unsigned ms = 0, scale = 100;
    if (s->pos >= s->end || *s->pos != '.')
        return 0;
    s->pos++;
    s->bad |= s->pos >= s->end || *s->pos < '0' || *s->pos > '9';
    for (; s->pos < s->end && *s->pos >= '0' && *s->pos <= '9'; s->pos++, scale /= 10)
        ms += (unsigned)(*s->pos - '0') * scale;
    return ms;
}

static int64_t offset_minutes(struct scan *s)
{
    if (s->pos >= s->end)
        return 0;
    char c = (char)*s->pos++;
    if (c == 'Z')
        return 0;
    s->bad |= c != '+' && c != '-';
    unsigned hours = number(s, 2);
    expect(s, ':');
    unsigned minutes = number(s, 2);
    s->bad |= hours > 14 || minutes > 59;
    return (c == '-' ? -1 : 1) * (int64_t)(hours * 60 + minutes);
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

enum err datetime_read(struct span text, uint64_t *ret_ms)
{
    struct scan s = { text.ptr, text.ptr ? text.ptr + text.len : NULL, text.len == 0 };
    unsigned year = number(&s, 4);
    expect(&s, '-');
    unsigned month = number(&s, 2);
    expect(&s, '-');
    unsigned day = number(&s, 2);
    expect(&s, 'T');
    unsigned hour = number(&s, 2);
    expect(&s, ':');
    unsigned minute = number(&s, 2);
    expect(&s, ':');
    unsigned second = number(&s, 2);
    unsigned ms = fraction_ms(&s);
    int64_t offset = offset_minutes(&s);
    if (s.bad || s.pos != s.end || year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
        hour > 23 || minute > 59 || second > 59)
        return ERR_BAD_VALUE;
    int64_t minutes = (days_of(year, month, day) * 24 + hour) * 60 + minute - offset;
    if (minutes < 0)
        return ERR_BAD_VALUE;
    *ret_ms = (uint64_t)minutes * 60000 + second * 1000 + ms;
    return ERR_NONE;
}

/* So many digits, and what stands behind them. */
static char *put(char *at, size_t digits, unsigned n, char behind)
{
    for (size_t i = digits; i-- > 0; n /= 10)
        at[i] = (char)('0' + n % 10);
    at[digits] = behind;
    return at + digits + 1;
}

char *datetime_text(uint64_t ms, char out[DATETIME_TEXT_SIZE])
{
    const uint64_t last = 253402300799999u; /* 9999-12-31T23:59:59.999Z */
    int year;
    unsigned month, day;
    if (ms > last)
        ms = last;
    unsigned of_day = (unsigned)(ms % 86400000u), s = of_day / 1000;
    date_of((int64_t)(ms / 86400000u), &year, &month, &day);
    char *at = put(put(put(out, 4, (unsigned)year, '-'), 2, month, '-'), 2, day, 'T');
    at = put(put(put(at, 2, s / 3600, ':'), 2, s / 60 % 60, ':'), 2, s % 60, of_day % 1000 ? '.' : 'Z');
    if (of_day % 1000)
        at = put(at, 3, of_day % 1000, 'Z');
    *at = '\0';
    return out;
}
