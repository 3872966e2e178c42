package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

var update = flag.Bool("update", false, "write docs/configuration.md instead of comparing it")

const docs = "../../docs/configuration.md"

const intro = `# Configuration

Latchkey is configured by its environment. Every variable can be given as ` + "`NAME_FILE`" + ` instead, naming a file that has the
value: use that for those marked secret. A newline at the end of the file does not matter. Setting both is an error, and an empty
variable is an unset one.

Latchkey does not start on a configuration that is wrong or half set. It lists every wrong variable at once, and how to fix it, and
warns about unknown variables; ` + "`latchkey doctor`" + ` does the same and then checks what the variables point to. Secret values are never printed.

<!-- This table is written from internal/config/config.go by: go test ./internal/config -run Documentation -update -->

| variable | default | meaning |
|---|---|---|
`

// TestDocumentation keeps the documentation equal to the code.
func TestDocumentation(t *testing.T) {
	var b strings.Builder
	b.WriteString(intro)
	for _, v := range config.Describe() {
		if v.Meaning == "" {
			t.Errorf("%s has no meaning", v.Name)
		}
		def, meaning := "", strings.ReplaceAll(v.Meaning, "|", `\|`)
		if v.Default != "" {
			def = "`" + v.Default + "`"
		}
		if v.Secret {
			meaning += " Secret."
		}
		b.WriteString("| `" + v.Name + "` | " + def + " | " + meaning + " |\n")
	}
	if *update {
		if err := os.WriteFile(docs, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not what the code says; run: go test ./internal/config -run Documentation -update", docs)
	}
}
