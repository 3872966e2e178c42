// Package prometheus_test runs promtool, of Prometheus, on the alerts.
package prometheus_test

import (
	"os/exec"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit"
)

func TestAlerts(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		testkit.Missing(t, "there is no promtool (Debian: apt-get install prometheus)")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
