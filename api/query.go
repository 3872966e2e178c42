package api

import (
	"fmt"
	"net/url"

	"github.com/getkin/kin-openapi/openapi3"
)

// queryRules say which query parameters an operation takes, as the specification
// declares them.
type queryRules struct {
	// declared reports for each parameter whether it may be given more than once.
	declared map[string]bool
	// open leaves other parameters alone, and a query that cannot be read: for
	// what others than our clients put together (RFC 6749, section 4.1.2).
	open bool
}

// unknownIgnored is the value of x-unknown-parameters that opens a query.
const unknownIgnored = "ignored"

func queryRulesOf(item *openapi3.PathItem, op *openapi3.Operation) (queryRules, error) {
	rules := queryRules{declared: map[string]bool{}}
	for _, list := range []openapi3.Parameters{item.Parameters, op.Parameters} {
		for _, p := range list {
			if p.Value.In == openapi3.ParameterInQuery {
				rules.declared[p.Value.Name] = p.Value.Schema.Value.Type.Is(openapi3.TypeArray)
			}
		}
	}
	switch v := op.Extensions["x-unknown-parameters"]; v {
	case nil:
	case unknownIgnored:
		rules.open = true
	default:
		return rules, fmt.Errorf("x-unknown-parameters is %v, which is not a rule", v)
	}
	return rules, nil
}

// check refuses a parameter that the operation does not declare: a filter with a
// slip in its name would otherwise answer as if there were none. It refuses one
// that is given twice, because readers differ in which one counts.
func (q queryRules) check(raw string) error {
	if raw == "" {
		return nil
	}
	given, err := url.ParseQuery(raw)
	if err != nil && !q.open {
		return errInvalidRequest("the query is malformed").Wrap(err)
	}
	for name, values := range given {
		repeatable, declared := q.declared[name]
		switch {
		case !declared && q.open:
		case !declared:
			return errInvalidRequest("this call does not take this query parameter").WithField(printable(name, maxFieldName))
		case len(values) > 1 && !repeatable:
			return errInvalidRequest("this query parameter is given more than once").WithField(name)
		}
	}
	return nil
}
