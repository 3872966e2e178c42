package authserver

import (
	"net/url"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
)

func TestNext(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	user, other, session := identity.NewID(), identity.NewID(), identity.NewID()
	asking := func(prompts ...string) trip { return trip{Request: Request{Prompt: prompts}, Since: begun.UnixMicro()} }
	with := func(t trip, edit func(*trip)) trip { edit(&t); return t }
	old := facts{now: begun.Add(time.Minute), user: user, session: session, authenticatedAt: begun.Add(-time.Minute), trusted: true}
	proven := old
	proven.authenticatedAt = begun
	asked, covered := old, old
	asked.trusted, covered.trusted, covered.covered, covered.assured = false, false, true, true
	native := covered
	native.assured = false
	for name, c := range map[string]struct {
		trip    trip
		facts   facts
		step    step
		refused string
	}{
		"signed in":                              {asking(), old, stepCode, ""},
		"nobody":                                 {asking(), facts{now: old.now}, stepSignIn, ""},
		"nobody, silently":                       {asking("none"), facts{now: old.now}, 0, "login_required"},
		"silently":                               {asking("none"), old, stepCode, ""},
		"login":                                  {asking("login"), old, stepSignIn, ""},
		"login, since":                           {asking("login"), proven, stepCode, ""},
		"select_account":                         {asking("select_account"), old, stepSignIn, ""},
		"select_account, since":                  {asking("select_account"), proven, stepCode, ""},
		"max_age in time":                        {with(asking(), func(t *trip) { t.MaxAge = new(int64(120)) }), old, stepCode, ""},
		"max_age over":                           {with(asking(), func(t *trip) { t.MaxAge = new(int64(119)) }), old, stepSignIn, ""},
		"max_age over, silently":                 {with(asking("none"), func(t *trip) { t.MaxAge = new(int64(119)) }), old, 0, "login_required"},
		"max_age=0, since":                       {with(asking(), func(t *trip) { t.MaxAge = new(int64(0)) }), proven, stepCode, ""},
		"the person of the hint":                 {with(asking(), func(t *trip) { t.Subject = user.String() }), old, stepCode, ""},
		"another than in the hint":               {with(asking(), func(t *trip) { t.Subject = other.String() }), proven, stepSignIn, ""},
		"not agreed":                             {asking(), asked, stepConsent, ""},
		"not agreed, silently":                   {asking("none"), asked, 0, "consent_required"},
		"agreed before":                          {asking(), covered, stepCode, ""},
		"agreed before, asked again":             {asking("consent"), covered, stepConsent, ""},
		"agreed on this trip":                    {with(asking("consent"), func(t *trip) { t.Agreed = &session }), covered, stepCode, ""},
		"agreed on this trip in another session": {with(asking("consent"), func(t *trip) { t.Agreed = &other }), covered, stepConsent, ""},
		"agreed on this trip, revoked since":     {with(asking("consent"), func(t *trip) { t.Agreed = &session }), asked, stepConsent, ""},
		"agreed before, native":                  {asking(), native, stepConsent, ""},
		"agreed before, native, silently":        {asking("none"), native, 0, "consent_required"},
		"agreed on this trip, native":            {with(asking(), func(t *trip) { t.Agreed = &session }), native, stepCode, ""},
		"trusted, asked again":                   {asking("consent"), old, stepCode, ""},
		"login before consent":                   {asking("login", "consent"), asked, stepSignIn, ""},
	} {
		got, refusal := c.trip.next(c.facts)
		if refused := ""; got != c.step || refusal != nil && refusal.Code != c.refused || refusal == nil && c.refused != refused {
			t.Errorf("%s: %v %+v", name, got, refusal)
		}
	}
}

