package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

const page = `<!doctype html><html lang="en"><meta name="latchkey-settings" /><link rel="icon" href="/favicon.svg" type="image/svg+xml" />` +
	`<title>Latchkey</title><div id="root"></div>`

func built() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":               {Data: []byte("kept")},
		"index.html":             {Data: []byte(page)},
		"color-scheme.js":        {Data: []byte("scheme")},
		"assets/main-a1b2.js":    {Data: []byte("script script script")},
		"assets/main-a1b2.css":   {Data: []byte("style")},
		"assets/main-a1b2.js.br": {Data: []byte("brotli")},
		"assets/main-a1b2.js.gz": {Data: []byte("gzipped")},
	}
}

func unbuilt() fstest.MapFS { return fstest.MapFS{".gitkeep": {Data: []byte("kept")}} }

func get(bundle fs.FS, o Options, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8080"+target, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	newApp(bundle, o).ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	for _, target := range []string{"/", "/sign-in?return_to=/account", "/account", "/account/devices", "/teams/0193", "/teams/a/sessions", "/admin", "/admin/users", "/admin/users/0193", "/admin/overview", "/admin/teams", "/admin/webhooks/0193", "/admin/hooks", "/account/deleted", "/docs"} {
		w := get(built(), Options{}, http.MethodGet, target)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), `<!doctype html><html lang="en"><meta name="latchkey-dev"`) {
			t.Errorf("%s: %d %q, want the page", target, w.Code, w.Body)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q", target, got)
		}
		if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", target, got)
		}
	}
}

func TestPageTellsDevelopment(t *testing.T) {
	if w := get(built(), Options{Dev: true}, http.MethodGet, "/"); !strings.Contains(w.Body.String(), `name="latchkey-dev" content="true"`) {
		t.Errorf("with dev: %q", w.Body)
	}
	if w := get(built(), Options{}, http.MethodGet, "/"); !strings.Contains(w.Body.String(), `name="latchkey-dev" content="false"`) {
		t.Errorf("without dev: %q", w.Body)
	}
}

func TestAssets(t *testing.T) {
	tests := []struct {
		name, target, accept    string
		body, encoding, caching string
	}{
		{"plain", "/assets/main-a1b2.js", "", "script script script", "", cacheForever},
		{"brotli first", "/assets/main-a1b2.js", "gzip, deflate, br", "brotli", "br", cacheForever},
		{"gzip alone", "/assets/main-a1b2.js", "gzip;q=0.5", "gzipped", "gzip", cacheForever},
		{"brotli refused", "/assets/main-a1b2.js", "br;q=0, gzip;q=1.0", "gzipped", "gzip", cacheForever},
		{"malformed weight", "/assets/main-a1b2.js", "br;q=much", "script script script", "", cacheForever},
		{"any", "/assets/main-a1b2.js", "*", "script script script", "", cacheForever},
		{"no copy", "/assets/main-a1b2.css", "br", "style", "", cacheForever},
		{"name without hash", "/color-scheme.js", "br", "scheme", "", cacheNever},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := get(built(), Options{}, http.MethodGet, tt.target, "Accept-Encoding", tt.accept)
			h := w.Header()
			if w.Code != http.StatusOK || w.Body.String() != tt.body {
				t.Fatalf("%d %q, want %q", w.Code, w.Body, tt.body)
			}
			if h.Get("Content-Encoding") != tt.encoding || h.Get("Cache-Control") != tt.caching {
				t.Errorf("encoding %q, caching %q", h.Get("Content-Encoding"), h.Get("Cache-Control"))
			}
			if h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Vary %q", h.Get("Vary"))
			}
		})
	}
}

