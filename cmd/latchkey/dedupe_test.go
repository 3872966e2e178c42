package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/storage"
)

const dedupeSecret = "a secret that is long enough for tests"

// Whom dedupe merges hears of it as after any merge: at the addresses of both
// accounts, by a letter that the running service can open and send.
func TestDedupeTellsBoth(t *testing.T) {
	dir := t.TempDir()
	source, databaseURL := filepath.Join(dir, "users.csv"), "sqlite://"+filepath.Join(dir, "x.db")
	lines := "id,email,email_verified,name,provider,subject\n1,ada@example.com,true,Ada,google,1\n2,ADA@example.com,true,Ada L,github,2\n"
	if err := os.WriteFile(source, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := map[string]string{
		"LATCHKEY_DATABASE_URL": databaseURL, "LATCHKEY_SMTP_URL": "smtp://127.0.0.1:1", "LATCHKEY_MAIL_FROM": "id@example.com",
		"LATCHKEY_PUBLIC_URL": "https://id.example.com", "LATCHKEY_SECRET": "",
	}
	for _, args := range [][]string{{"migrate", "up"}, {"import", "--from", "csv", "--source", source}, {"dedupe", "--dry-run"}} {
		if code, _, stderr := latchkey(t, environ, args...); code != 0 {
			t.Fatalf("%v exits %d: %s", args, code, stderr)
		}
	}
	giveAddress(t, databaseURL, "github", "2", "ada@work.example")

	if code, _, stderr := latchkey(t, nil, "dedupe", "--yes"); code != exitUsage || !strings.Contains(stderr, "LATCHKEY_SECRET") {
		t.Errorf("without a secret it exits %d and says %s", code, stderr)
	}
	if got := waiting(t, databaseURL); len(got) > 0 {
		t.Errorf("refused, and yet: %v", got)
	}
	code, stdout, stderr := latchkey(t, map[string]string{"LATCHKEY_SECRET": dedupeSecret}, "dedupe", "--yes")
	if code != 0 || !strings.Contains(stdout, "1 to merge or merged, 0 left") {
		t.Fatalf("exits %d with\n%s%s", code, stdout, stderr)
	}
	var to []string
	for _, m := range waiting(t, databaseURL) {
		to = append(to, m.To)
		if m.Template != identity.MailNotice || m.Data["kind"] != string(identity.NoticeMerged) ||
			m.Data["link"] != "https://id.example.com/account" || m.Data["from"] != "" {
			t.Errorf("the mail is %+v", m)
		}
	}
	slices.Sort(to)
	if want := []string{"ada@example.com", "ada@work.example"}; !slices.Equal(to, want) {
		t.Errorf("mails went to %v, want %v", to, want)
	}
}

// giveAddress gives the owner of an identity another verified address.
func giveAddress(t *testing.T, databaseURL, provider, subject, address string) {
	t.Helper()
	inDatabase(t, databaseURL, func(ctx context.Context, db *storage.DB) error {
		_, u, err := db.IdentityOwner(ctx, provider, subject)
		if err != nil {
			return err
		}
		now := identity.SystemClock()
		if err := db.InsertEmail(ctx, identity.Email{Address: address, UserID: u.ID, Source: provider, VerifiedAt: now}); err != nil {
			return err
		}
		return db.InsertVoucher(ctx, identity.Voucher{
			ID: identity.NewID(), Address: address, Provider: provider, Subject: subject, UserID: &u.ID, FirstAt: now, LastAt: now,
		})
	})
}

// waiting takes all letters out of the outbox.
func waiting(t *testing.T, databaseURL string) []identity.Mail {
	t.Helper()
	sealer := identity.NewSealer(identity.DeriveKey(dedupeSecret, "outbox"))
	var out []identity.Mail
	inDatabase(t, databaseURL, func(ctx context.Context, db *storage.DB) error {
		for now := identity.SystemClock(); ; {
			task, err := db.ClaimTask(ctx, []identity.TaskKind{identity.TaskMail}, now, now.Add(time.Hour))
			if errors.Is(err, identity.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			var m identity.Mail
			if err := sealer.Open(task, &m); err != nil {
				return err
			}
			out = append(out, m)
		}
	})
	return out
}

func inDatabase(t *testing.T, databaseURL string, do func(ctx context.Context, db *storage.DB) error) {
	t.Helper()
	db, err := storage.Open(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	err = db.InTx(t.Context(), func(ctx context.Context) error { return do(ctx, db) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
