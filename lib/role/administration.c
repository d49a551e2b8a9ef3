#include "administration.h"

#include "admin_call.h"

int administration_serve(struct administration *a, const struct http_request *request, struct admin_request *who,
                         struct span *ret_body, const char **ret_type)
{
    struct admin_calls calls = { a->env };
    struct admin admin = { { a->own, admin_call_routes(&calls), undelivered_routes(&a->messages), rewrap_routes(&a->secrets),
                             node_routes(&a->node) },
                           a->metrics };
    who->method = request->method;
    who->path = request->path;
    who->query = request->query;
    who->body = request->body;
    return admin_serve(&admin, who, ret_body, ret_type);
}
