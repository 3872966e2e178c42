package api

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/identity/apikey"
)

// spec is openapi.yaml, parsed. All servers of a process share it, so it
// must not be modified.
type spec struct{ *openapi3.T }

// loadSpec does not ask whether the document is a valid one: a test does.
var loadSpec = sync.OnceValues(func() (spec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(specification)
	return spec{doc}, err
})

// loadOperations takes longer than the rest of the start. It runs beside that, and
// whatever needs an operation waits for it.
var loadOperations = sync.OnceValues(func() (operations, error) {
	s, err := loadSpec()
	if err != nil {
		return nil, err
	}
	return s.operations()
})

// operation is one method on one path, ready to validate requests.
type operation struct {
	route    *routers.Route
	security bool // a session is asked for: required or optional
	required bool // and required
	hasBody  bool
	params   bool
	query    queryRules
	// restricted reports whether a session made by a recovery code may call it; an
	// operation that does not say so may not be.
	restricted bool
	// leaving reports whether the session of a user who is leaving may call it.
	leaving   bool
	endings   bool            // who has the cookie of an ended session gets to know how it ended
	oauth     bool            // its refusals have the form of RFC 6749
	oauth2    bool            // and its statuses: it is an endpoint of the authorization server
	fields    map[string]bool // of a JSON body that may come as a form
	formOnly  bool            // takes a form, and no JSON
	lists     map[string]bool // the fields of the form that can be given more than once
	anyOrigin bool            // any origin may call it: it knows no cookie
	rate      *policy         // limit by client address; nil for none at all
	// policy says how the policy of the team in the path applies: fully, unless
	// the operation says otherwise.
	policy   teamPolicy
	form     bool         // takes a form, too
	sessions bool         // a session is a way to call it
	scope    apikey.Scope // so is an API key with this scope; "" for none
	// operators reports whether only operators may call it.
	operators bool
}

// operations are found by the pattern that Gin has matched already, so that a
// request is not routed a second time.
type operations map[string]*operation

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

func (s spec) operations() (operations, error) {
	out := operations{}
	// For a document of 3.1, kin-openapi compiles the JSON Schema for every
	// request and then, as ours have references, decides by its own validator
	// anyway. Said to be 3.0, it goes to that directly; what only 3.1 has and
	// that validator does not know, no request may use: see TestRequestsUseNoKeywordsOf31.
	asBefore31 := *s.T
	asBefore31.OpenAPI = "3.0.3"
	for path, item := range s.Paths.Map() {
		for method, op := range item.Operations() {
			rate, err := ratePolicy(method, op.Extensions["x-rate-limit"])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", op.OperationID, err)
			}
			query, err := queryRulesOf(item, op)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", op.OperationID, err)
			}
			security := s.Security
			if op.Security != nil {
				security = *op.Security
			}
			// An access token is for the handler.
			security = slices.DeleteFunc(slices.Clone(security), func(r openapi3.SecurityRequirement) bool { return r["accessToken"] != nil })
			formOnly, lists := formOf(op)
			required := len(security) > 0 && !slices.ContainsFunc(security, func(r openapi3.SecurityRequirement) bool { return len(r) == 0 })
			operators := strings.HasPrefix(path, "/v1/admin/")
			if operators && !required {
				return nil, fmt.Errorf("%s: an operators' call that requires no session", op.OperationID)
			}
			out[method+" "+pathParam.ReplaceAllString(path, ":$1")] = &operation{
				route:      &routers.Route{Spec: &asBefore31, Path: path, PathItem: item, Method: method, Operation: op},
				security:   len(security) > 0,
				required:   required,
				hasBody:    op.RequestBody != nil,
				params:     len(op.Parameters)+len(item.Parameters) > 0,
				query:      query,
				restricted: op.Extensions["x-restricted-session"] == "allowed",
				leaving:    op.Extensions["x-leaving-session"] == "allowed",
				endings:    op.OperationID == "getSession",
				oauth:      op.Extensions["x-oauth-errors"] == true,
				oauth2:     strings.HasPrefix(path, "/oauth2/"),
				fields:     fieldsOf(op),
				formOnly:   formOnly,
				lists:      lists,
				anyOrigin:  op.Extensions["x-cross-origin"] == "any",
				rate:       rate,
				policy:     teamPolicyOf(path, op.Extensions["x-team-policy"]),
				form:       op.Extensions["x-form"] == "allowed",
				sessions:   slices.ContainsFunc(security, func(r openapi3.SecurityRequirement) bool { return r["bearer"] != nil }),
				scope:      scopeOf(security),
				operators:  operators,
			}
		}
	}
	return out, nil
}