// A code is worth something only to the client, address and verifier it is for.
func TestCodeMatches(t *testing.T) {
	t.Parallel()
	// RFC 7636, appendix B.
	verifier, challenge := "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	c := code{ClientID: "app", RedirectURI: "https://app.example.net/cb", Challenge: challenge}
	good := url.Values{"redirect_uri": {c.RedirectURI}, "code_verifier": {verifier}}
	if !c.matches(client.Client{ID: "app"}, good) {
		t.Error("the example of RFC 7636 does not match")
	}
	if c.matches(client.Client{ID: "other"}, good) {
		t.Error("another client's")
	}
	for name, form := range map[string]url.Values{
		"another address":  {"redirect_uri": {c.RedirectURI + "/"}, "code_verifier": {verifier}},
		"no address":       {"code_verifier": {verifier}},
		"another verifier": {"redirect_uri": {c.RedirectURI}, "code_verifier": {verifier[1:] + "x"}},
		"no verifier":      {"redirect_uri": {c.RedirectURI}},
		"the challenge":    {"redirect_uri": {c.RedirectURI}, "code_verifier": {challenge}},
	} {
		if c.matches(client.Client{ID: "app"}, form) {
			t.Error(name)
		}
	}
	// A challenge of nothing is none.
	empty := code{ClientID: "app", RedirectURI: c.RedirectURI, Challenge: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}
	if empty.matches(client.Client{ID: "app"}, url.Values{"redirect_uri": {c.RedirectURI}}) {
		t.Error("no verifier for the hash of nothing")
	}
}

// What is sealed for one use opens for no other, and not when it was changed.
func TestSealed(t *testing.T) {
	t.Parallel()
	s := New(Deps{Secrets: identity.Secrets{"a secret that is long enough"}, Issuer: "https://id.example.com"})
	other := New(Deps{Secrets: identity.Secrets{"another secret, long enough"}, Issuer: "https://id.example.com"})
	rotated := New(Deps{Secrets: identity.Secrets{"another secret, long enough", "a secret that is long enough"}})
	in := code{ClientID: "app", Nonce: "<é>"}
	text, err := s.sealer.SealText(useCode, in)
	if err != nil {
		t.Fatal(err)
	}
	var out code
	if !s.sealer.OpenText(useCode, text, &out) || out.ClientID != in.ClientID || out.Nonce != in.Nonce {
		t.Errorf("%+v", out)
	}
	if !rotated.sealer.OpenText(useCode, text, &out) {
		t.Error("it does not open while the secret is changed")
	}
	changed := []byte(text)
	changed[len(changed)/2] ^= 1
	for name, opened := range map[string]bool{
		"for another use": s.sealer.OpenText(useTrip, text, &trip{}) || s.sealer.OpenText(useConsent, text, &consent{}), "under another secret": other.sealer.OpenText(useCode, text, &out),
		"changed": s.sealer.OpenText(useCode, string(changed), &out), "cut": s.sealer.OpenText(useCode, text[:len(text)-4], &out), "longer": s.sealer.OpenText(useCode, text+"AAAA", &out),
		"padded": s.sealer.OpenText(useCode, text+"=", &out), "nothing": s.sealer.OpenText(useCode, "", &out), "huge": s.sealer.OpenText(useCode, text+string(make([]byte, identity.MaxSealedText)), &out),
	} {
		if opened {
			t.Errorf("it opens %s", name)
		}
	}
}

// A sealed request fits where a sign-in may return to, also by way of the sign-in page.
func TestTripIsShort(t *testing.T) {
	t.Parallel()
	s := New(Deps{Secrets: identity.Secrets{"a secret that is long enough"}})
	random := func() string { secret, _ := identity.NewSecret(); return secret }
	text, err := s.sealer.SealText(useTrip, trip{Since: 1 << 50, Request: Request{
		ClientID: identity.NewID().String(), RedirectURI: "https://application.example.com/auth/callback/latchkey", State: random() + random(), Nonce: random(),
		Challenge: random(), Scopes: client.StandardScopes, Resources: []string{"https://api.example.com/v1"}, TeamID: new(identity.NewID()), LoginHint: "somebody@example.com",
	}})
	if err != nil || len(text) > 800 {
		t.Errorf("%d characters: %v", len(text), err)
	}
}

func TestAnswerKeepsTheRedirectURI(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"https://app.example.net/cb":     "https://app.example.net/cb?code=c&iss=https%3A%2F%2Fid.example.com&state=s",
		"https://app.example.net/cb?a=b": "https://app.example.net/cb?a=b&code=c&iss=https%3A%2F%2Fid.example.com&state=s",
		"com.example.app:/cb":            "com.example.app:/cb?code=c&iss=https%3A%2F%2Fid.example.com&state=s",
	} {
		r := Request{RedirectURI: uri, State: "s"}
		if got := r.Answer("https://id.example.com", url.Values{"code": {"c"}}); got != want {
			t.Errorf("%s: %s", uri, got)
		}
	}
}
