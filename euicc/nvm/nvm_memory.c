#include "nvm_memory.h"

#include <sys/mman.h>

static struct nvm_memory *of(struct nvm *nvm) { return (struct nvm_memory *)nvm; }

static bool has_power(const struct nvm_memory *m) { return m->written < m->cut_at; }

static enum err memory_read(struct nvm *nvm, size_t at, uint8_t *out, size_t len)
{
    const struct nvm_memory *m = of(nvm);
    if (!has_power(m) || at > nvm->size || len > nvm->size - at)
        return ERR_IO;
    memcpy(out, m->bytes + at, len);
    return ERR_NONE;
}

static enum err memory_write(struct nvm *nvm, size_t at, struct span bytes)
{
    struct nvm_memory *m = of(nvm);
    if (!has_power(m) || at > nvm->size || bytes.len > nvm->size - at)
        return ERR_IO;
    uint64_t left = m->cut_at - m->written;
    size_t n = left < bytes.len ? (size_t)left : bytes.len;
    if (n != 0)
        memcpy(m->bytes + at, bytes.ptr, n);
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

enum err nvm_memory_init(struct nvm_memory *m, size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED)
        return ERR_NO_MEMORY;
    *m = (struct nvm_memory){ .nvm = { size, memory_read, memory_write, memory_sync },
                              .bytes = pages,
                              .cut_at = UINT64_MAX };
    return ERR_NONE;
}

void nvm_memory_done(struct nvm_memory *m)
{
    if (m->bytes)
        munmap(m->bytes, m->nvm.size);
    m->bytes = NULL;
}

void nvm_memory_cut_after(struct nvm_memory *m, uint64_t octets) { m->cut_at = m->written + octets; }
void nvm_memory_power_on(struct nvm_memory *m) { m->cut_at = UINT64_MAX; }
