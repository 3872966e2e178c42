//go:build unix

package crashtest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// A merge and its undo ask the same number of statements of the database
// however many rows they move.
func TestStatementsAreConstant(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			asked := map[int][2][]string{}
			few, many := 10, 2000
			for _, n := range []int{few, many} {
				w := newWorld(t, engine, n)
				confirmed := replica(t, w.task)
				if confirmed.Status != http.StatusOK {
					t.Fatalf("confirm: %d %s", confirmed.Status, confirmed.Body)
				}
				undone := replica(t, w.next(confirmed).task)
				if undone.Status != http.StatusOK {
					t.Fatalf("undo: %d %s", undone.Status, undone.Body)
				}
				asked[n] = [2][]string{confirmed.Statements, undone.Statements}
			}
			for i, what := range []string{"confirm", "undo"} {
				a, b := verbs(asked[few][i]), verbs(asked[many][i])
				t.Logf("%s: %d statements", what, len(a))
				if len(a) < 15 || !slices.Equal(a, b) {
					t.Errorf("%s: %d statements for %d rows, %d for %d:\n%s\n\n%s", what, len(a), few, len(b), many,
						strings.Join(a, "\n"), strings.Join(b, "\n"))
				}
			}
		})
	}
}

// verbs are the statements without the values in them.
func verbs(statements []string) []string {
	out := slices.Clone(statements)
	for i, s := range out {
		text, _, _ := strings.Cut(s, "'")
		words := strings.Fields(text)
		out[i] = strings.Join(words[:min(3, len(words))], " ")
	}
	return out
}
