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
