package web

import (
	"bytes"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// Brand is whose service this is. The zero value is Latchkey.
type Brand struct {
	Name    string
	LogoURL string // https, or "" for ours
	Color   string // #rrggbb, or "" for ours
	HomeURL string // of the application, or "" for none
	// What people agree to by signing in; "" for none.
	TermsURL, PrivacyURL string
}

// ProviderLink is a link to sign in with a provider.
type ProviderLink struct {
	Name  string // of the API's address, such as "google"
	Label string // as people know it, such as "Google"
}

// Options are what the pages say before their script runs.
type Options struct {
	// Dev tells the pages that this is a development server, so that they offer a
	// test wallet and hints.
	Dev   bool
	Brand Brand
	// ProviderLinks are on the sign-in page before any script runs.
	ProviderLinks []ProviderLink
}

// Refusal is shown to a person on the way to a provider or back.
type Refusal struct {
	Code      string // of the problem
	Detail    string // English
	RequestID string
	ReturnTo  string // where the way was to end; "" for unknown
}

// What index.html has in the places that differ from one deployment to the next.
const (
	htmlTag     = `<html lang="en">`
	titleTag    = `<title>Latchkey</title>`
	settingsTag = `<meta name="latchkey-settings" />`
	iconTag     = `<link rel="icon" href="/favicon.svg" type="image/svg+xml" />`
	rootTag     = `<div id="root"></div>`
	// noScriptText is what a browser without JavaScript says below the links.
	noScriptText = `This page needs JavaScript. The API it uses is described in`
)

var headTemplate = template.Must(template.New("head").Parse(
	`<meta name="latchkey-dev" content="{{.Dev}}" /><meta name="latchkey-brand-name" content="{{.Brand.Name}}" />` +
		`<meta name="latchkey-brand-logo" content="{{.Brand.LogoURL}}" /><meta name="latchkey-brand-color" content="{{.Brand.Color}}" />` +
		`{{with .Brand.HomeURL}}<meta name="latchkey-brand-home" content="{{.}}" />{{end}}` +
		`{{with .Brand.TermsURL}}<meta name="latchkey-brand-terms" content="{{.}}" />{{end}}` +
		`{{with .Brand.PrivacyURL}}<meta name="latchkey-brand-privacy" content="{{.}}" />{{end}}`))

var iconTemplate = template.Must(template.New("icon").Parse(`<link rel="icon" href="{{.}}" />`))

// firstTemplate is the part of the sign-in page that needs no script, laid out
// as the app lays it out a moment later.
var firstTemplate = template.Must(template.New("first").Parse(`<div id="root"><div class="first">` +
	`{{if .Dev}}<p class="first-note">{{.Words.Dev}}</p>{{end}}` +
	`<div class="first-header"><div><a href="/"><img src="{{.Logo}}" alt="" width="26" height="26" referrerpolicy="no-referrer" /> <bdi>{{.Brand.Name}}</bdi></a></div></div>` +
	`<main><div class="sign-in"><h1>{{.Words.Before}}{{.Brand.Name}}{{.Words.After}}</h1>{{range .Links}}<a class="first-provider" data-provider="{{.Name}}" href="{{.URL}}" data-label="{{.Label}}">{{.Text}}</a>{{end}}</div></main></div></div>`))

// words of the sign-in page, as the app's catalogues have them. Before and After are
// around the name of the brand.
type words struct{ lang, Before, After, with, Dev, noScript string }

var languages = []words{
	{"en", "Sign in to ", "", "Continue with ", "Development server: stand-in providers, test wallets, no secrets", noScriptText},
	{"de", "Bei ", " anmelden", "Weiter mit ", "Entwicklungsserver: Attrappen statt der Anbieter, Test-Wallets, keine Geheimnisse",
		"Diese Seite braucht JavaScript. Ihre API ist beschrieben in"},
}

// preferred returns the words for an Accept-Language.
func preferred(accept string) words {
	language := identity.PreferredLanguage(accept)
	return languages[max(0, slices.IndexFunc(languages, func(w words) bool { return w.lang == string(language) }))]
}

// prepare writes the deployment's settings into index.html.
func prepare(index []byte, o Options) []byte {
	page := replace(index, settingsTag, render(headTemplate, o))
	page = replace(page, titleTag, "<title>"+template.HTMLEscapeString(o.Brand.Name)+"</title>")
	if o.Brand.LogoURL != "" {
		page = replace(page, iconTag, render(iconTemplate, o.Brand.LogoURL))
	}
	return page
}

// signIn returns the page with the links to providers, which need no script.
func signIn(page []byte, o Options, b begun, acceptLanguage string) []byte {
	type link struct{ Name, Label, URL, Text string }
	w := preferred(acceptLanguage)
	logo := o.Brand.LogoURL
	if logo == "" {
		logo = "/favicon.svg"
	}
	links := make([]link, len(o.ProviderLinks))
	for i, d := range o.ProviderLinks {
		links[i] = link{d.Name, d.Label, startURL(d.Name, b), w.with + d.Label}
	}
	page = replace(page, htmlTag, `<html lang="`+w.lang+`">`)
	page = replace(page, noScriptText, w.noScript)
	return replace(page, rootTag, render(firstTemplate, map[string]any{
		"Dev": o.Dev, "Brand": o.Brand, "Logo": logo, "Words": w, "Links": links,
	}))
}

var refusalTemplate = template.Must(template.New("refusal").Parse(
	`<meta name="latchkey-refusal" content="{{.Code}}" data-request-id="{{.RequestID}}" data-return-to="{{.ReturnTo}}" />`))

var detailTemplate = template.Must(template.New("detail").Parse(`<p class="first-refused" role="alert" lang="en">{{.}}</p>`))

// refused is the sign-in page with a refusal: for the app, which has the words
// and knows a better page to say them on, and as text until it has started.
func refused(page []byte, r Refusal) []byte {
	const title, heading = "<title>", "</h1>"
	page = replace(page, title, render(refusalTemplate, r)+title)
	return replace(page, heading, heading+render(detailTemplate, r.Detail))
}

// begun is what a sign-in is begun with on the sign-in page.
type begun struct {
	returnTo  string
	forTicket bool // for the link ticket that a refusal left: the account page asks then
}

func beginning(query url.Values) begun {
	if query.Get("error") == "email_taken" {
		return begun{forTicket: true}
	}
	return begun{returnTo: query.Get("return_to")}
}

// startURL begins a sign-in, as web/src/auth/providers.ts does: back to a path
// of ours over the sign-in page, which tells a refusal.
func startURL(provider string, b begun) string {
	asked, query := b.returnTo, url.Values{"purpose": {"sign_in"}}
	if b.forTicket {
		query.Set("link_ticket", "true")
	}
	if asked == "" {
		asked = "/account"
	}
	if strings.HasPrefix(asked, "/") {
		asked = "/sign-in?" + url.Values{"return_to": {asked}, "done": {provider}}.Encode()
	}
	query.Set("return_to", asked)
	return "/v1/auth/" + url.PathEscape(provider) + "/start?" + query.Encode()
}

// OriginalReturnTo returns what was asked for before startURL led the way back
// over the sign-in page.
func OriginalReturnTo(returnTo string) string {
	if query, ours := strings.CutPrefix(returnTo, "/sign-in?"); ours {
		values, _ := url.ParseQuery(query) // what cannot be read asks for nothing
		return values.Get("return_to")
	}
	return returnTo
}

func render(t *template.Template, data any) string {
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		panic(err) // the templates and their data are ours
	}
	return out.String()
}

func replace(page []byte, tag, by string) []byte {
	return bytes.Replace(page, []byte(tag), []byte(by), 1)
}
