package deploy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/latchkey/latchkey/internal/config"
)

// everything turns on what is off by default.
func everything(values object) {
	for _, part := range []string{"ingress", "serviceMonitor"} {
		values[part].(object)["enabled"] = true
	}
	values["migrations"].(object)["job"] = true
	values["imagePullSecrets"] = []any{object{"name": "registry"}}
	values["nodeSelector"] = object{"pool": "front"}
	values["tolerations"] = []any{object{"key": "front", "operator": "Exists"}}
	values["affinity"] = object{"nodeAffinity": object{}}
	values["priorityClassName"] = "high"
	values["podAnnotations"] = object{"a": "b"}
	values["podLabels"] = object{"team": "id"}
	values["volumes"] = []any{object{"name": "ca", "configMap": object{"name": "ca"}}}
	values["volumeMounts"] = []any{object{"name": "ca", "mountPath": "/ca"}}
	values["config"].(object)["LATCHKEY_LOG_LEVEL"] = "debug"
	values["env"] = []any{object{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}}
	values["secrets"].(object)["files"].(object)["LATCHKEY_SMTP_URL"] = "smtp_url"
}

func TestChart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  func(object)
		want []string
	}{
		"as it is": {nil, []string{
			"Deployment id-latchkey", "NetworkPolicy id-latchkey", "Pod id-latchkey-ready", "PodDisruptionBudget id-latchkey",
			"Service id-latchkey", "Service id-latchkey-metrics", "ServiceAccount id-latchkey",
		}},
		"everything": {everything, []string{
			"Deployment id-latchkey", "Ingress id-latchkey", "Job id-latchkey-migrate", "NetworkPolicy id-latchkey", "Pod id-latchkey-ready",
			"PodDisruptionBudget id-latchkey", "Service id-latchkey", "Service id-latchkey-metrics", "ServiceAccount id-latchkey", "ServiceMonitor id-latchkey",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			pods := 0
			for _, o := range render(t, tt.set) {
				kind, _ := at(t, o, "kind").(string)
				got = append(got, kind+" "+at(t, o, "metadata", "name").(string))
				if at(t, o, "apiVersion") == "" {
					t.Errorf("%s has no apiVersion", kind)
				}
				switch kind {
				case "Deployment", "Job":
					checkPod(t, kind, at(t, o, "spec", "template", "spec").(object))
					pods++
				case "Pod":
					checkPod(t, kind, at(t, o, "spec").(object))
					pods++
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("objects: %q, want %q", got, tt.want)
			}
			if pods < 2 {
				t.Errorf("%d pods were checked", pods)
			}
		})
	}
}

// checkPod checks that a pod may do nothing that it does not need, and that its
// environment is configuration of this version, with secrets as files.
func checkPod(t *testing.T, kind string, pod object) {
	t.Helper()
	for path, want := range map[string]any{"automountServiceAccountToken": false, "enableServiceLinks": false} {
		if pod[path] != want {
			t.Errorf("%s: %s is %v", kind, path, pod[path])
		}
	}
	if at(t, pod, "securityContext", "runAsNonRoot") != true || at(t, pod, "securityContext", "seccompProfile", "type") != "RuntimeDefault" {
		t.Errorf("%s: securityContext is %v", kind, pod["securityContext"])
	}
	volumes := map[any]bool{}
	if pod["volumes"] != nil {
		for _, v := range at(t, pod, "volumes").([]any) {
			volumes[at(t, v, "name")] = true
		}
	}
	container := at(t, pod, "containers", 0).(object)
	for path, want := range map[string]any{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": object{"drop": []any{"ALL"}}} {
		if got := at(t, container, "securityContext", path); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s is %v", kind, path, got)
		}
	}
	mounted := ""
	if container["volumeMounts"] != nil {
		for _, m := range at(t, container, "volumeMounts").([]any) {
			if !volumes[at(t, m, "name")] {
				t.Errorf("%s mounts %v, which is no volume of it", kind, m)
			}
			if at(t, m, "name") == "secrets" {
				mounted = at(t, m, "mountPath").(string) + "/"
			}
		}
	}
	seen := map[string]bool{}
	for _, e := range at(t, container, "env").([]any) {
		name, value := at(t, e, "name").(string), e.(object)["value"].(string)
		if seen[name] {
			t.Errorf("%s: %s is there twice", kind, name)
		}
		seen[name] = true
		if !strings.HasPrefix(name, "OTEL_") {
			checkVariable(t, kind, name, value)
		}
		if strings.HasSuffix(name, "_FILE") && (mounted == "" || !strings.HasPrefix(value, mounted)) {
			t.Errorf("%s: %s is %s, which is not mounted", kind, name, value)
		}
	}
}

