package api

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// The document that is served is a valid one, and a health check needs nothing of it
// that the operation of health checks does not have.
func TestSpecification(t *testing.T) {
	t.Parallel()
	doc, err := loadSpec()
	if err == nil {
		err = doc.Validate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadOperations()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		got := *all["GET "+path]
		if got.route = probe.route; !reflect.DeepEqual(got, *probe) {
			t.Errorf("%s: %+v, but it is answered as %+v", path, got, *probe)
		}
	}
}

// Clients generate their error codes from the contract.
func TestContractListsEveryCode(t *testing.T) {
	t.Parallel()
	doc, err := loadSpec()
	if err != nil {
		t.Fatal(err)
	}
	var want []any
	for _, code := range slices.Sorted(maps.Keys(statuses)) {
		want = append(want, string(code))
	}
	if got := doc.Components.Schemas["ErrorCode"].Value.Enum; !reflect.DeepEqual(got, want) {
		t.Errorf("ErrorCode in openapi.yaml lists\n%v\nbut the codes are\n%v", got, want)
	}
}

// TestRequestsUseNoKeywordsOf31 holds requests to what kin-openapi's own
// validator knows: see operations.
func TestRequestsUseNoKeywordsOf31(t *testing.T) {
	doc, err := loadSpec()
	if err != nil {
		t.Fatal(err)
	}
	check := func(where string, schema *openapi3.SchemaRef) {
		err := schema.WalkSubtree(func(at string, ref *openapi3.SchemaRef) error {
			s := ref.Value
			if s.Const != nil || len(s.PrefixItems) > 0 || s.Contains != nil || len(s.PatternProperties) > 0 ||
				len(s.DependentSchemas) > 0 || s.PropertyNames != nil || s.UnevaluatedItems.Has != nil || s.UnevaluatedItems.Schema != nil ||
				s.UnevaluatedProperties.Has != nil || s.UnevaluatedProperties.Schema != nil || s.If != nil || s.Then != nil ||
				s.Else != nil || len(s.DependentRequired) > 0 || len(s.Defs) > 0 || s.ContentSchema != nil {
				return errors.New(at + " has a keyword that OpenAPI 3.0 does not have")
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			where := method + " " + path
			for _, p := range slices.Concat(op.Parameters, item.Parameters) {
				check(where+" "+p.Value.Name, p.Value.Schema)
			}
			if op.RequestBody != nil {
				for _, media := range op.RequestBody.Value.Content {
					check(where, media.Schema)
				}
			}
		}
	}
}
