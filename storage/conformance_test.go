package storage_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
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

// groups are the parts of the conformance suite, each with a database of its
// own. Inside a group every test makes its own people, so that they run at once.
var groups = []struct {
	name string
	run  func(t *testing.T, d *storagetest.Database)
}{
	{"Users", testUsers},
	{"Identities", testIdentities},
	{"Unlink", testUnlink},
	{"Sessions", testSessions},
	{"Principal", testPrincipal},
	{"TeamSessions", testTeamSessions},
	{"TeamSessionsEnd", testTeamSessionsEndWithTheirSession},
	{"Merges", testMerges},
	{"Teams", testTeams},
	{"Policies", testPolicies},
	{"SessionFilters", testSessionFilters},
	{"Invitations", testInvitations},
	{"Imports", testImports},
	{"Secrets", testSecrets},
	{"SigningKeys", testSigningKeys},
	{"Refresh", testRefresh},
	{"APIKeys", testAPIKeys},
	{"Clients", testClients},
	{"Events", testEvents},
	{"Audit", testAudit},
	{"AuditTampering", testTampering},
	{"AuditTamperingWithSeals", testTamperingWithSeals},
	{"AuditSeals", testSeals},
	{"AuditGuards", testGuards},
	{"Challenges", testChallenges},
	{"Outbox", testOutbox},
	{"Sweep", testSweep},
	{"HostileText", testHostileText},
	{"Pages", testPages},
	{"Constraints", testConstraints},
	{"Transactions", testTransactions},
	{"Locks", testLocks},
	{"Races", testRaces},
	{"Violations", testViolations},
}

func TestStorage(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			conforms(t, func(t *testing.T) *storagetest.Database { return storagetest.Open(t, engine) })
		})
	}
}

// conforms is the conformance suite: what every engine must do alike. open returns
// a fresh database for each call.
func conforms(t *testing.T, open func(t *testing.T) *storagetest.Database) {
	t.Helper()
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			g.run(t, open(t))
		})
	}
}

// errTest is what a test's own function fails with.
var errTest = errors.New("the test wants this to fail")

// idsOf returns the ids of rows.
func idsOf[T any](rows []T, id func(T) identity.ID) []identity.ID {
	out := make([]identity.ID, len(rows))
	for i, r := range rows {
		out[i] = id(r)
	}
	return out
}

// must returns a value that had to be there.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