// formOf reports whether an operation takes a form alone, and which fields are lists.
func formOf(op *openapi3.Operation) (only bool, lists map[string]bool) {
	if op.RequestBody == nil {
		return false, nil
	}
	content := op.RequestBody.Value.Content
	media := content[formType]
	if media == nil || len(content) > 1 {
		return false, nil
	}
	lists = map[string]bool{}
	for name, p := range media.Schema.Value.Properties {
		lists[name] = p.Value.Type.Is(openapi3.TypeArray)
	}
	return true, lists
}

// fieldsOf are the names of the object that an operation takes as JSON.
func fieldsOf(op *openapi3.Operation) map[string]bool {
	if op.RequestBody == nil {
		return nil
	}
	media := op.RequestBody.Value.Content["application/json"]
	if media == nil {
		return nil
	}
	fields := map[string]bool{}
	for name := range media.Schema.Value.Properties {
		fields[name] = true
	}
	return fields
}

// scopeOf is the scope that a key needs, or "" where none will do.
func scopeOf(security openapi3.SecurityRequirements) apikey.Scope {
	for _, r := range security {
		if scopes := r["apiKey"]; len(scopes) == 1 {
			return apikey.Scope(scopes[0])
		}
	}
	return ""
}

// probe is the operation of health checks, which are answered before the
// specification has been read.
var probe = &operation{
	route: &routers.Route{Operation: &openapi3.Operation{OperationID: "probe"}},
	query: queryRules{declared: map[string]bool{}},
}

// attachOperation finds the operation of a matched route. HEAD is that of GET.
func (s *Server) attachOperation(c *gin.Context) {
	info := requestInfoOf(c)
	if path := c.FullPath(); path == "/healthz" || path == "/readyz" {
		info.operation = probe
		return
	}
	all, err := loadOperations()
	if err != nil {
		s.fail(c, err)
		return
	}
	method := c.Request.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	info.operation = all[method+" "+c.FullPath()]
	if c.FullPath() == forwardAuthRoute {
		clearAuthHeaders(c)
	}
}

// validate refuses requests that the specification does not describe. The value
// it validated stays on the body, so that handlers see exactly that.
func (s *Server) validate() gin.HandlerFunc {
	options := &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, // see authenticate
		KeepValidatedValue: true,
	}
	return func(c *gin.Context) {
		op := requestInfoOf(c).operation
		if err := op.query.check(c.Request.URL.RawQuery); err != nil {
			s.fail(c, err)
			return
		}
		if !op.hasBody && !op.params {
			return
		}
		pathParams := make(map[string]string, len(c.Params))
		for _, p := range c.Params {
			pathParams[p.Key] = p.Value
		}
		err := openapi3filter.ValidateRequest(c, &openapi3filter.RequestValidationInput{
			Request: c.Request, PathParams: pathParams, Route: op.route, Options: options,
		})
		if err != nil {
			s.fail(c, malformed(err))
		}
	}
}

// malformed turns a validation error into a refusal that names the field and
// repeats nothing of the input.
func malformed(err error) error {
	e := errInvalidRequest("the request does not match what this call takes; see /docs")
	var request *openapi3filter.RequestError
	var schema *openapi3.SchemaError
	switch {
	case errors.As(err, &schema):
		e.Field = strings.Join(schema.JSONPointer(), ".")
		e.Detail = "this field is not what the call takes: " + reason(schema)
		if e.Field == "" {
			e.Detail = "the body is not what the call takes: " + reason(schema)
		}
	case errors.As(err, &request) && request.Parameter != nil:
		e.Detail = "this parameter is not what the call takes"
	}
	if errors.As(err, &request) && request.Parameter != nil {
		e.Field = request.Parameter.Name
	}
	return e.Wrap(err)
}

// reason is what the schema says, without the value.
func reason(e *openapi3.SchemaError) string {
	if e.Reason != "" && !strings.Contains(e.Reason, "\n") && len(e.Reason) < 200 {
		return e.Reason
	}
	return "it does not fit the schema's " + e.SchemaField
}

// Specification returns openapi.yaml, the source of the contract.
func Specification() []byte { return specification }
