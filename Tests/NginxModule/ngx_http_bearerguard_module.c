/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The BearerGuard authors
 *
 * A sample: nginx asks the guard in its own process.
 *
 *   bearerguard_policy /etc/bearerguard/api.json;        in http
 *   bearerguard on;                                      in http, server, location
 *   bearerguard_scopes "orders:read";                    in http, server, location
 *   proxy_set_header X-Auth-Subject $bearerguard_subject;
 */
#include <bearerguard.h>
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#define MAXIMUM_FIELDS 8

typedef struct {
    ngx_str_t policy;
} bearerguard_main_t;

typedef struct {
    ngx_flag_t is_on;
    ngx_str_t scopes;
} bearerguard_location_t;

typedef struct {
    ngx_str_t subject;
} bearerguard_request_t;

/* Of the worker: nginx forks after it has read its configuration, and threads of a library do not live through that. */
static bearerguard *guard;

static ngx_int_t initialize(ngx_conf_t *configuration);
static ngx_int_t start_worker(ngx_cycle_t *cycle);
static void end_worker(ngx_cycle_t *cycle);
static void *create_main(ngx_conf_t *configuration);
static void *create_location(ngx_conf_t *configuration);
static char *merge_location(ngx_conf_t *configuration, void *parent, void *child);

static ngx_command_t commands[] = {
    {ngx_string("bearerguard_policy"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(bearerguard_main_t, policy), NULL},
    {ngx_string("bearerguard"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_FLAG,
     ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET, offsetof(bearerguard_location_t, is_on), NULL},
    {ngx_string("bearerguard_scopes"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
     ngx_conf_set_str_slot, NGX_HTTP_LOC_CONF_OFFSET, offsetof(bearerguard_location_t, scopes), NULL},
    ngx_null_command,
};

static ngx_int_t add_variables(ngx_conf_t *configuration);

static ngx_http_module_t context = {
    add_variables, initialize, create_main, NULL, NULL, NULL, create_location, merge_location,
};

ngx_module_t ngx_http_bearerguard_module = {
    NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE, NULL, NULL, start_worker, NULL, NULL, end_worker, NULL,
    NGX_MODULE_V1_PADDING,
};

static ngx_int_t
add_field(ngx_http_request_t *request, const char *name, const char *value)
{
    ngx_table_elt_t *field = ngx_list_push(&request->headers_out.headers);
    size_t length = ngx_strlen(value);
    u_char *copy = ngx_pnalloc(request->pool, length);
    if (field == NULL || copy == NULL) {
        return NGX_ERROR;
    }
    ngx_memcpy(copy, value, length);
    field->hash = 1;
    field->key.data = (u_char *) name;
    field->key.len = ngx_strlen(name);
    field->value.data = copy;
    field->value.len = length;
    return NGX_OK;
}

/* The values of all Authorization fields: two of them are refused, so none may be left out. */
static ngx_int_t
authorization(ngx_http_request_t *request, const char *values[MAXIMUM_FIELDS])
{
    ngx_int_t count = 0;
    ngx_list_part_t *part = &request->headers_in.headers.part;
    for (; part != NULL; part = part->next) {
        ngx_table_elt_t *fields = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if (fields[i].key.len == sizeof("Authorization") - 1
                && ngx_strncasecmp(fields[i].key.data, (u_char *) "Authorization", fields[i].key.len) == 0)
            {
                if (count == MAXIMUM_FIELDS) {
                    return count;
                }
                /* nginx ends values with a NUL. */
                values[count++] = (const char *) fields[i].value.data;
            }
        }
    }
    return count;
}

static ngx_int_t
handle(ngx_http_request_t *request)
{
    bearerguard_location_t *location = ngx_http_get_module_loc_conf(request, ngx_http_bearerguard_module);
    if (!location->is_on) {
        return NGX_DECLINED;
    }
    const char *values[MAXIMUM_FIELDS];
    ngx_int_t count = authorization(request, values);
    bearerguard_answer *answer = bearerguard_judge(guard, values, count, (const char *) location->scopes.data);
    if (answer == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    ngx_int_t status = answer->status;
    if (status == NGX_HTTP_OK) {
        bearerguard_request_t *kept = ngx_pcalloc(request->pool, sizeof(*kept));
        status = kept == NULL ? NGX_HTTP_INTERNAL_SERVER_ERROR : NGX_OK;
        if (kept != NULL && answer->subject != NULL) {
            kept->subject.len = ngx_strlen(answer->subject);
            kept->subject.data = ngx_pnalloc(request->pool, kept->subject.len);
            if (kept->subject.data == NULL) {
                status = NGX_HTTP_INTERNAL_SERVER_ERROR;
            } else {
                ngx_memcpy(kept->subject.data, answer->subject, kept->subject.len);
            }
        }
        if (kept != NULL) {
            ngx_http_set_ctx(request, kept, ngx_http_bearerguard_module);
        }
    } else if ((answer->challenge != NULL && add_field(request, "WWW-Authenticate", answer->challenge) != NGX_OK)
               || (answer->retry_after > 0 && add_field(request, "Retry-After", "1") != NGX_OK))
    {
        status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    bearerguard_answer_free(answer);
    return status;
}

static ngx_int_t
subject(ngx_http_request_t *request, ngx_http_variable_value_t *value, uintptr_t data)
{
    bearerguard_request_t *kept = ngx_http_get_module_ctx(request, ngx_http_bearerguard_module);
    if (kept == NULL || kept->subject.data == NULL) {
        value->not_found = 1;
        return NGX_OK;
    }
    /* A control character would end the header that the variable is used in. */
    for (size_t i = 0; i < kept->subject.len; i++) {
        if (kept->subject.data[i] < 0x20 || kept->subject.data[i] == 0x7f) {
            value->not_found = 1;
            return NGX_OK;
        }
    }
    value->data = kept->subject.data;
    value->len = kept->subject.len;
    value->valid = 1;
    value->no_cacheable = 1;
    value->not_found = 0;
    return NGX_OK;
}

static ngx_int_t
add_variables(ngx_conf_t *configuration)
{
    ngx_str_t name = ngx_string("bearerguard_subject");
    ngx_http_variable_t *variable = ngx_http_add_variable(configuration, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (variable == NULL) {
        return NGX_ERROR;
    }
    variable->get_handler = subject;
    return NGX_OK;
}

static ngx_int_t
initialize(ngx_conf_t *configuration)
{
    ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(configuration, ngx_http_core_module);
    ngx_http_handler_pt *handler = ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }
    *handler = handle;
    return NGX_OK;
}

static ngx_int_t
start_worker(ngx_cycle_t *cycle)
{
    bearerguard_main_t *settings = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_bearerguard_module);
    if (settings == NULL || settings->policy.len == 0) {
        return NGX_OK;
    }
    char text[256 * 1024];
    char folder[NGX_MAX_PATH];
    ngx_fd_t file = ngx_open_file(settings->policy.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    ssize_t length = file == NGX_INVALID_FILE ? -1 : ngx_read_fd(file, text, sizeof(text));
    if (file != NGX_INVALID_FILE) {
        ngx_close_file(file);
    }
    if (length < 0 || settings->policy.len >= sizeof(folder)) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno, "bearerguard_policy cannot be read");
        return NGX_ERROR;
    }
    ngx_cpystrn((u_char *) folder, settings->policy.data, sizeof(folder));
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    char *fault = NULL;
    guard = bearerguard_open(text, length, slash == NULL ? NULL : folder, &fault);
    if (guard == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "bearerguard_policy: %s", fault == NULL ? "unusable" : fault);
        bearerguard_text_free(fault);
        return NGX_ERROR;
    }
    return NGX_OK;
}

static void
end_worker(ngx_cycle_t *cycle)
{
    bearerguard_close(guard);
    guard = NULL;
}

static void *
create_main(ngx_conf_t *configuration)
{
    return ngx_pcalloc(configuration->pool, sizeof(bearerguard_main_t));
}

static void *
create_location(ngx_conf_t *configuration)
{
    bearerguard_location_t *location = ngx_pcalloc(configuration->pool, sizeof(*location));
    if (location != NULL) {
        location->is_on = NGX_CONF_UNSET;
    }
    return location;
}

static char *
merge_location(ngx_conf_t *configuration, void *parent, void *child)
{
    bearerguard_location_t *outer = parent;
    bearerguard_location_t *inner = child;
    ngx_conf_merge_value(inner->is_on, outer->is_on, 0);
    ngx_conf_merge_str_value(inner->scopes, outer->scopes, "");
    return NGX_CONF_OK;
}
