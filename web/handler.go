package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// cacheForever fits names that change with their content.
	cacheForever = "public, max-age=31536000, immutable"
	cacheNever   = "no-cache"
)

// contentTypes are fixed here: the tables of operating systems differ, and with
// nosniff a script of the wrong type does not run.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// encodings are what the build may have made beside a file, best first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// App serves the web app: its pages, and its assets with long caching. It
// answers 404 to every other path; the security headers are the caller's.
type App struct {
	bundle  fs.FS
	options Options
	index   []byte // nil: the app was not built
}

func newApp(bundle fs.FS, o Options) *App {
	if o.Brand.Name == "" {
		o.Brand.Name = "Latchkey"
	}
	index, err := fs.ReadFile(bundle, "index.html")
	if err != nil {
		return &App{bundle: bundle, options: o}
	}
	return &App{bundle: bundle, options: o, index: prepare(index, o)}
}

func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	page := IsPage(r.URL.Path)
	if !page && !a.strayed(r) {
		a.serveAsset(w, r)
		return
	}
	w.Header().Set("Content-Type", contentTypes[".html"])
	if a.index == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Length", strconv.Itoa(len(missing)))
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method == http.MethodGet {
			_, _ = w.Write(missing) // the browser went away
		}
		return
	}
	w.Header().Set("Cache-Control", cacheNever)
	if !page {
		w.WriteHeader(http.StatusNotFound)
		if r.Method == http.MethodGet {
			_, _ = w.Write(a.index) // as above
		}
		return
	}
	if r.URL.Path == "/sign-in" {
		w.Header().Add("Vary", "Accept-Language")
		serve(w, r, signIn(a.index, a.options, beginning(r.URL.Query()), r.Header.Get("Accept-Language")))
		return
	}
	serve(w, r, a.index)
}

// Refuse answers a person whose browser was sent to a call of the API that was
// refused. It returns false and writes nothing if the app was not built in.
func (a *App) Refuse(w http.ResponseWriter, r *http.Request, status int, refusal Refusal) bool {
	if a.index == nil {
		return false
	}
	w.Header().Set("Content-Type", contentTypes[".html"])
	w.Header().Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	page := signIn(a.index, a.options, begun{returnTo: OriginalReturnTo(refusal.ReturnTo)}, r.Header.Get("Accept-Language"))
	_, _ = w.Write(refused(page, refusal)) //nolint:gosec // escaped by html/template; an error means that the browser went away
	return true
}

// sections are the pages of the areas, as the app's router has them.
var sections = map[string][]string{
	"account": {"profile", "sign-in-methods", "emails", "devices", "apps", "history", "merge", "deleted"},
	"admin":   {"overview", "users", "teams", "sessions", "duplicates", "merges", "clients", "webhooks", "hooks", "audit", "api-keys", "health"},
	// Of one team; without a page the app leads on to the first.
	"teams": {"", "overview", "sessions", "members", "invitations", "policy", "api-keys", "audit", "settings"},
}

// IsPage reports whether the app's router knows the path.
func IsPage(p string) bool {
	switch p {
	case "/", "/sign-in", "/sign-out", "/consent", "/device", "/account", "/admin", "/docs":
		return true
	}
	area, rest, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	switch area {
	case "teams":
		id, page, named := strings.Cut(rest, "/")
		return id != "" && (page != "" || !named) && slices.Contains(sections[area], page)
	case "admin":
		for _, one := range []string{"users/", "webhooks/"} {
			if id, ok := strings.CutPrefix(rest, one); ok {
				return id != "" && !strings.Contains(id, "/")
			}
		}
	}
	return slices.Contains(sections[area], rest)
}

// strayed reports whether a person has come to an address that nothing is at: a
// browser asks for a page, and no name of a file ends it. The app says so in
// their language.
func (a *App) strayed(r *http.Request) bool {
	return a.index != nil && path.Ext(r.URL.Path) == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// serveAsset serves a file of the bundle, compressed if the build left such a
// copy and the client takes it. The copies and the page itself have no address
// of their own, nor have hidden files.
func (a *App) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	contentType, known := contentTypes[path.Ext(name)]
	if !known || name == "index.html" || strings.HasPrefix(path.Base(name), ".") || !fs.ValidPath(name) {
		http.NotFound(w, r)
		return
	}
	body, err := fs.ReadFile(a.bundle, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", cacheNever)
	if strings.HasPrefix(name, "assets/") {
		header.Set("Cache-Control", cacheForever)
	}
	header.Add("Vary", "Accept-Encoding")
	for _, e := range encodings {
		if !accepts(r.Header.Values("Accept-Encoding"), e.name) {
			continue
		}
		if packed, err := fs.ReadFile(a.bundle, name+e.suffix); err == nil {
			header.Set("Content-Encoding", e.name)
			body = packed
			break
		}
	}
	serve(w, r, body)
}

// serve answers with body and its ETag, or 304. It sets the length itself
// because http.ServeContent leaves it out for encoded content.
func serve(w http.ResponseWriter, r *http.Request, body []byte) {
	sum := sha256.Sum256(body)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// accepts reports whether an Accept-Encoding names the encoding without refusing
// it by q=0 (RFC 9110 section 12.5.3). A bare * is not taken: who sends it is no
// browser and may not mean brotli.
func accepts(values []string, encoding string) bool {
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			coding, params, _ := strings.Cut(item, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), encoding) {
				continue
			}
			q, weighted := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
			if !weighted {
				return true
			}
			weight, err := strconv.ParseFloat(q, 64)
			return err == nil && weight > 0
		}
	}
	return false
}
