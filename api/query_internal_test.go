package api

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/latchkey/latchkey/identity"
)

// Every operation refuses query parameters that it does not declare, apart from
// those whose query a provider or an application puts together.
func TestEveryOperationKnowsItsQuery(t *testing.T) {
	t.Parallel()
	operations, err := loadOperations()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		id := op.route.Operation.OperationID
		if op.query.open != (id == "finishProvider" || id == "authorize" || id == "logout") {
			t.Errorf("%s: open %v", id, op.query.open)
		}
		for _, query := range []string{"emial=a", "emial", "=", "Limit=1", "%6cimit%20=1", "a%zz", "limit=1;cursor=a"} {
			if err := op.query.check(query); (err == nil) != op.query.open {
				t.Errorf("%s?%s: %v", id, query, err)
			}
		}
		for name, repeatable := range op.query.declared {
			if err := op.query.check(name + "=a"); err != nil {
				t.Errorf("%s?%s=a: %v", id, name, err)
			}
			if err := op.query.check(name + "=a&" + name + "=b"); !repeatable && identity.ErrorCode(err) != identity.CodeInvalidRequest {
				t.Errorf("%s?%[2]s=a&%[2]s=b: %v", id, name, err)
			}
		}
	}
}

func TestQueryRules(t *testing.T) {
	t.Parallel()
	array := &openapi3.Parameter{In: "query", Name: "ids", Schema: openapi3.NewArraySchema().NewRef()}
	op := openapi3.NewOperation()
	op.AddParameter(array)
	rules, err := queryRulesOf(&openapi3.PathItem{Parameters: openapi3.Parameters{
		{Value: openapi3.NewQueryParameter("shared").WithSchema(openapi3.NewStringSchema())},
		{Value: openapi3.NewPathParameter("team").WithSchema(openapi3.NewStringSchema())},
	}}, op)
	if err != nil {
		t.Fatal(err)
	}
	for query, ok := range map[string]bool{
		"": true, "ids=1&ids=2": true, "shared=1": true, "shared=1&ids=1": true,
		"shared=1&shared=1": false, "team=1": false, "a=%zz": false,
	} {
		if err := rules.check(query); (err == nil) != ok {
			t.Errorf("%q: %v", query, err)
		}
	}
	op.Extensions = map[string]any{"x-unknown-parameters": "ignore"}
	if _, err := queryRulesOf(&openapi3.PathItem{}, op); err == nil {
		t.Error("a rule that is none was accepted")
	}
}
