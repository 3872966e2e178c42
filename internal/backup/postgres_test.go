package backup

import (
	"strings"
	"testing"
)

func TestProgramSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	if path, err := Program("pg_nothing"); err == nil || !strings.Contains(err.Error(), "postgresql-client") {
		t.Errorf("%q, %v", path, err)
	}
}

func TestNewestProgramIsANumber(t *testing.T) {
	t.Parallel()
	if version("/usr/lib/postgresql/9/bin/pg_dump") >= version("/usr/pgsql-17/bin/pg_dump") {
		t.Error("9 is not older than 17")
	}
}

func TestOthersOfADatabaseAreLeftAlone(t *testing.T) {
	t.Parallel()
	const url = "postgres://localhost:1/x"
	for _, query := range []string{"?schema=latchkey", "?search_path=latchkey"} {
		for name, err := range map[string]error{
			"backup":  takePostgres(t.Context(), url+query, t.TempDir()+"/x"),
			"restore": restorePostgres(t.Context(), url+query, t.TempDir()+"/x", true),
		} {
			if err == nil || !strings.Contains(err.Error(), "names a schema") {
				t.Errorf("%s of %s: %v", name, query, err)
			}
		}
	}
	if err := ownDatabase(url + "?sslmode=disable"); err != nil {
		t.Error(err)
	}
}
