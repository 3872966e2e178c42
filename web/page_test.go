package web

import (
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

var providerLinks = []ProviderLink{{Name: "google", Label: "Google"}, {Name: "github", Label: "GitHub"}}

// links returns the provider links of a page: the address by the provider.
func links(page string) map[string]string {
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`<a class="first-provider" data-provider="([^"]*)" href="([^"]*)" data-label="[^"]*">`).FindAllStringSubmatch(page, -1) {
		out[html.UnescapeString(m[1])] = html.UnescapeString(m[2])
	}
	return out
}

func TestProviderLinksNeedNoScript(t *testing.T) {
	w := get(built(), Options{ProviderLinks: providerLinks}, http.MethodGet, "/sign-in?return_to=%2Fteams%2Fa%3Fx%3D1")
	got := links(w.Body.String())
	want := "/v1/auth/google/start?purpose=sign_in&return_to=%2Fsign-in%3Fdone%3Dgoogle%26return_to%3D%252Fteams%252Fa%253Fx%253D1"
	if len(got) != 2 || got["google"] != want || !strings.Contains(w.Body.String(), ">Continue with GitHub</a>") {
		t.Fatalf("%q in %s", got, w.Body)
	}
	if got := links(get(built(), Options{ProviderLinks: providerLinks}, http.MethodGet, "/sign-in").Body.String())["github"]; !strings.Contains(got, "%252Faccount") {
		t.Errorf("without return_to: %q", got)
	}
	foreign := links(get(built(), Options{ProviderLinks: providerLinks}, http.MethodGet, "/sign-in?return_to=https%3A%2F%2Fapp.example%2Fx").Body.String())["google"]
	if foreign != "/v1/auth/google/start?purpose=sign_in&return_to=https%3A%2F%2Fapp.example%2Fx" {
		t.Errorf("to another application: %q", foreign)
	}
	if got := links(get(built(), Options{ProviderLinks: providerLinks}, http.MethodGet, "/account").Body.String()); len(got) != 0 {
		t.Errorf("on another page: %q", got)
	}
	if got := links(get(built(), Options{}, http.MethodGet, "/sign-in").Body.String()); len(got) != 0 {
		t.Errorf("not configured: %q", got)
	}
}

func TestWhatIsAskedForIsInert(t *testing.T) {
	for _, hostile := range []string{`"><script>alert(1)</script>`, `javascript:alert(1)`, `'onclick='alert(1)`, "/\x00</a><img src=x>"} {
		q := "/sign-in?return_to=" + strings.NewReplacer(" ", "%20", "\x00", "%00", `"`, "%22", "<", "%3C", ">", "%3E").Replace(hostile)
		body := get(built(), Options{ProviderLinks: providerLinks}, http.MethodGet, q).Body.String()
		if strings.Contains(body, "<script") || strings.Contains(body, "<img src=x") || strings.Count(body, "<a class") != 2 {
			t.Errorf("%q: %s", hostile, body)
		}
		for _, link := range links(body) {
			if !strings.HasPrefix(link, "/v1/auth/") {
				t.Errorf("%q leads to %q", hostile, link)
			}
		}
	}
}

func TestSignInSpeaksTheBrowsersLanguage(t *testing.T) {
	for accept, want := range map[string]string{
		"": "en", "de-AT,de;q=0.9,en;q=0.8": "de", "fr, DE;q=0.5": "de", "en-GB,de": "en", "fr": "en", ";;,,": "en",
	} {
		w := get(built(), Options{ProviderLinks: providerLinks}, http.MethodGet, "/sign-in", "Accept-Language", accept)
		text := map[string]string{"en": "Continue with Google", "de": "Weiter mit Google"}[want]
		if !strings.Contains(w.Body.String(), `<html lang="`+want+`">`) || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%q: %s", accept, w.Body)
		}
		if w.Header().Get("Vary") != "Accept-Language" {
			t.Errorf("%q: Vary %q", accept, w.Header().Get("Vary"))
		}
	}
}

