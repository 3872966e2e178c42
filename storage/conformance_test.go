package storage_test

import (
	"os"
	"testing"
	"time"

	"github.com/latchkey/latchkey/storage/storagetest"
)

// TestMain runs far from UTC: times must be returned in UTC wherever the server
// is, and a machine in UTC would not show it.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("far away", 5*3600+30*60) //nolint:gosmopolitan // on purpose
	if os.Getenv(frozenVariable) != "" {
		holdTeam()
	}
	os.Exit(m.Run())
}

func TestStorage(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			storagetest.Run(t, func(t *testing.T) *storagetest.Database { return storagetest.Open(t, engine) })
		})
	}
}