// checkVariable checks that there is a variable of that name, and that a secret one is a
// file.
func checkVariable(t *testing.T, where, name, value string) {
	t.Helper()
	base, isFile := strings.CutSuffix(name, "_FILE")
	for _, v := range config.Describe() {
		if v.Name == name && v.Secret && value != "" && !strings.HasPrefix(value, "sqlite:") {
			t.Errorf("%s: %s is secret: use %s_FILE", where, name, name)
		}
		if v.Name == name || v.Name == base && isFile {
			return
		}
	}
	t.Errorf("%s: there is no variable %s", where, name)
}

// The probes ask what is described, the ports are those that are listened on, and each
// object that selects pods selects those of the deployment and no others.
func TestChartFitsTogether(t *testing.T) {
	t.Parallel()
	byKind := map[string][]object{}
	for _, o := range render(t, everything) {
		kind := at(t, o, "kind").(string)
		byKind[kind] = append(byKind[kind], o)
	}
	deployment := byKind["Deployment"][0]
	container := at(t, deployment, "spec", "template", "spec", "containers", 0)
	ports := map[string]string{}
	for _, p := range at(t, container, "ports").([]any) {
		ports[at(t, p, "name").(string)] = number(t, at(t, p, "containerPort"))
	}
	env := map[string]string{}
	for _, e := range at(t, container, "env").([]any) {
		env[at(t, e, "name").(string)], _ = e.(object)["value"].(string)
	}
	if env["LATCHKEY_LISTEN"] != ":"+ports["http"] || env["LATCHKEY_METRICS_LISTEN"] != ":"+ports["metrics"] {
		t.Errorf("ports %v, listening at %s and %s", ports, env["LATCHKEY_LISTEN"], env["LATCHKEY_METRICS_LISTEN"])
	}
	contract := readFile(t, "../api/openapi.yaml")
	for probe, path := range map[string]string{"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"} {
		if got := at(t, container, probe, "httpGet", "path"); got != path || !strings.Contains(contract, "\n  "+path+":\n") {
			t.Errorf("%s asks %v", probe, got)
		}
		if port := at(t, container, probe, "httpGet", "port").(string); port != "http" {
			t.Errorf("%s asks port %v", probe, port)
		}
	}
	drain, shutdown := duration(t, env["LATCHKEY_DRAIN_DELAY"]), duration(t, env["LATCHKEY_SHUTDOWN_TIMEOUT"])
	if grace := duration(t, number(t, at(t, deployment, "spec", "template", "spec", "terminationGracePeriodSeconds"))+"s"); grace <= drain+shutdown {
		t.Errorf("it is killed %s after SIGTERM, but takes %s and %s to stop", grace, drain, shutdown)
	}

	labels := at(t, deployment, "spec", "template", "metadata", "labels").(object)
	others := []object{
		at(t, byKind["Job"][0], "spec", "template", "metadata", "labels").(object), at(t, byKind["Pod"][0], "metadata", "labels").(object),
	}
	selectors := map[string]any{
		"Deployment": at(t, deployment, "spec", "selector", "matchLabels"), "spread": at(t, deployment, "spec", "template", "spec", "topologySpreadConstraints", 0, "labelSelector", "matchLabels"),
		"Service": at(t, byKind["Service"][0], "spec", "selector"), "metrics": at(t, byKind["Service"][1], "spec", "selector"),
		"PodDisruptionBudget": at(t, byKind["PodDisruptionBudget"][0], "spec", "selector", "matchLabels"),
		"NetworkPolicy":       at(t, byKind["NetworkPolicy"][0], "spec", "podSelector", "matchLabels"),
	}
	for what, selector := range selectors {
		if !selects(selector, labels) || slices.ContainsFunc(others, func(labels object) bool { return selects(selector, labels) }) {
			t.Errorf("%s selects %v", what, selector)
		}
	}
	monitored := 0
	for _, s := range byKind["Service"] {
		if port := at(t, s, "spec", "ports", 0, "targetPort").(string); ports[port] == "" {
			t.Errorf("a service leads to %s, which is no port", port)
		}
		if selects(at(t, byKind["ServiceMonitor"][0], "spec", "selector", "matchLabels"), at(t, s, "metadata", "labels").(object)) {
			monitored++
			if at(t, s, "spec", "ports", 0, "name") != at(t, byKind["ServiceMonitor"][0], "spec", "endpoints", 0, "port") {
				t.Error("the ServiceMonitor asks a port that the service does not have")
			}
		}
	}
	if monitored != 1 {
		t.Errorf("the ServiceMonitor finds %d services", monitored)
	}
	if host := at(t, byKind["Ingress"][0], "spec", "rules", 0, "host"); host != "auth.example.com" {
		t.Errorf("the ingress is for %v", host)
	}
	if image := at(t, container, "image"); image != "ghcr.io/latchkey/latchkey:v"+readYAML(t, chart+"/Chart.yaml")["appVersion"].(string) {
		t.Errorf("the image is %v", image)
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	for _, o := range render(t, func(values object) { values["image"].(object)["digest"] = digest }) {
		if o["kind"] == "Deployment" && at(t, o, "spec", "template", "spec", "containers", 0, "image") != "ghcr.io/latchkey/latchkey@"+digest {
			t.Errorf("the image by digest is %v", at(t, o, "spec", "template", "spec", "containers", 0, "image"))
		}
	}
}

// values.schema.json refuses variables that are secret, or set by the chart, as plain
// configuration, and no others.
func TestChartTakesNoSecretsInPlain(t *testing.T) {
	t.Parallel()
	var schema object
	if err := json.Unmarshal([]byte(readFile(t, chart+"/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	names := at(t, schema, "properties", "config", "propertyNames")
	allowed := regexp.MustCompile(at(t, names, "pattern").(string))
	refused := regexp.MustCompile(at(t, names, "not", "pattern").(string))
	ours := []string{"LATCHKEY_LISTEN", "LATCHKEY_METRICS_LISTEN", "LATCHKEY_DRAIN_DELAY", "LATCHKEY_SHUTDOWN_TIMEOUT"}
	for _, v := range config.Describe() {
		name := strings.ReplaceAll(v.Name, "<NAME>", "OKTA")
		if want := v.Secret || slices.Contains(ours, name); refused.MatchString(name) != want {
			t.Errorf("%s is refused: %v, want %v", name, !want, want)
		}
		if !allowed.MatchString(name) {
			t.Errorf("%s is not allowed", name)
		}
	}
	given := regexp.MustCompile(at(t, schema, "properties", "config", "properties", "LATCHKEY_PUBLIC_URL", "pattern").(string))
	for url, want := range map[string]bool{"": false, "auth.example.com": false, "https://auth.example.com/": false, "https://auth.example.com": true} {
		if given.MatchString(url) != want {
			t.Errorf("LATCHKEY_PUBLIC_URL %q is taken: %v", url, !want)
		}
	}
}

func selects(selector any, labels object) bool {
	for name, value := range selector.(object) {
		if labels[name] != value {
			return false
		}
	}
	return true
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// number returns a number of a YAML file as text.
func number(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Helm makes the same objects as render does. LATCHKEY_TEST_HELM names the program, as
// `make test-packages` does.
func TestChartAsHelmRendersIt(t *testing.T) {
	t.Parallel()
	helm := os.Getenv("LATCHKEY_TEST_HELM")
	if helm == "" {
		t.Skip("LATCHKEY_TEST_HELM is not set: run make test-packages")
	}
	for name, set := range map[string]func(object){"as it is": func(object) {}, "everything": everything} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var values object
			ours := map[string]object{}
			for _, o := range render(t, func(v object) { set(v); values = v }) {
				ours[at(t, o, "kind").(string)+" "+at(t, o, "metadata", "name").(string)] = o
			}
			text, err := yaml.Marshal(values)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "values.yaml")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), helm, "template", "id", chart, "--namespace", "auth", "--values", file, "--kube-version", "1.31.0").Output()
			if failed, ok := errors.AsType[*exec.ExitError](err); ok {
				t.Fatalf("%v: %s", err, failed.Stderr)
			}
			if err != nil {
				t.Fatal(err)
			}
			decoder := yaml.NewDecoder(bytes.NewReader(out))
			for {
				var o object
				if err := decoder.Decode(&o); err != nil {
					break
				}
				key := at(t, o, "kind").(string) + " " + at(t, o, "metadata", "name").(string)
				if !reflect.DeepEqual(ours[key], o) {
					t.Errorf("Helm makes\n%v\nand not\n%v", o, ours[key])
				}
				delete(ours, key)
			}
			if len(ours) > 0 {
				t.Errorf("Helm does not make %v", ours)
			}
		})
	}
}
