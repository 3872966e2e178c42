package api_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestTheBackendCreatesUsers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		_, writer := newKey(t, op, "users:write")
		_, reader := newKey(t, op, "users:read")
		reader.POST("/v1/users", object{"external_id": "x"}).WantProblem(http.StatusForbidden, "insufficient_scope")
		op.POST("/v1/users", object{"external_id": "x"}).Want(http.StatusUnauthorized)

		full := object{"external_id": "c-1", "email": "ada@gmail.com", "display_name": " Ada ", "app_metadata": object{"plan": "pro"}, "onboarded": true}
		made := writer.POST("/v1/users", full).Want(http.StatusCreated)
		id := made.String("id")
		if made.String("external_id") != "c-1" || made.String("display_name") != "Ada" || made.String("app_metadata.plan") != "pro" ||
			made.String("onboarded_at") == "" || made.Len("identities") != 0 || made.Get("primary_email") != nil {
			t.Errorf("%s", made.Body)
		}
		// Again, it is found as it is.
		if got := writer.POST("/v1/users", object{"external_id": "c-1", "display_name": "Eve"}).Want(http.StatusOK); got.String("id") != id || got.String("display_name") != "Ada" {
			t.Errorf("%s", got.Body)
		}
		// The address is not anybody's: its owner gets an account of their own.
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		if me(ada) == id {
			t.Fatal("an address that a backend named signs in to the user it created")
		}
		// Who is found by an address or a wallet gets the external id, once.
		if got := writer.POST("/v1/users", object{"external_id": "c-2", "email": "Ada@gmail.com"}).Want(http.StatusOK); got.String("id") != me(ada) || got.String("external_id") != "c-2" {
			t.Errorf("%s", got.Body)
		}
		w, walleted := apptest.NewWallet(t), a.Browser()
		walleted.Wallet(w, "sign_in").Want(http.StatusOK)
		if got := writer.POST("/v1/users", object{"wallet": w.Address.Hex()}).Want(http.StatusOK); got.String("id") != me(walleted) || got.Get("external_id") != nil {
			t.Errorf("%s", got.Body)
		}
		for what, row := range map[string]struct {
			body        object
			status      int
			code, field string
		}{
			"an address of another id":   {object{"external_id": "c-3", "email": "ada@gmail.com"}, 409, "email_taken", "email"},
			"an id and another address":  {object{"external_id": "c-1", "email": "ada@gmail.com"}, 409, "email_taken", "email"},
			"an id and another wallet":   {object{"external_id": "c-1", "wallet": w.Address.Hex()}, 409, "identity_taken", "wallet"},
			"an address and a wallet":    {object{"email": "ada@gmail.com", "wallet": w.Address.Hex()}, 409, "identity_taken", "wallet"},
			"an operator":                {object{"external_id": "c-9", "email": "operator@gmail.com"}, 403, "forbidden", ""},
			"nothing":                    {object{}, 400, "invalid_request", ""},
			"an address that is none":    {object{"email": "ada"}, 400, "invalid_email", ""},
			"a wallet that is none":      {object{"wallet": "0x1"}, 400, "invalid_request", "wallet"},
			"an id with a line":          {object{"external_id": "a\nb"}, 400, "invalid_request", "external_id"},
			"the rights of an operator":  {object{"external_id": "x", "operator": true}, 400, "invalid_request", ""},
			"an address that is primary": {object{"external_id": "x", "primary_email": "a@b.example"}, 400, "invalid_request", ""},
		} {
			t.Run(what, func(t *testing.T) {
				a.Unchanged(t, func() {
					got := writer.In(t).POST("/v1/users", row.body)
					if got.WantProblem(row.status, row.code); row.field != "" && got.String("field") != row.field {
						t.Errorf("field %q: %s", got.String("field"), got.Body)
					}
				})
			})
		}
		// Many at once: one user.
		var wait sync.WaitGroup
		ids := make([]string, 8)
		for i := range ids {
			wait.Go(func() { ids[i] = writer.POST("/v1/users", object{"external_id": "race"}).String("id") })
		}
		wait.Wait()
		for _, got := range ids {
			if got != ids[0] || got == "" {
				t.Fatalf("several users of one external id: %v", ids)
			}
		}
		// The record joins the person's account by an operator's merge; its id leads there.
		op.POST("/v1/admin/merges", object{"user_ids": []string{id, me(walleted)}, "survivor_id": me(walleted)}).Want(http.StatusOK)
		if got := writer.POST("/v1/users", object{"external_id": "c-1"}).Want(http.StatusOK); got.String("id") != me(walleted) {
			t.Errorf("%s", got.Body)
		}
	})
}
