// Package web holds the web app and serves it. The app is built by Vite into
// dist, which is embedded but never committed; a binary built without it says
// so on its pages.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

// all: takes the placeholder along, without which an unbuilt dist would be an
// empty directory and would not compile.
//
//go:embed all:dist
var dist embed.FS

//go:embed missing.html
var missing []byte

// Handler serves the app: its pages, and its assets with long caching. It
// answers 404 to every other path; the security headers are the caller's.
func Handler(o Options) http.Handler {
	bundle, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}
	return newHandler(bundle, o)
}