func TestAssetTypesDoNotDependOnTheSystem(t *testing.T) {
	for target, want := range map[string]string{
		"/assets/main-a1b2.js":  "text/javascript; charset=utf-8",
		"/assets/main-a1b2.css": "text/css; charset=utf-8",
	} {
		if got := get(built(), Options{}, http.MethodGet, target).Header().Get("Content-Type"); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func TestNotFound(t *testing.T) {
	for _, target := range []string{
		"/nothing", "/teams", "/teams/", "/account/", "/account/x", "/account/users", "/admin/users/", "/admin/users/a/b", "/admin/x", "/admin/webhooks/", "/docs/x",
		"/teams/a/", "/teams//sessions", "/teams/a/b", "/teams/a/users", "/teams/a/sessions/", "/teams/a/sessions/b", "/index.html", "/.gitkeep", "/assets/", "/assets",
		"/assets/main-a1b2.js.br", "/assets/none.js", "/assets/../index.html", "/%2e%2e/embed.go", "//assets/main-a1b2.js", "/v1/session",
	} {
		if w := get(built(), Options{}, http.MethodGet, target); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", target, w.Code)
		}
	}
}

func TestPeopleWhoStrayedAreToldByTheApp(t *testing.T) {
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, target := range []string{"/nothing", "/teams", "/account/x"} {
		w := get(built(), Options{}, http.MethodGet, target, "Accept", html)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `<div id="root"></div>`) {
			t.Errorf("%s: %d %q, want the app with 404", target, w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", target, got)
		}
		if w := get(built(), Options{}, http.MethodHead, target, "Accept", html); w.Code != http.StatusNotFound || w.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d with %d bytes", target, w.Code, w.Body.Len())
		}
	}
	for _, target := range []string{"/index.html", "/.gitkeep", "/assets/none.js", "/assets/main-a1b2.js.br"} {
		if w := get(built(), Options{}, http.MethodGet, target, "Accept", html); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "root") {
			t.Errorf("%s: %d %q, want a plain 404", target, w.Code, w.Body)
		}
	}
	if w := get(unbuilt(), Options{}, http.MethodGet, "/nothing", "Accept", html); w.Code != http.StatusNotFound {
		t.Errorf("without the app: %d", w.Code)
	}
}

func TestOnlyReading(t *testing.T) {
	for _, bundle := range []fs.FS{built(), unbuilt()} {
		for _, target := range []string{"/", "/account", "/assets/main-a1b2.js", "/nothing"} {
			w := get(bundle, Options{}, http.MethodPost, target)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("POST %s: %d, Allow %q", target, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	for _, bundle := range []fs.FS{built(), unbuilt()} {
		whole := get(bundle, Options{}, http.MethodGet, "/")
		w := get(bundle, Options{}, http.MethodHead, "/")
		if w.Code != whole.Code || w.Body.Len() != 0 {
			t.Errorf("%d with %d bytes, want %d with none", w.Code, w.Body.Len(), whole.Code)
		}
		if w.Header().Get("Content-Length") != whole.Header().Get("Content-Length") {
			t.Errorf("length %q, want that of GET", w.Header().Get("Content-Length"))
		}
	}
}

func TestUnchangedIsNotSentAgain(t *testing.T) {
	tag := get(built(), Options{}, http.MethodGet, "/").Header().Get("ETag")
	if w := get(built(), Options{}, http.MethodGet, "/", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("same page: %d", w.Code)
	}
	if w := get(built(), Options{Dev: true}, http.MethodGet, "/", "If-None-Match", tag); w.Code != http.StatusOK {
		t.Errorf("the page for development is another one, got %d", w.Code)
	}
}

func TestWithoutBundle(t *testing.T) {
	for _, target := range []string{"/", "/sign-in", "/teams/0193", "/docs"} {
		w := get(unbuilt(), Options{Dev: true}, http.MethodGet, target)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
			t.Errorf("%s: %d %q", target, w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %q", target, w.Header().Get("Cache-Control"))
		}
	}
	if w := get(unbuilt(), Options{}, http.MethodGet, "/assets/main.js"); w.Code != http.StatusNotFound {
		t.Errorf("asset: %d", w.Code)
	}
}

func TestEmbeddedBundleAnswers(t *testing.T) {
	w := httptest.NewRecorder()
	New(Options{Dev: true}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	if w.Code != http.StatusOK && w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d, want the app or the page about its absence", w.Code)
	}
}
