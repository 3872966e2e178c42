// Package web holds the web app and serves it. The app is built by Vite into
// dist, which is embedded but never committed; a binary built without it says
// so on its pages.
package web

import (
	"embed"
	"io/fs"
)

// all: takes the placeholder along, without which an unbuilt dist would be an
// empty directory and would not compile.
//
//go:embed all:dist
var dist embed.FS

//go:embed missing.html
var missing []byte

// New returns the app as it was built in.
func New(o Options) *App {
	bundle, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}
	return newApp(bundle, o)
}
