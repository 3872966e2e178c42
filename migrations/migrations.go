// Package migrations holds the schema of both storage engines. Equal version
// numbers mean equal schemas. Each file goes up and down in one transaction, but for
// those that build an index on PostgreSQL while the table is in use: they can be
// run again after half of it.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// Postgres and SQLite return the migrations of each engine, named
// <version>_<name>.sql.
func Postgres() fs.FS { return sub("postgres") }

// SQLite returns the migrations for SQLite.
func SQLite() fs.FS { return sub("sqlite") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // only for a path that embed could not have taken
	}
	return f
}
