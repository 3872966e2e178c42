package storagetest

import "testing"

// groups are the parts of the conformance suite, each with a database of its
// own. Inside a group every test makes its own people, so that they run at once.
var groups = []struct {
	name string
	run  func(t *testing.T, d *Database)
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
	{"Events", testEvents},
	{"Audit", testAudit},
	{"AuditTampering", testTampering},
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

// Run is the conformance suite: what every engine must do alike. open returns a
// fresh database for each call.
func Run(t *testing.T, open func(t *testing.T) *Database) {
	t.Helper()
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			g.run(t, open(t))
		})
	}
}