func TestBrand(t *testing.T) {
	o := Options{ProviderLinks: providerLinks, Brand: Brand{Name: `Keys & <Locks>"`, LogoURL: "https://cdn.example/logo.svg?a=1&b=2", Color: "#0b7285"}}
	for _, target := range []string{"/", "/sign-in"} {
		body := get(built(), o, http.MethodGet, target).Body.String()
		for _, want := range []string{
			`<title>Keys &amp; &lt;Locks&gt;&#34;</title>`, `name="latchkey-brand-color" content="#0b7285"`,
			`name="latchkey-brand-logo" content="https://cdn.example/logo.svg?a=1&amp;b=2"`, `<link rel="icon" href="https://cdn.example/logo.svg?a=1&amp;b=2" />`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s has no %s: %s", target, want, body)
			}
		}
		if strings.Contains(body, "<Locks>") {
			t.Errorf("%s: %s", target, body)
		}
	}
}

// The places that are filled in are found again in the page as it is written.
func TestIndexHasThePlaces(t *testing.T) {
	index, err := os.ReadFile("index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{htmlTag, titleTag, settingsTag, iconTag, rootTag} {
		if strings.Count(string(index), tag) != 1 {
			t.Errorf("index.html has %d of %s", strings.Count(string(index), tag), tag)
		}
	}
}

// The same words as the app has, so that nothing changes when its script runs.
func TestWordsAreThoseOfTheApp(t *testing.T) {
	for _, w := range languages {
		catalogue, err := os.ReadFile("src/i18n/" + w.lang + "/first.ts")
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"titleTo: '" + w.Before + "{brand}" + w.After + "'", "continueWith: '" + w.with + "{provider}'", "development: '" + w.Dev + "'"} {
			if !strings.Contains(string(catalogue), text) {
				t.Errorf("%s: no %s", w.lang, text)
			}
		}
	}
}

func TestARefusalIsToldBeforeTheScript(t *testing.T) {
	hostile := Refusal{Code: `"><script>x`, Detail: "<b>down</b>", RequestID: "R1", ReturnTo: `/teams/a?"><img src=x>`}
	r := httptest.NewRequest(http.MethodGet, "/v1/auth/google/start?return_to=https%3A%2F%2Fevil.example", http.NoBody)
	r.Header.Set("Accept-Language", "de")
	w := httptest.NewRecorder()
	if !newApp(built(), Options{ProviderLinks: providerLinks}).Refuse(w, r, http.StatusServiceUnavailable, hostile) {
		t.Fatal("not answered")
	}
	body := w.Body.String()
	for _, want := range []string{
		`<html lang="de">`, `<p class="first-refused" role="alert" lang="en">&lt;b&gt;down&lt;/b&gt;</p>`, "Weiter mit GitHub",
		`<meta name="latchkey-refusal" content="&#34;&gt;&lt;script&gt;x" data-request-id="R1" data-return-to="/teams/a?&#34;&gt;&lt;img src=x&gt;" />`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if got := links(body)["google"]; !strings.Contains(got, "teams%252Fa") || strings.Contains(body, "evil.example") {
		t.Errorf("the link leads to %q in %s", got, body)
	}
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Vary") != "Accept-Language" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	newApp(built(), Options{ProviderLinks: providerLinks}).Refuse(w, r, http.StatusServiceUnavailable, Refusal{ReturnTo: "/sign-in?done=google&return_to=%2Fteams%2Fa"})
	if got, want := links(w.Body.String())["github"], links(get(built(), Options{ProviderLinks: providerLinks}, http.MethodGet, "/sign-in?return_to=%2Fteams%2Fa").Body.String())["github"]; got != want {
		t.Errorf("from the sign-in page the other link leads to %q, want %q", got, want)
	}
	w = httptest.NewRecorder()
	if newApp(unbuilt(), Options{}).Refuse(w, r, http.StatusServiceUnavailable, hostile) || w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("without the app: %v %s", w.Header(), w.Body)
	}
}
