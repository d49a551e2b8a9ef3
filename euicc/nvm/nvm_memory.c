#include "nvm_memory.h"

#include <stdlib.h>
#include <sys/mman.h>

static struct nvm_memory *of(struct nvm *nvm) { return (struct nvm_memory *)nvm; }

static bool has_power(const struct nvm_memory *m) { return m->written < m->cut_at; }

/* ---- pages of its own, over a base ---- */

/* The position of the first page with this number or a greater one. */
static uint32_t page_lower(const struct nvm_pages *own, size_t number)
{
    uint32_t low = 0, high = own->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (own->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint8_t *page_find(const struct nvm_pages *own, size_t number)
{
    uint32_t i = page_lower(own, number);
    return i < own->count && own->numbers[i] == number ? own->octets + (size_t)i * NVM_PAGE : NULL;
}

static void base_read(const struct nvm_memory *m, size_t at, uint8_t *out, size_t len)
{
    size_t n = at < m->base.len ? m->base.len - at : 0;
    n = n < len ? n : len;
    if (n)
        memcpy(out, m->base.ptr + at, n);
    memset(out + n, 0, len - n);
}

/* A copy of what stands there now; NULL: no memory. */
static uint8_t *page_make(struct nvm_memory *m, size_t number)
{
    struct nvm_pages *own = &m->own;
    uint16_t *numbers = realloc(own->numbers, (own->count + 1u) * sizeof *numbers);
    own->numbers = numbers ? numbers : own->numbers;
    uint8_t *octets = realloc(own->octets, (own->count + 1u) * (size_t)NVM_PAGE);
    own->octets = octets ? octets : own->octets;
    if (!numbers || !octets)
        return NULL;
    uint32_t i = page_lower(own, number);
    uint8_t *page = octets + (size_t)i * NVM_PAGE;
    memmove(&numbers[i + 1], &numbers[i], (own->count - i) * sizeof *numbers);
    memmove(page + NVM_PAGE, page, (size_t)(own->count - i) * NVM_PAGE);
    numbers[i] = (uint16_t)number;
    own->count++;
    base_read(m, number * NVM_PAGE, page, NVM_PAGE);
    return page;
}

static size_t within_page(size_t at, size_t len)
{
    size_t room = NVM_PAGE - at % NVM_PAGE;
    return len < room ? len : room;
}

static void pages_read(const struct nvm_memory *m, size_t at, uint8_t *out, size_t len)
{
    for (size_t n; len; at += n, out += n, len -= n) {
        n = within_page(at, len);
        const uint8_t *page = page_find(&m->own, at / NVM_PAGE);
        if (page)
            memcpy(out, page + at % NVM_PAGE, n);
        else
            base_read(m, at, out, n);
    }
}

static bool pages_write(struct nvm_memory *m, size_t at, const uint8_t *in, size_t len)
{
    for (size_t n; len; at += n, in += n, len -= n) {
        n = within_page(at, len);
        uint8_t *page = page_find(&m->own, at / NVM_PAGE);
        if (!page)
            page = page_make(m, at / NVM_PAGE);
        if (!page)
            return false;
        memcpy(page + at % NVM_PAGE, in, n);
    }
    return true;
}

/* ---- the seam ---- */

static enum err memory_read(struct nvm *nvm, size_t at, uint8_t *out, size_t len)
{
    const struct nvm_memory *m = of(nvm);
    if (!has_power(m) || at > nvm->size || len > nvm->size - at)
        return ERR_IO;
    if (m->bytes)
        memcpy(out, m->bytes + at, len);
    else
        pages_read(m, at, out, len);
    return ERR_NONE;
}

static enum err memory_write(struct nvm *nvm, size_t at, struct span bytes)
{
    struct nvm_memory *m = of(nvm);
    if (!has_power(m) || at > nvm->size || bytes.len > nvm->size - at)
        return ERR_IO;
    uint64_t left = m->cut_at - m->written;
    size_t n = left < bytes.len ? (size_t)left : bytes.len;
    if (m->bytes && n != 0)
        memcpy(m->bytes + at, bytes.ptr, n);
    else if (!pages_write(m, at, bytes.ptr, n))
        return ERR_IO;
    m->written += n;
    m->writes++;
    return n == bytes.len ? ERR_NONE : ERR_IO;
}

static enum err memory_sync(struct nvm *nvm)
{
    struct nvm_memory *m = of(nvm);
    m->syncs++;
    return has_power(m) ? ERR_NONE : ERR_IO;
}

static struct nvm_memory fresh(size_t size)
{
    return (struct nvm_memory){ .nvm = { size, memory_read, memory_write, memory_sync }, .cut_at = UINT64_MAX };
}

enum err nvm_memory_init(struct nvm_memory *m, size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED)
        return ERR_NO_MEMORY;
    *m = fresh(size);
    m->bytes = pages;
    return ERR_NONE;
}

enum err nvm_memory_init_on(struct nvm_memory *m, size_t size, struct span base)
{
    if (size > (size_t)NVM_PAGE * UINT16_MAX + NVM_PAGE || base.len > size)
        return ERR_TOO_LONG;
    *m = fresh(size);
    m->base = base;
    return ERR_NONE;
}

void nvm_memory_done(struct nvm_memory *m)
{
    if (m->bytes)
        munmap(m->bytes, m->nvm.size);
    free(m->own.numbers);
    free(m->own.octets);
    m->own = (struct nvm_pages){ 0 };
    m->bytes = NULL;
}

size_t nvm_memory_own(const struct nvm_memory *m) { return m->own.count * (NVM_PAGE + sizeof *m->own.numbers); }

struct span nvm_memory_content(const struct nvm_memory *m)
{
    size_t len = m->nvm.size;
    while (len && m->bytes[len - 1] == 0)
        len--;
    return (struct span){ m->bytes, len };
}

void nvm_memory_cut_after(struct nvm_memory *m, uint64_t octets) { m->cut_at = m->written + octets; }
void nvm_memory_power_on(struct nvm_memory *m) { m->cut_at = UINT64_MAX; }
