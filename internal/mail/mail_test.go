package mail_test

import (
	"cmp"
	"context"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/config"
	latchmail "github.com/latchkey/latchkey/internal/mail"
	"github.com/latchkey/latchkey/internal/outbox"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

var sealer = identity.NewSealer(identity.DeriveKey("a secret", "outbox"))

func proof(data map[string]string) identity.Mail {
	all := map[string]string{
		"purpose": "sign_in", "link": "https://id.example/sign-in?return_to=%2Fa#email_token=t-_0", "code": "012345", "minutes": "10",
	}
	for k, v := range data {
		all[k] = v
	}
	return identity.Mail{To: "ada@example.com", Template: identity.MailProof, Data: all}
}

func smtpTo(t *testing.T, env ...string) *latchmail.SMTP {
	t.Helper()
	cfg, err := config.Load(append([]string{"LATCHKEY_SECRET=" + strings.Repeat("x", 32)}, env...), false)
	if err != nil {
		t.Fatal(err)
	}
	s, err := latchmail.NewSMTP(cfg.SMTP())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func handle(t *testing.T, sender latchmail.Sender, m identity.Mail) (identity.Task, error) {
	t.Helper()
	task, err := sealer.NewTask(identity.TaskMail, m, time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	public := &url.URL{Scheme: "https", Host: "id.example"}
	return task, latchmail.Handler(latchmail.Sealed(sealer), public, latchmail.Brand{}, sender)(t.Context(), task)
}

// While the secret is rotated, a replica may claim a mail that it cannot open and
// another one can.
func TestAMailThatDoesNotOpenIsTriedAgain(t *testing.T) {
	task, err := identity.NewSealer(identity.DeriveKey("a newer secret", "outbox")).NewTask(identity.TaskMail, proof(nil), time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	var got caught
	public := &url.URL{Scheme: "https", Host: "id.example"}
	if err := latchmail.Handler(latchmail.Sealed(sealer), public, latchmail.Brand{}, &got)(t.Context(), task); err == nil || outbox.IsPermanent(err) || got.To != "" {
		t.Errorf("%v; sent %+v", err, got.Message)
	}
}

func TestALetterArrives(t *testing.T) {
	post := apptest.NewPost(t, "", "user", "p@ss")
	post.Env()
	server := "smtp://user:p%40ss@" + post.Addr
	task, err := handle(t, smtpTo(t, "LATCHKEY_SMTP_URL="+server, "LATCHKEY_MAIL_FROM=Schlüssel <id@example.com>"), proof(nil))
	if err != nil {
		t.Fatal(err)
	}
	got := post.Mail()
	if len(got) != 1 || got[0].From != "id@example.com" || len(got[0].To) != 1 || got[0].To[0] != "ada@example.com" {
		t.Fatalf("arrived: %+v", got)
	}
	from, err := mail.ParseAddress(got[0].Header("From"))
	if err != nil || from.Name != "Schlüssel" || got[0].Header("Subject") != "Your sign-in link for id.example" ||
		got[0].Header("Message-ID") != "<"+task.ID.String()+"@id.example>" || got[0].Header("Auto-Submitted") != "auto-generated" || got[0].Header("Date") == "" {
		t.Errorf("header of\n%s (%v)", got[0].Data, err)
	}
	if body := got[0].Data; !strings.Contains(body, "text/plain") || !strings.Contains(body, "text/html") || strings.Count(body, "012345") != 2 {
		t.Errorf("body\n%s", body)
	}
}

// A mail may have a link alone, and then it offers no code.
func TestALetterWithoutACode(t *testing.T) {
	post := apptest.NewPost(t, "", "", "")
	for _, purpose := range []string{"any", "sign_in"} {
		if _, err := handle(t, smtpTo(t, post.Env()...), proof(map[string]string{"purpose": purpose, "code": ""})); err != nil {
			t.Fatal(err)
		}
		got := post.Mail()
		body := strings.ReplaceAll(got[len(got)-1].Data, "=\r\n", "")
		if strings.Count(body, "This email has no code") != 2 || strings.Contains(body, "this code") || strings.Contains(body, "never ask") || strings.Count(body, "email_token") < 2 {
			t.Errorf("%s:\n%s", purpose, body)
		}
		if signsIn := strings.Contains(body, "sign in to") || strings.Contains(body, "Sign in to"); signsIn != (purpose == "sign_in") {
			t.Errorf("%s:\n%s", purpose, body)
		}
	}
}

func TestWhatTheServerRefuses(t *testing.T) {
	post := apptest.NewPost(t, "", "", "")
	s := smtpTo(t, post.Env()...)
	for code, permanent := range map[int]bool{450: false, 451: false, 550: true, 553: true} {
		post.Refuse(&smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no such ada@example.com"})
		_, err := handle(t, s, proof(nil))
		if err == nil || outbox.IsPermanent(err) != permanent {
			t.Errorf("%d: %v, want permanent %t", code, err, permanent)
		}
		if err != nil && strings.Contains(err.Error(), "ada@") {
			t.Errorf("the log would name the receiver: %v", err)
		}
	}
	wrong := smtpTo(t, "LATCHKEY_SMTP_URL=smtp://u:hunter2@"+apptest.NewPost(t, "", "u", "right").Addr, "LATCHKEY_MAIL_FROM=id@example.com")
	if _, err := handle(t, wrong, proof(nil)); err == nil || outbox.IsPermanent(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a wrong password: %v", err)
	}
	if err := wrong.Check(t.Context()); err == nil {
		t.Error("doctor takes a wrong password")
	}
	if err := s.Check(t.Context()); err != nil || len(post.Mail()) != 0 {
		t.Errorf("a check: %v, %d letters", err, len(post.Mail()))
	}
	unreachable := smtpTo(t, "LATCHKEY_SMTP_URL=smtp://127.0.0.1:1", "LATCHKEY_MAIL_FROM=id@example.com")
	if _, err := handle(t, unreachable, proof(nil)); err == nil || outbox.IsPermanent(err) {
		t.Errorf("no server: %v", err)
	}
}

func TestClearTextNeedsToBeAskedFor(t *testing.T) {
	cfg := config.SMTP{Host: "127.0.0.1", Port: 1, TLS: config.SMTPStartTLS}
	cfg.Port = port(t, apptest.NewPost(t, "", "", "").Addr) // it does not offer STARTTLS
	s, err := latchmail.NewSMTP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err == nil || !strings.Contains(strings.ToUpper(err.Error()), "STARTTLS") {
		t.Errorf("sent in the clear: %v", err)
	}
}

func port(t *testing.T, addr string) int {
	t.Helper()
	u, err := url.Parse("smtp://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range u.Port() {
		n = n*10 + int(c-'0')
	}
	return n
}

// caught keeps what would be sent.
type caught struct{ latchmail.Message }

func (c *caught) Send(_ context.Context, m latchmail.Message) error { c.Message = m; return nil }

func TestNothingInALetterBreaksOut(t *testing.T) {
	var got caught
	hostile := "x\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>\u2028"
	if _, err := handle(t, &got, proof(map[string]string{"code": hostile, "link": "javascript:alert(1)", "purpose": hostile})); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(got.Subject, "\r\n\u2028") || strings.Contains(got.HTML, "<script") || strings.Contains(got.HTML, "javascript:") {
		t.Errorf("subject %q\n%s", got.Subject, got.HTML)
	}
	for _, fetched := range []string{"<img", "<link", "url(", "@import", "src="} {
		if strings.Contains(got.HTML, fetched) {
			t.Errorf("the HTML fetches: %s", fetched)
		}
	}
	post := apptest.NewPost(t, "", "", "")
	m := proof(nil)
	m.To = "ada@example.com\r\nRCPT TO:<eve@example.com>"
	if _, err := handle(t, smtpTo(t, post.Env()...), m); !outbox.IsPermanent(err) || len(post.Mail()) != 0 {
		t.Errorf("a receiver with more in it: %v", err)
	}
	for _, m := range []identity.Mail{{To: "a@example.com", Template: "nothing"}, {To: "a@example.com", Template: identity.MailProof}} {
		if _, err := handle(t, &got, m); !outbox.IsPermanent(err) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

func TestEveryPurposeSaysWhatItIsFor(t *testing.T) {
	seen := map[string]bool{}
	for _, purpose := range []string{"sign_in", "link", "step_up"} {
		var got caught
		if _, err := handle(t, &got, proof(map[string]string{"purpose": purpose})); err != nil {
			t.Fatal(err)
		}
		link := "https://id.example/sign-in?return_to=%2Fa#email_token=t-_0"
		if seen[got.Subject] || !strings.Contains(got.Text, "\n"+link+"\n") || !strings.Contains(got.HTML, `href="`+link+`"`) {
			t.Errorf("%s: %q\n%s\n%s", purpose, got.Subject, got.Text, got.HTML)
		}
		seen[got.Subject] = true
	}
}

func TestMailsAreInTheReadersLanguage(t *testing.T) {
	mails := []identity.Mail{
		proof(nil), proof(map[string]string{"code": "", "purpose": "any"}),
		{To: "ada@example.com", Template: identity.MailInvitation, Data: map[string]string{"team": "Lamps", "role": "owner", "until": "2026-12-05", "link": "https://id.example/account"}},
	}
	for _, kind := range []identity.NoticeKind{
		identity.NoticeLinked, identity.NoticeUnlinked, identity.NoticeLinkGranted, identity.NoticeMerged, identity.NoticeMergeUndone,
		identity.NoticeAddressRemoved, identity.NoticePrimary, identity.NoticeRecoveryUsed, identity.NoticeDeletionRequested,
		identity.NoticeDeletionCancelled, identity.NoticeBreakGlass, identity.NoticeWebhookDisabled,
	} {
		mails = append(mails, identity.Mail{To: "ada@example.com", Template: identity.MailNotice, Data: map[string]string{
			"kind": string(kind), "what": "", "at": "2026-12-05", "from": "", "link": "https://id.example/account",
		}})
	}
	seen := map[string]bool{}
	for _, m := range mails {
		for _, language := range []identity.Language{"", "fr", identity.German} {
			m.Language = language
			isGerman := language == identity.German
			var got caught
			if _, err := handle(t, &got, m); err != nil {
				t.Fatal(err)
			}
			german := regexp.MustCompile(`\b(Sie|Ihre?|wurde|und)\b`)
			english := regexp.MustCompile(`\b([Yy]our?|the)\b`)
			for _, text := range []string{got.Text, got.HTML} {
				if german.MatchString(text) != isGerman || english.MatchString(text) == isGerman {
					t.Errorf("%q in %q:\n%s", m.Data, language, text)
				}
			}
			if want := map[bool]string{true: `lang="de"`, false: `lang="en"`}[isGerman]; !strings.Contains(got.HTML, want) {
				t.Errorf("no %s in\n%s", want, got.HTML)
			}
			if m.Template == identity.MailNotice && language != "fr" && seen[got.Subject] {
				t.Errorf("two notices have the subject %q", got.Subject)
			}
			if language != "fr" {
				seen[got.Subject] = true
			}
		}
	}
}

func TestMailsHaveTheBrandOfTheService(t *testing.T) {
	task, err := sealer.NewTask(identity.TaskMail, proof(nil), time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	public := &url.URL{Scheme: "https", Host: "id.example"}
	for color, on := range map[string]string{"#0b7285": "#ffffff", "#ffe066": "#1f2937", "": "#ffffff"} {
		var got caught
		if err := latchmail.Handler(latchmail.Sealed(sealer), public, latchmail.Brand{Name: "Acme & Co", Color: color}, &got)(t.Context(), task); err != nil {
			t.Fatal(err)
		}
		if got.Subject != "Your sign-in link for Acme & Co" || !strings.Contains(got.HTML, "Acme &amp; Co (id.example)") {
			t.Errorf("%q\n%s", got.Subject, got.HTML)
		}
		if want := "background:" + cmp.Or(color, "#1f2937") + ";color:" + on; !strings.Contains(got.HTML, want) {
			t.Errorf("no %s in\n%s", want, got.HTML)
		}
	}
}

func invitation(t *testing.T, team string) caught {
	t.Helper()
	var got caught
	m := identity.Mail{To: "ada@example.com", Template: identity.MailInvitation, Data: map[string]string{
		"team": team, "role": "admin", "until": "2026-12-05 10:00 UTC", "link": "https://id.example/account?invited",
	}}
	if _, err := handle(t, &got, m); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAnInvitationNamesTheTeam(t *testing.T) {
	got := invitation(t, "Näit shift 🔑 (أمن & Co)")
	for _, part := range []string{"\nNäit shift 🔑 (أمن & Co)\n", "as an admin", "2026-12-05 10:00 UTC", "\nhttps://id.example/account?invited\n"} {
		if !strings.Contains(got.Text, part) {
			t.Errorf("no %q in\n%s", part, got.Text)
		}
	}
	if !strings.Contains(got.HTML, "<bdi>Näit shift 🔑 (أمن &amp; Co)</bdi>") || !strings.Contains(got.HTML, `href="https://id.example/account?invited"`) {
		t.Errorf("%s", got.HTML)
	}
}

// A team's name is written by its members: nothing in it is a header,
// mark-up, or something a mail program makes a link of.
func TestAnInvitationRelaysNoSpam(t *testing.T) {
	plain := invitation(t, "")
	for _, nothing := range []string{"", "\xff\xfe", "://"} {
		if got := invitation(t, nothing); strings.Contains(got.Text, "Team name:") || strings.Contains(got.HTML, "Team name:") {
			t.Errorf("%q is announced:\n%s", nothing, got.Text)
		}
	}
	for _, name := range []string{
		"https://evil.example/win?x=1", "evil.example", "WWW.EVIL.EXAMPLE", "evil。example", "evil．example", "evil｡example", "eve@evil.example",
		"mailto:eve", "//evil.example", "evil.example/x", "x\r\nBcc: eve@example.com\r\n\r\nhello", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`,
		"\u202egro.live\u202c", "\u2066x\u2069", "a\u2028b", "{{.link}}", "[x](https://evil.example)", strings.Repeat("win ", 50),
	} {
		got := invitation(t, name)
		if got.Subject != plain.Subject {
			t.Errorf("%q changes the subject: %q", name, got.Subject)
		}
		_, shown, _ := strings.Cut(got.Text, "Team name:\n\n")
		shown, rest, _ := strings.Cut(shown, "\n")
		if !strings.HasPrefix(rest, "\nTo accept or decline") || len([]rune(shown)) > 60 || strings.ContainsAny(shown, "./:@<>\"[]{}。．｡\u202e\u2066\u2028\r") {
			t.Errorf("%q is shown as %q in\n%s", name, shown, got.Text)
		}
		if strings.Count(got.Text, "https://") != 1 || strings.Count(got.HTML, "href=") != 1 || strings.Contains(got.HTML, "<script") || strings.Contains(got.HTML, "<img") {
			t.Errorf("%q breaks out:\n%s\n%s", name, got.Text, got.HTML)
		}
	}
}
