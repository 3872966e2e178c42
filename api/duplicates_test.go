package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/dedupe"
	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

// importPeople does what `latchkey import` does with a CSV file.
func importPeople(t *testing.T, a *apptest.App, lines ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.csv")
	text := "id,email,email_verified,name,created_at,provider,subject\n" + strings.Join(lines, "\n")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := importer.Open(t.Context(), importer.CSV, path, importer.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	o := importer.Options{Origin: "old", Batch: 2, Now: a.Now}
	if _, err := importer.Run(t.Context(), a.DB, src, o); err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
}

// Two imported users with one address become one, and each wallet finds them.
func TestImportedDuplicatesBecomeOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		old, young, third, other := apptest.NewWallet(t), apptest.NewWallet(t), apptest.NewWallet(t), apptest.NewWallet(t)
		importPeople(t, a,
			"1,ada@example.com,true,Ada,2020-01-01,siwe,"+old.Address.Hex(),
			"2,ADA@example.com,true,Ada L,2021-01-01,siwe,"+young.Address.Hex(),
			"3,ada@example.com,true,Ada M,2019-01-01,siwe,"+third.Address.Hex(),
			"4,ada@example.com,false,Eve,2018-01-01,siwe,"+other.Address.Hex())
		operator := google(t, a, apptest.Person{Name: "Op", Email: "op@gmail.com"})
		operator.GET("/v1/admin/duplicates").WantProblem(http.StatusForbidden, "operator_required")
		a.Browser().GET("/v1/admin/duplicates").WantProblem(http.StatusUnauthorized, "unauthenticated")
		grantOperator(t, a, me(operator))

		all := operator.GET("/v1/admin/duplicates?limit=100").Want(http.StatusOK)
		kinds := map[string]int{}
		for i := range all.Len("data") {
			kinds[all.String(fmt.Sprintf("data.%d.kind", i))]++
		}
		if kinds["address"] != 1 || kinds["spelling"] != 1 || kinds["hint"] == 0 {
			t.Fatalf("duplicates: %s", all.Body)
		}
		if all.String("data.0.users.0.display_name") != "Ada" || all.String("data.0.users.1.display_name") != "Ada L" {
			t.Errorf("the older is not first: %s", all.Body)
		}
		seen, cursor := 0, ""
		for page := operator.GET("/v1/admin/duplicates?limit=1").Want(http.StatusOK); ; page = operator.GET("/v1/admin/duplicates?limit=1&cursor=" + cursor).Want(http.StatusOK) {
			seen += page.Len("data")
			if cursor = page.String("next_cursor"); cursor == "" {
				break
			}
		}
		if seen != all.Len("data") {
			t.Errorf("%d candidates one by one, %d at once", seen, all.Len("data"))
		}
		operator.GET("/v1/admin/duplicates?cursor=x").WantProblem(http.StatusBadRequest, "invalid_request")

		service := linking.NewService(a.DB, nil, linking.Options{UndoFor: time.Hour}, a.Now)
		var shown, done bytes.Buffer
		a.Unchanged(t, func() {
			if r, err := dedupe.Run(t.Context(), service, false, &shown); err != nil || r.Merged != 2 || r.Failed != 0 || !strings.Contains(shown.String(), "would be merged") {
				t.Errorf("dry run: %v %v\n%s", r, err, &shown)
			}
		})
		r, err := dedupe.Run(t.Context(), service, true, &done)
		if err != nil || r.Merged != 2 || r.Failed != 0 || r.Left == 0 {
			t.Fatalf("%v %v\n%s", r, err, &done)
		}
		var users []string
		for _, w := range []apptest.Wallet{old, young, third} {
			got := a.Browser().Wallet(w, "sign_in").Want(http.StatusOK)
			users = append(users, got.String("user.id"))
			if got.String("user.display_name") != "Ada M" || got.String("user.primary_email") != "ada@example.com" {
				t.Errorf("survivor: %s", got.Body)
			}
		}
		if users[0] != users[1] || users[0] != users[2] {
			t.Errorf("users %v", users)
		}
		if eve := a.Browser().Wallet(other, "sign_in").Want(http.StatusOK).String("user.id"); eve == users[0] {
			t.Error("a hint was merged")
		}
		left := operator.GET("/v1/admin/duplicates").Want(http.StatusOK)
		for i := range left.Len("data") {
			if left.String(fmt.Sprintf("data.%d.kind", i)) != "hint" {
				t.Errorf("left: %s", left.Body)
			}
		}
	})
}

