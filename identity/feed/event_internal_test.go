package feed

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// Every action of the audit trail has its event, or a reason why there is none.
func TestEveryActionIsToldOrNotForAReason(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	actions := map[identity.Action]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if is, ok := spec.Type.(*ast.Ident); ok && is.Name == "Action" {
				action, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				actions[identity.Action(action)] = true
			}
		}
		return true
	})
	if len(actions) < 50 {
		t.Fatalf("found only %d actions", len(actions))
	}
	used := map[Type]bool{}
	for action := range actions {
		from, ok := sources[action]
		e, is := Of(identity.Event{Action: action})
		switch {
		case !ok:
			t.Errorf("%s: say in sources which event it is, or why there is none", action)
		case is != (from.unsent == "") || is && e.Type != from.is:
			t.Errorf("%s: %v, %v, although it is %+v", action, e, is, from)
		case is && !slices.Contains(Types, from.is):
			t.Errorf("%s: the type %q is not in Types", action, from.is)
		}
		used[from.is] = true
	}
	for action := range sources {
		if !actions[action] {
			t.Errorf("%s is no action", action)
		}
	}
	for _, is := range Types {
		if !used[is] {
			t.Errorf("no action becomes %s", is)
		}
	}
}

// Nothing that leaves the service has a subject, an address, a network or a free text
// of the audit event in it.
func TestEventsHaveNothingPersonalOfTheAuditTrail(t *testing.T) {
	t.Parallel()
	id := identity.NewID()
	for action, from := range sources {
		e, ok := Of(identity.Event{
			Action: action, ActorID: &id, UserID: &id, TeamID: &id, SessionID: &id, IP: "192.0.2.1", UserAgent: "agent",
			Data: identity.Metadata{"subject": "1234", "address": "a@example.com", "email": "a@example.com", "claimed_address": "a@example.com", "inputs": "x"},
		})
		for name, v := range e.Data {
			if v != id && len(ids(identity.Metadata{}, "", "").([]any)) == 0 && name != "session_ids" && name != "team_session_ids" {
				t.Errorf("%s has %s: %v", action, name, v)
			}
		}
		if ok && (e.UserID == nil || from.unsent != "") {
			t.Errorf("%s: %+v", action, e)
		}
	}
}

func TestSessionsOfEvents(t *testing.T) {
	t.Parallel()
	browser, application := identity.NewID(), identity.NewID()
	for name, tc := range map[string]struct {
		event identity.Event
		field string
		want  any
	}{
		"in a browser":      {identity.Event{Action: identity.ActionSessionCreated, SessionID: &browser}, "session_id", browser},
		"of an application": {identity.Event{Action: identity.ActionSessionCreated, SessionID: &browser, Data: identity.Metadata{"application_session_id": application}}, "session_id", application},
	} {
		if e, _ := Of(tc.event); e.Data[tc.field] != tc.want {
			t.Errorf("%s: %v", name, e.Data)
		}
	}
	one, _ := Of(identity.Event{Action: identity.ActionSessionEnded, SessionID: &browser, Data: identity.Metadata{"ended_session_id": application}})
	if got := one.Data["session_ids"].([]any); len(got) != 1 || got[0] != application || one.Data["session_id"] != nil {
		t.Errorf("one: %v", one.Data)
	}
	if many, _ := Of(identity.Event{Action: identity.ActionTeamSessionRevoked, Data: identity.Metadata{"team_session_ids": []any{"a", "b"}}}); len(many.Data["team_session_ids"].([]any)) != 2 {
		t.Errorf("many: %v", many.Data)
	}
}

// What applications are sent is not sealed in the audit trail, from which it is read.
func TestWhatEventsHaveIsNotSealed(t *testing.T) {
	t.Parallel()
	ids := []string{"from", "into", "left", "all", "deletes_at", "users"} // and what is no text
	for action, from := range sources {
		for _, name := range from.data {
			if strings.HasSuffix(name, "_id") && name != "client_id" || slices.Contains(ids, name) {
				continue
			}
			if _, parts := audit.Split(identity.Event{Action: action, Data: identity.Metadata{name: "word"}}); len(parts) > 0 {
				t.Errorf("%s has %s, which is sealed", action, name)
			}
		}
	}
}

// The contract says what the events of each type have, for clients that generate types
// from it.
func TestContractHasTheFieldsOfEvents(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	listed := doc.Components.Schemas["EventData"].Value
	want := map[Type]map[string]bool{}
	for _, is := range Types {
		want[is] = map[string]bool{"user_id": true, "team_id": true, "actor_id": true}
	}
	for _, from := range sources {
		for _, name := range from.data {
			if name != "application_session_id" { // becomes the session_id
				want[from.is][name] = true
			}
		}
	}
	for is, name := range map[Type]string{
		UserCreated: "user", UserUpdated: "user", UserRestored: "user", // storage adds it
		SessionCreated: "session_id", SessionEnded: "session_ids", TeamSessionRevoked: "team_session_ids",
	} {
		want[is][name] = true
	}
	for is, fields := range want {
		schema := listed.Properties[string(is)]
		if schema == nil || !slices.Contains(listed.Required, string(is)) {
			t.Errorf("EventData in openapi.yaml lacks %s", is)
			continue
		}
		got := map[string]bool{}
		fieldsOf(schema.Value, got)
		if !maps.Equal(got, fields) {
			t.Errorf("EventData of %s in openapi.yaml has\n%v\nbut the event has\n%v", is, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(fields)))
		}
	}
	if len(listed.Properties) != len(want) {
		t.Errorf("EventData in openapi.yaml has %d types, there are %d", len(listed.Properties), len(want))
	}
}

// fieldsOf adds the fields of an object, and of what it consists of.
func fieldsOf(schema *openapi3.Schema, fields map[string]bool) {
	for name := range schema.Properties {
		fields[name] = true
	}
	for _, part := range schema.AllOf {
		fieldsOf(part.Value, fields)
	}
}
