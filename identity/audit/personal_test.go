package audit_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// What an event says about people is in parts of theirs, and the rest has none of it.
func TestSplit(t *testing.T) {
	t.Parallel()
	ada, bob := identity.NewID(), identity.NewID()
	refused := identity.Metadata{"provider": "google", "subject": "g-1", "reason": identity.Code("policy_off")}
	google := audit.SubjectOwner("google", "g-1")
	for name, c := range map[string]struct {
		event identity.Event
		kept  identity.Metadata
		want  []audit.Part
	}{
		"their own sign-in": {
			identity.Event{
				ActorID: &ada, UserID: &ada, IP: "192.0.2.1", UserAgent: "curl",
				Data: identity.Metadata{"provider": "google", "subject": "g-1", "claimed_address": "ada@corp.example", "left": 3},
			},
			identity.Metadata{"provider": "google", "left": 3},
			[]audit.Part{{Owner: audit.UserOwner(ada), Values: audit.Values{
				IP: "192.0.2.1", UserAgent: "curl", Data: identity.Metadata{"subject": "g-1", "claimed_address": "ada@corp.example"},
			}}},
		},
		"an operator's work": {
			identity.Event{
				ActorID: &bob, UserID: &ada, IP: "192.0.2.1",
				Data: identity.Metadata{"reason": "wrote to Ada, no answer", "until": time.Unix(1, 0)},
			},
			identity.Metadata{"until": time.Unix(1, 0)},
			[]audit.Part{
				{Owner: audit.UserOwner(bob), Values: audit.Values{IP: "192.0.2.1"}},
				{Owner: audit.UserOwner(ada), Values: audit.Values{Data: identity.Metadata{"reason": "wrote to Ada, no answer"}}},
			},
		},
		"the service's work": {
			identity.Event{UserID: &ada, Data: identity.Metadata{"reason": "suspension_over"}},
			identity.Metadata{"reason": "suspension_over"}, nil,
		},
		"a stranger's proof": {
			identity.Event{Action: identity.ActionProofRefused, UserID: &ada, IP: "192.0.2.1", Data: refused},
			identity.Metadata{"provider": "google", "reason": identity.Code("policy_off")},
			[]audit.Part{{Owner: google, Values: audit.Values{IP: "192.0.2.1", Data: identity.Metadata{"subject": "g-1"}}}},
		},
		"somebody else's identity": {
			identity.Event{Action: identity.ActionProofRefused, UserID: &ada, ActorID: &bob, IP: "192.0.2.1", Data: refused},
			identity.Metadata{"provider": "google", "reason": identity.Code("policy_off")},
			[]audit.Part{
				{Owner: audit.UserOwner(bob), Values: audit.Values{IP: "192.0.2.1"}},
				{Owner: google, Values: audit.Values{Data: identity.Metadata{"subject": "g-1"}}},
			},
		},
		"a backend's word": {
			identity.Event{Action: identity.ActionProofVouched, IP: "192.0.2.1", Data: identity.Metadata{"provider": "backend:old", "subject": "7", "address": "ada@corp.example"}},
			identity.Metadata{"provider": "backend:old"},
			[]audit.Part{
				{Values: audit.Values{IP: "192.0.2.1"}},
				{Owner: audit.SubjectOwner("backend:old", "7"), Values: audit.Values{Data: identity.Metadata{"subject": "7", "address": "ada@corp.example"}}},
			},
		},
		"an invitation": {
			identity.Event{Action: identity.ActionInvitationCreated, ActorID: &bob, Data: identity.Metadata{"email": "ada@corp.example", "role": "admin"}},
			identity.Metadata{"role": "admin"},
			[]audit.Part{{Owner: audit.AddressOwner("ada@corp.example"), Values: audit.Values{Data: identity.Metadata{"email": "ada@corp.example"}}}},
		},
		"a merge": {
			identity.Event{Action: identity.ActionUserMerged, UserID: &ada, Data: identity.Metadata{"from": bob, "into": ada, "emails": []string{"bob@corp.example"}}},
			identity.Metadata{"from": bob, "into": ada},
			[]audit.Part{{Owner: audit.UserOwner(bob), Values: audit.Values{Data: identity.Metadata{"emails": []string{"bob@corp.example"}}}}},
		},
		"something new": {
			identity.Event{ActorID: &ada, Data: identity.Metadata{"nickname": "Countess", "list": []string{"x"}, "of": map[string]string{"x": "y"}, "text": json.RawMessage(`"x"`), "empty": ""}},
			identity.Metadata{"empty": ""},
			[]audit.Part{{Owner: audit.UserOwner(ada), Values: audit.Values{Data: identity.Metadata{
				"nickname": "Countess", "list": []string{"x"}, "of": map[string]string{"x": "y"}, "text": json.RawMessage(`"x"`),
			}}}},
		},
		"ids, numbers and words": {
			identity.Event{ActorID: &ada, Data: identity.Metadata{"ids": []identity.ID{bob}, "n": new(3), "word": identity.Code("x"), "words": []identity.Code{"x"}, "none": nil, "all": true}},
			identity.Metadata{"ids": []identity.ID{bob}, "n": new(3), "word": identity.Code("x"), "words": []identity.Code{"x"}, "none": nil, "all": true},
			nil,
		},
	} {
		before, err := json.Marshal(c.event)
		if err != nil {
			t.Fatal(err)
		}
		got, parts := audit.Split(c.event)
		if !reflect.DeepEqual(parts, c.want) || !reflect.DeepEqual(got.Data, c.kept) || got.IP != "" || got.UserAgent != "" {
			t.Errorf("%s: %+v\n%+v", name, got, parts)
		}
		if after, _ := json.Marshal(c.event); string(after) != string(before) {
			t.Errorf("%s: the caller's event was changed", name)
		}
	}
}

func TestSealedValues(t *testing.T) {
	t.Parallel()
	v := audit.Values{IP: "192.0.2.1", UserAgent: "curl", Data: identity.Metadata{"subject": "g-1"}}
	secret, salt := []byte("a secret"), []byte("salt of 16 bytes")
	sealed, err := v.Seal(secret, salt)
	if err != nil || strings.Contains(sealed, "192") {
		t.Fatal(sealed, err)
	}
	if got, err := audit.Open(sealed, secret, salt); err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, other := range map[string][2][]byte{
		"another secret": {[]byte("another"), salt}, "no secret": {nil, salt}, "another salt": {secret, []byte("Salt of 16 bytes")},
	} {
		if got, err := audit.Open(sealed, other[0], other[1]); err == nil || !reflect.DeepEqual(got, audit.Values{}) {
			t.Errorf("%s opens it: %+v", name, got)
		}
	}

	e := identity.Event{Data: identity.Metadata{"provider": "google", audit.SealedMember: []any{sealed, "gone"}}}
	audit.Unseal(&e, func(part int, text string) (audit.Values, bool) {
		if part == 1 {
			return audit.Values{}, false
		}
		v, err := audit.Open(text, secret, salt)
		return v, err == nil
	})
	if want := (identity.Metadata{"provider": "google", "subject": "g-1", audit.ErasedMember: true}); !reflect.DeepEqual(e.Data, want) || e.IP != "192.0.2.1" {
		t.Errorf("%+v", e)
	}
}