// One pair that cannot be merged does not stop the rest, and no merge makes an
// operator by it.
func TestDedupeGoesOn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		importPeople(t, a,
			"1,ada@example.com,true,Ada,2020-01-01,github,1", "2,ada@example.com,true,Ada,2021-01-01,github,2",
			"3,bob@example.com,true,Bob,2020-01-01,github,3", "4,bob@example.com,true,Bob,2021-01-01,github,4",
			"5,cy@example.com,true,Cy,2020-01-01,github,5", "6,cy@example.com,true,Cy,2021-01-01,github,6",
			"7,di@example.com,true,Di,2020-01-01,github,7", "8,di@example.com,true,Di,2021-01-01,github,8")
		a.Exec("UPDATE users SET operator = true WHERE id = (SELECT user_id FROM identities WHERE subject = '2')")
		a.Exec("UPDATE users SET operator = true WHERE id = (SELECT user_id FROM identities WHERE subject = '7')")
		service := linking.NewService(failing{a.DB}, nil, linking.Options{UndoFor: time.Hour}, a.Now)
		var out bytes.Buffer
		r, err := dedupe.Run(t.Context(), service, true, &out)
		if err != nil || r != (dedupe.Result{Merged: 1, Left: 2, Failed: 1}) {
			t.Errorf("%v %v\n%s", r, err, &out)
		}
		for _, says := range []string{"one of them is an operator", "failed: the disk is full"} {
			if !strings.Contains(out.String(), says) {
				t.Errorf("%q is not in\n%s", says, &out)
			}
		}
		if n := a.Count("merges", "undone_at IS NULL"); n != 1 {
			t.Errorf("%d merges", n)
		}
	})
}

// An operator may also list nothing.
func TestNoDuplicates(t *testing.T) {
	a := apptest.SQLite(t)
	operator := google(t, a, apptest.Person{Name: "Op", Email: "op@gmail.com"})
	grantOperator(t, a, me(operator))
	none := operator.GET("/v1/admin/duplicates").Want(http.StatusOK)
	if none.Len("data") != 0 || none.Get("next_cursor") != nil {
		t.Errorf("duplicates: %s", none.Body)
	}
	if _, err := linking.NewService(a.DB, nil, linking.Options{}, a.Now).Candidate(t.Context(), linking.NewDuplicate(identity.NewID(), identity.NewID(), linking.DuplicateHint, "", a.Now())); err != nil {
		t.Error(err)
	}
}

// failing is a store that cannot merge Bob.
type failing struct{ *storage.DB }

func (f failing) InsertMerge(ctx context.Context, m linking.Merge) error {
	if m.Plan.Source.DisplayName == "Bob" {
		return errors.New("the disk is full")
	}
	return f.DB.InsertMerge(ctx, m)
}

// noteDuplicate puts a certain pair into the report, as an import does.
func noteDuplicate(t *testing.T, a *apptest.App, first, second string) {
	t.Helper()
	d := linking.NewDuplicate(uuid.MustParse(first), uuid.MustParse(second), linking.DuplicateAddress, "both have one address", a.Now())
	if err := a.DB.InTx(t.Context(), func(ctx context.Context) error { return a.DB.RecordDuplicates(ctx, []linking.Duplicate{d}) }); err != nil {
		t.Fatal(err)
	}
}
